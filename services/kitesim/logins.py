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
    postback_url: str = ""  # where updates of its orders are posted; empty: nowhere
    renewable: bool = False  # a login gives a refresh token too; those of ordinary applications do not


@dataclass(frozen=True, slots=True)
class Session:
    """A login that holds."""

    api_key: str
    user_id: str


@dataclass(frozen=True, slots=True)
class Tokens:
    """What a login gives."""

    access: str
    refresh: str  # empty unless the application's logins can be renewed


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
        self.refresh: dict[str, str] = {}  # api_key -> refresh token

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

    def exchange(self, api_key: str, request_token: str, checksum: str) -> tuple[Session, Tokens]:
        """The session and its tokens for a request token, which is used up by that.

        Raises Denied for a token that is unknown, used, too old or another key's, and for a wrong checksum.
        """
        known_key, until_ns = self.requests.pop(request_token, ("", 0))
        application = self.applications.get(api_key)
        if application is None or known_key != api_key or self.mono_ns() > until_ns:
            raise Denied("Token is invalid or has expired.")
        _check(application, request_token, checksum)
        access = self.tokens.setdefault(api_key, self.new_token())
        return Session(api_key, application.user_id), Tokens(access, self._refreshed(application))

    def renew(self, api_key: str, refresh_token: str, checksum: str) -> tuple[Session, Tokens]:
        """New tokens for a refresh token; the old ones are worth nothing from now on. Raises Denied."""
        application, known = self.applications.get(api_key), self.refresh.get(api_key)
        if application is None or known is None or not _same(known, refresh_token):
            raise Denied("Token is invalid or has expired.")
        _check(application, refresh_token, checksum)
        access = self.tokens[api_key] = self.new_token()
        return Session(api_key, application.user_id), Tokens(access, self._refreshed(application))

    def _refreshed(self, application: Application) -> str:
        if not application.renewable:
            return ""
        token = self.refresh[application.api_key] = self.new_token()
        return token

    def session(self, api_key: str, access_token: str) -> Session:
        """The session of a key and token. Raises Denied."""
        token, application = self.tokens.get(api_key), self.applications.get(api_key)
        if token is None or application is None or not _same(token, access_token):
            raise Denied(MESSAGE)
        return Session(api_key, application.user_id)

    def authorised(self, header: str) -> Session:
        """The session of an ``Authorization: token <api_key>:<access_token>`` header. Raises Denied."""
        return self.session(*presented(header))

    def end(self, api_key: str, access_token: str) -> Session:
        """Logs out: the token is worth nothing from now on. Raises Denied when it was not before."""
        session = self.session(api_key, access_token)
        del self.tokens[api_key]
        return session

    def flush(self) -> tuple[str, ...]:
        """The day's tokens are worth nothing from now on; whose they were. A refresh token goes on."""
        api_keys = tuple(self.tokens)
        self.tokens.clear()
        return api_keys

    def end_refresh(self, api_key: str, refresh_token: str) -> None:
        """The refresh token is worth nothing from now on. Raises Denied when it was not before."""
        known = self.refresh.get(api_key)
        if known is None or not _same(known, refresh_token):
            raise Denied("Token is invalid or has expired.")
        del self.refresh[api_key]


def presented(header: str) -> tuple[str, str]:
    """API key and access token of an ``Authorization: token <api_key>:<access_token>``; both empty when it is none."""
    scheme, _, credentials = header.partition(" ")
    api_key, colon, access_token = credentials.strip().partition(":")
    # What stands alone may be a token, and is nobody's key.
    return (api_key, access_token) if scheme.lower() == "token" and colon else ("", "")


def _check(application: Application, token: str, checksum: str) -> None:
    digest = hashlib.sha256(f"{application.api_key}{token}{application.api_secret}".encode()).hexdigest()
    if not _same(digest, checksum):
        raise Denied("Invalid `checksum`.")


def _same(one: str, other: str) -> bool:
    return hmac.compare_digest(one.encode(), other.encode())
