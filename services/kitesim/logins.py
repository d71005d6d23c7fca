"""Who may speak: API keys, the login's request tokens, and the day's access tokens."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass

NS = 1_000_000_000
REQUEST_TOKEN_NS_MAX = 300 * NS  # machine time; a request token lives a few minutes
REQUEST_TOKENS_MAX = 1_000
MESSAGE = "Incorrect `api_key` or `access_token`."


@dataclass(frozen=True, slots=True, kw_only=True)
class Application:
    """An app of the broker's developer console, and the user who logs in to it."""

    api_key: str
    api_secret: str
    user_id: str
    redirect_url: str  # where the login page leads


@dataclass(frozen=True, slots=True)
class Session:
    """A login that holds."""

    api_key: str
    user_id: str


class Denied(Exception):
    """No valid login: 403, TokenException."""


class Logins:
    """Keys and tokens of one exchange. Comparisons take the same time whatever differs.

    Args:
        tokens: access tokens that are valid from the start, api_key -> token; a login answers the same token.
        mono_ns: machine time; request tokens die by it.
        new_token: where tokens come from; alphanumeric, since the official client puts them into URLs as they are.
    """

    def __init__(
        self,
        applications: tuple[Application, ...],
        tokens: dict[str, str],
        mono_ns: Callable[[], int],
        new_token: Callable[[], str] = lambda: secrets.token_hex(16),
    ) -> None:
        self.applications = {application.api_key: application for application in applications}
        self.tokens = dict(tokens)
        self.mono_ns, self.new_token = mono_ns, new_token
        self.requests: dict[str, tuple[str, int]] = {}

    def login(self, api_key: str) -> tuple[Application, str]:
        """The login page: the application and a request token for it.

        Raises Denied when there is no such application.
        """
        application = self.applications.get(api_key)
        if application is None:
            raise Denied("Invalid `api_key`.")
        while len(self.requests) >= REQUEST_TOKENS_MAX:
            del self.requests[next(iter(self.requests))]
        request_token = self.new_token()
        self.requests[request_token] = (api_key, self.mono_ns() + REQUEST_TOKEN_NS_MAX)
        return application, request_token

    def exchange(self, api_key: str, request_token: str, checksum: str) -> tuple[Session, str]:
        """The session and access token for a request token, which is used up by that.

        Raises Denied for a token that is unknown, used, too old or another key's, and for a wrong checksum.
        """
        known_key, until_ns = self.requests.pop(request_token, ("", 0))
        application = self.applications.get(api_key)
        if application is None or known_key != api_key or self.mono_ns() > until_ns:
            raise Denied("Token is invalid or has expired.")
        digest = hashlib.sha256(f"{api_key}{request_token}{application.api_secret}".encode()).hexdigest()
        if not hmac.compare_digest(digest.encode(), checksum.encode()):
            raise Denied("Invalid `checksum`.")
        token = self.tokens.setdefault(api_key, self.new_token())
        return Session(api_key, application.user_id), token

    def session(self, api_key: str, access_token: str) -> Session:
        """The session of a key and token. Raises Denied."""
        token, application = self.tokens.get(api_key), self.applications.get(api_key)
        if token is None or application is None or not hmac.compare_digest(token.encode(), access_token.encode()):
            raise Denied(MESSAGE)
        return Session(api_key, application.user_id)

    def authorised(self, header: str) -> Session:
        """The session of an ``Authorization: token <api_key>:<access_token>`` header. Raises Denied."""
        scheme, _, credentials = header.partition(" ")
        api_key, _, access_token = credentials.strip().partition(":")
        if scheme.lower() != "token":
            raise Denied(MESSAGE)
        return self.session(api_key, access_token)

    def end(self, api_key: str, access_token: str) -> Session:
        """Logs out: the token is worth nothing from now on. Raises Denied when it was not before."""
        session = self.session(api_key, access_token)
        del self.tokens[api_key]
        return session
