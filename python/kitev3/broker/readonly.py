"""The official client with its writes removed: what marketdata holds.

Kite has no scoped tokens, so what a process cannot do must be taken out of its client: every write of the official
client goes through three methods, which refuse here, and below them the adapter lets nothing but GET pass.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn

from kitev3.broker.adapter import EgressAdapter
from kitev3.broker.classify import Finding
from kitev3.broker.interface import Permit
from kitev3.broker.kite import API_ROOT, client, read, read_file
from kitev3.broker.official import KiteConnect
from kitev3.errors import Refused

FILE_S_MAX = 60.0  # the instruments file has 100,000 lines


class _ReadingClient(KiteConnect):  # type: ignore[misc]
    """The official client; whatever is no GET refuses."""

    def _post(self, *args: Any, **kwargs: Any) -> NoReturn:
        raise Refused("this client only reads")

    _put = _delete = _post


class ReadOnlyKite:
    """Instruments and quotes over HTTP. Used by one thread."""

    def __init__(self, *, api_key: str, access_token: str, root: str = API_ROOT) -> None:
        self._secrets: tuple[str, ...] = (access_token, api_key)
        self._adapter = EgressAdapter(_no_write, total_s_max=FILE_S_MAX)
        self._kite = client(_ReadingClient, self._adapter, api_key=api_key, access_token=access_token, root=root)

    def renew(self, access_token: str) -> None:
        """Goes on with another day's token."""
        self._secrets = (access_token, *self._secrets[:4])
        self._kite.set_access_token(access_token)

    def instruments(self) -> Finding:
        """The instruments file; ``data`` is CSV."""
        return read_file(self._adapter, self._kite.instruments, self._secrets)

    def quote(self, instruments: Sequence[str]) -> Finding:
        """Full quotes of at most 500 ``EXCHANGE:SYMBOL`` names; unknown ones are absent."""
        return read(self._adapter, lambda: self._kite.quote(*instruments), self._secrets)

    def close(self) -> None:
        """Lets go of the socket."""
        self._kite.reqsession.close()


def _no_write(permit: Permit) -> NoReturn:
    raise Refused(f"{permit.verb}: this client only reads")
