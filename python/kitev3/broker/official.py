"""The official Kite client's REST half: without the ticker, which would bring Twisted's reactor into our processes."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from kiteconnect import KiteConnect
    from kiteconnect.exceptions import KiteException
else:
    from kitev3.runtime.import_guard import part

    KiteConnect = part("kiteconnect", "connect").KiteConnect
    KiteException = part("kiteconnect", "exceptions").KiteException

__all__ = ["KiteConnect", "KiteException"]
