"""From login to the day's token, and how it is handed on: a file of mode 0400, never settings, environment or logs.

A person logs in at the broker each day; the login's page sends back a request token, which is exchanged for the day's
access token. kitesim's login page answers at once, so that the demo needs no person.
"""

from __future__ import annotations

from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import requests

from kitev3.account.secret import write_secret
from kitev3.broker.kite import API_ROOT
from kitev3.broker.official import KiteConnect, KiteException
from kitev3.errors import Refused

_TIMEOUT_S = (2.0, 10.0)


def open_session(*, api_key: str, api_secret: str, request_token: str, token_file: Path, root: str = API_ROOT) -> str:
    """Exchanges the login's request token and writes the access token to its file; the user's id.

    Raises:
        Refused: the broker did not take the login; log in again.
    """
    kite = KiteConnect(api_key=api_key, root=root)
    kite.reqsession.trust_env = False
    try:
        session = kite.generate_session(request_token=request_token, api_secret=api_secret)
    except (KiteException, requests.RequestException, KeyError) as error:
        raise Refused(f"the login was not taken ({type(error).__name__}): log in again") from None
    finally:
        kite.reqsession.close()
    write_secret(token_file, session["access_token"])
    return str(session["user_id"])


def login_to_kitesim(root: str, api_key: str) -> str:
    """The request token of kitesim's login page, which is where its redirect leads.

    Raises:
        Refused: what answers at *root* is no kitesim, or does not know the key.
    """
    with requests.Session() as session:
        session.trust_env = False
        try:
            answer = session.get(
                f"{root}/connect/login",
                params={"api_key": api_key, "v": "3"},
                timeout=_TIMEOUT_S,
                allow_redirects=False,
            )
        except requests.RequestException as error:
            raise Refused(f"no login page at {root} ({type(error).__name__})") from None
    tokens = parse_qs(urlsplit(answer.headers.get("location", "")).query).get("request_token", [])
    if not answer.is_redirect or len(tokens) != 1:
        raise Refused(f"{root} took no login for this key: HTTP {answer.status_code}")
    return tokens[0]
