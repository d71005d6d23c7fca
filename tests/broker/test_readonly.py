"""The reading client reads, and cannot be made to write."""

import pytest
from kiteconnect import KiteConnect
from kitev3.broker.readonly import ReadOnlyKite
from kitev3.errors import Refused

from .wire import answering, failure, http, success, wire

CSV = b"instrument_token,exchange_token,tradingsymbol,name,last_price,expiry,strike,tick_size,lot_size\n"


def reader(root: str) -> ReadOnlyKite:
    return ReadOnlyKite(api_key="key", access_token="token", root=root)


def test_it_reads_instruments_and_quotes() -> None:
    with wire(answering(http(200, CSV, "text/csv"))) as served:
        assert reader(served.root).instruments().data == CSV
    with wire(answering(success({}))) as served:
        assert reader(served.root).instruments().outcome == "error"
    with wire(answering(success({"NSE:INFY": {"last_price": 1.5}}))) as served:
        assert reader(served.root).quote(["NSE:INFY", "NSE:M&M"]).data == b'{"NSE:INFY": {"last_price": 1.5}}'
        assert served.requests[0].startswith(b"GET /quote?i=NSE%3AINFY&i=NSE%3AM%26M ")


def test_an_error_is_told_without_the_token() -> None:
    with wire(answering(failure(403, "TokenException", "token"))) as served:
        assert reader(served.root).quote(["NSE:INFY"]).message == "***"


def test_no_write_of_the_official_client_leaves() -> None:
    order = {"exchange": "NSE", "tradingsymbol": "INFY", "transaction_type": "BUY", "quantity": 1, "product": "MIS"}
    with wire(answering(success({"order_id": "1"}))) as served:
        kite = reader(served.root)._kite
        calls = [
            lambda: kite.place_order(variety="regular", order_type="MARKET", **order),
            lambda: kite.modify_order(variety="regular", order_id="1", quantity=2),
            lambda: kite.cancel_order(variety="regular", order_id="1"),
            lambda: kite.delete_gtt(trigger_id=1),
            lambda: kite.invalidate_access_token(),
            lambda: KiteConnect.cancel_order(kite, variety="regular", order_id="1"),
        ]
        for call in calls:
            with pytest.raises(Refused, match="only reads"):
                call()

        assert served.requests == []


def test_below_the_client_only_get_passes() -> None:
    with wire(answering(success({}))) as served:
        kite = reader(served.root)
        with kite._adapter.attempt(), pytest.raises(Refused, match="without a permit"):
            kite._kite.reqsession.post(f"{served.root}/orders/regular")

        assert served.requests == []
