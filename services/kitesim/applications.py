"""Whose exchange it is: the applications that may log in, each with its key and the user whose account it trades."""

from __future__ import annotations

import secrets
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from kitev3.errors import ConfigError
from kitev3.services.kitesim.logins import Application, Logins
from kitev3.services.kitesim.postbacks import check_address
from kitev3.system import settings

APPLICATIONS_MAX = 2_000  # two keys for each user that an exchange may have


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """One application and its user: ``[[account]]``. Several keys may belong to one user, who has one account.

    Args:
        api_secret: a random one unless given; so is the access token.
    """

    user: str
    api_key: str
    api_secret: str = ""
    access_token: str = ""
    redirect_url: str = ""
    postback_url: str = ""
    renewable: bool = False

    def __post_init__(self) -> None:
        if not self.user or not self.api_key:
            raise ValueError("an account has a user and an api_key")

    def application(self, done_url: str) -> Application:
        """As logins know it. `done_url` is where its login leads unless it says."""
        return Application(
            api_key=self.api_key,
            api_secret=self.api_secret or secrets.token_hex(16),
            user_id=self.user,
            redirect_url=self.redirect_url or done_url,
            postback_url=self.postback_url,
            renewable=self.renewable,
        )


def read_accounts(tables: Iterable[Mapping[str, Any]]) -> tuple[Account, ...]:
    """The ``[[account]]`` tables of a file. ConfigError says what is wrong."""
    return tuple(settings.read(Account, table, f"[[account]] {number}", {}) for number, table in enumerate(tables, 1))


def check_accounts(accounts: tuple[Account, ...], *, anywhere: bool) -> None:
    """ConfigError for a key that two have, for too many, and for an address that nothing may be posted to."""
    if len(accounts) > APPLICATIONS_MAX:
        raise ConfigError(f"account: {len(accounts)} of them; at most {APPLICATIONS_MAX}")
    keys: set[str] = set()
    for account in accounts:
        if account.api_key in keys:
            raise ConfigError(f"account: the api_key {account.api_key!r} is there twice")
        keys.add(account.api_key)
        if account.postback_url:
            check_address(account.postback_url, anywhere=anywhere)


def users_of(accounts: Iterable[Account]) -> tuple[str, ...]:
    """Each user once, in the order in which they come."""
    return tuple(dict.fromkeys(account.user for account in accounts))


def tokens_of(accounts: Iterable[Account]) -> dict[str, str]:
    """The access tokens that hold from the beginning, by key."""
    return {account.api_key: account.access_token or secrets.token_hex(16) for account in accounts}


def credentials(logins: Logins) -> Iterator[str]:
    """A line for each application, for people."""
    for one in logins.applications.values():
        token = logins.tokens[one.api_key]
        yield f"  api_key={one.api_key} api_secret={one.api_secret} access_token={token} user={one.user_id}"
