"""Kite over HTTP, through the official client.

The client makes the requests; what a reply proves is judged by its bytes, since the client has lost the error's type by
the time it raises, and raises `KeyError` where a content type is missing.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from kitev3.broker.adapter import TOTAL_S_MAX, EgressAdapter
from kitev3.broker.classify import MESSAGE_CHARS_MAX, Finding, classify_failure, classify_read, classify_write
from kitev3.broker.egress import Egress
from kitev3.broker.interface import Order, Permit
from kitev3.broker.official import KiteConnect
from kitev3.broker.terms import percent, rupees
from kitev3.errors import readable

API_ROOT = "https://api.kite.trade"


class KiteBroker:
    """The `Broker` end that speaks HTTP. Used by one thread.

    Args:
        root: where Kite, or kitesim, answers.
        egress: the door of every write.
    """

    def __init__(
        self,
        *,
        api_key: str,
        access_token: str,
        egress: Egress,
        root: str = API_ROOT,
        total_s_max: float = TOTAL_S_MAX,
    ) -> None:
        self._secrets = (access_token, api_key)
        self._egress = egress
        self._adapter = EgressAdapter(egress.let_through, total_s_max)
        self._kite = client(KiteConnect, self._adapter, api_key=api_key, access_token=access_token, root=root)

    def place(self, order: Order, permit: Permit) -> Finding:
        return self._write(
            permit,
            lambda: self._kite.place_order(
                variety=order.variety,
                exchange=order.exchange,
                tradingsymbol=order.tradingsymbol,
                transaction_type=order.side,
                quantity=order.quantity,
                product=order.product,
                order_type=order.order_type,
                price=rupees(order.price_e4),
                trigger_price=rupees(order.trigger_price_e4),
                validity=order.validity,
                market_protection=percent(order.market_protection_bp),
                tag=permit.tag,
            ),
        )

    def modify(self, order_id: str, order: Order, permit: Permit) -> Finding:
        return self._write(
            permit,
            lambda: self._kite.modify_order(
                variety=order.variety,
                order_id=order_id,
                quantity=order.quantity,
                price=rupees(order.price_e4),
                order_type=order.order_type,
                trigger_price=rupees(order.trigger_price_e4),
                validity=order.validity,
                market_protection=percent(order.market_protection_bp),
            ),
        )

    def cancel(self, order_id: str, permit: Permit, variety: str = "regular") -> Finding:
        return self._write(permit, lambda: self._kite.cancel_order(variety=variety, order_id=order_id))

    def orders(self) -> Finding:
        return self._read(self._kite.orders)

    def trades(self) -> Finding:
        return self._read(self._kite.trades)

    def positions(self) -> Finding:
        return self._read(self._kite.positions)

    def holdings(self) -> Finding:
        return self._read(self._kite.holdings)

    def margins(self) -> Finding:
        return self._read(self._kite.margins)

    def close(self) -> None:
        self._kite.reqsession.close()

    def _write(self, permit: Permit, call: Callable[[], Any]) -> Finding:
        if why := self._egress.refusal(permit):  # without a connection: most refusals are known by now
            return Finding(outcome="not_sent", error_type="Refused", message=why)
        with self._adapter.attempt(permit) as attempt:
            error = catching(call)
        if attempt.reply is not None:
            return clean(classify_write(attempt.reply), self._secrets)
        assert error is not None, "a write without a reply has an error"
        return clean(
            classify_failure(
                first_byte_sent=attempt.first_byte_sent, error_type=type(error).__name__, message=str(error)
            ),
            self._secrets,
        )

    def _read(self, call: Callable[[], Any]) -> Finding:
        return read(self._adapter, call, self._secrets)


def client(kind: type[KiteConnect], adapter: EgressAdapter, **settings: Any) -> KiteConnect:
    """The official client with our adapter as its only way out."""
    made = kind(**settings)
    made.reqsession.trust_env = False  # no proxy and no .netrc, which would replace the Authorization header
    made.reqsession.adapters.clear()
    made.reqsession.mount("https://", adapter)
    made.reqsession.mount("http://", adapter)
    return made


def read(adapter: EgressAdapter, call: Callable[[], Any], secrets: Sequence[str]) -> Finding:
    """A read of JSON."""
    with adapter.attempt() as attempt:
        error = catching(call)
    if attempt.reply is not None:
        return clean(classify_read(attempt.reply), secrets)
    assert error is not None, "a read without a reply has an error"
    return _failed(error, secrets)


def read_file(adapter: EgressAdapter, call: Callable[[], Any], secrets: Sequence[str]) -> Finding:
    """A read of CSV."""
    with adapter.attempt() as attempt:
        error = catching(call)
    reply = attempt.reply
    if reply is not None and reply.status == 200 and "csv" in reply.content_type:
        return Finding(outcome="ok", data=reply.body)
    if reply is not None:
        finding = classify_read(reply)
        message = finding.message or f"{reply.content_type or 'no content type'}, not CSV"
        return clean(Finding(outcome="error", error_type=finding.error_type, message=message), secrets)
    assert error is not None, "a read without a reply has an error"
    return _failed(error, secrets)


def catching(call: Callable[[], Any]) -> Exception | None:
    """Runs *call*; the error it raised, our own bugs excepted.

    As broad as the client's behaviour: `KiteException`, `requests` errors, and the `KeyError` or `TypeError` of a reply
    that it did not expect all mean that the reply, or its absence, has to be judged.
    """
    try:
        call()
    except AssertionError:
        raise
    except Exception as error:
        return error
    return None


def clean(finding: Finding, secrets: Sequence[str]) -> Finding:
    """The finding without secrets: an error may repeat what it was asked with."""
    message = finding.message
    for secret in secrets:
        message = message.replace(secret, "***") if secret else message
    return Finding(
        outcome=finding.outcome,
        order_id=finding.order_id,
        error_type=finding.error_type,
        message=message,
        data=finding.data,
    )


def _failed(error: BaseException, secrets: Sequence[str]) -> Finding:
    """A read without a reply."""
    message = readable(str(error), MESSAGE_CHARS_MAX)
    return clean(Finding(outcome="error", error_type=type(error).__name__, message=message), secrets)
