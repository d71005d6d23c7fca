"""The broker's books, read row by row: what reaches a tape is what could be read, and only what has changed.

A row that cannot be read never costs the good ones beside it: it is left out, counted and named. Most of a book is what
it was the last time, so a row is known again by its bytes, and a read hands on what is new, has changed, or is gone.
Kite's numbers are rupees, its times naive IST.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Generic, TypeVar

import msgspec

from kitev3._core import IST_NS
from kitev3.broker import row
from kitev3.broker.classify import Finding
from kitev3.broker.interface import Part
from kitev3.broker.row import BadRow
from kitev3.contracts import BrokerRows, Funds, Holding, OrderRow, PositionRow, TradeRow

EXCHANGES = frozenset(("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO"))
PRODUCTS = frozenset(("CNC", "MIS", "NRML", "MTF", "CO", "BO"))
SIDES = frozenset(("BUY", "SELL"))
STATUSES = frozenset(
    (
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "TRIGGER PENDING", "MODIFY PENDING",
        "MODIFY VALIDATION PENDING", "MODIFIED", "CANCEL PENDING", "AMO REQ RECEIVED", "MODIFY AMO REQ RECEIVED",
        "NOT MODIFIED", "NOT CANCELLED", "COMPLETE", "CANCELLED", "CANCELLED AMO", "REJECTED",
    )
)  # fmt: skip
"""Those that we have been told of. An order of any other counts as working, and is named."""

TOKEN_MAX = 2**32 - 1
TAG_CHARS_MAX = 64
QUANTITY_MAX = 10**9
VALUE_E4_MAX = 2**60  # of one row: sums of some still fit 64 bits
_EPOCH = dt.datetime(1970, 1, 1)
_SECOND = dt.timedelta(seconds=1)
_TAG = re.compile(rb'"([0-9A-Za-z]{20})"')

Row = TypeVar("Row", bound=msgspec.Struct)
Fields = Mapping[str, Any]


class Rows(Generic[Row]):
    """The rows of one kind, read again and again.

    Args:
        part: which member of the payload they are.
        read_one: makes one of a row's fields, and says what of it could not be used, if anything; raises BadRow.
        names: the fields whose values, joined by colons, are a row's key.
        is_ours: whether a text is a tag of ours; of rows that have none, none is.
    """

    def __init__(
        self,
        part: Part,
        read_one: Callable[[Fields], tuple[Row, str]],
        names: tuple[str, ...],
        *,
        is_ours: Callable[[str], bool] = lambda text: True,
    ) -> None:
        self._part, self._read_one, self._names, self._is_ours = part, read_one, names, is_ours
        self._patterns = tuple(re.compile(rb'"%s"\s*:\s*"([^"\\]{1,64})"' % name.encode()) for name in names)
        self._read: dict[bytes, tuple[Row, str]] = {}
        self._last: dict[str, Row] = {}
        self._first = True

    def read(self, raws: Iterable[msgspec.Raw]) -> BrokerRows:
        """What has changed since the last read. Never raises: a bad row costs itself."""
        read: dict[bytes, tuple[Row, str]] = {}
        now: dict[str, Row] = {}
        changed: list[Row] = []
        bad, why, doubtful = 0, "", False
        for raw in raws:
            data = bytes(raw)
            try:
                one, odd = read[data] = self._read.get(data) or self._read_one(row.row(data))
            except BadRow as error:
                key = self._key_of(data)
                why, bad = why or f"{self._part}: {key or 'a row'}: {error}", bad + 1
                if key in self._last:
                    now[key] = self._last[key]  # it is there, whatever has become of it
                else:
                    doubtful = doubtful or key is None or self._may_be_ours(data)
                continue
            key = self.key(one)
            if odd:
                why, bad = why or f"{self._part}: {key}: {odd}", bad + 1
            if self._last.get(key) != one or now.get(key, one) != one:
                changed.append(one)
            now[key] = one
        gone = () if doubtful else tuple(key for key in self._last if key not in now)
        if doubtful:
            now = self._last | now
        first, self._first = self._first, False
        self._read, self._last = read, now
        told: Any = {self._part: tuple(changed)}
        return BrokerRows(self._part, "ok", first=first, gone=gone, bad=bad, why=why, doubtful=doubtful, **told)

    def key(self, one: Row) -> str:
        """What a row is known by."""
        return key_of(one, self._names)

    def _key_of(self, data: bytes) -> str | None:
        """The key of a row that could not be read, if it can be made out."""
        found = [pattern.search(data) for pattern in self._patterns]
        return ":".join(one[1].decode(errors="replace") for one in found if one) if all(found) else None

    def _may_be_ours(self, data: bytes) -> bool:
        """A row without one of our tags is somebody else's; one whose text is broken may be anybody's."""
        try:
            data.decode()
        except UnicodeDecodeError:
            return True
        return any(self._is_ours(text.decode()) for text in _TAG.findall(data))


def key_of(one: msgspec.Struct, names: tuple[str, ...]) -> str:
    """The values of those fields, joined by colons."""
    return ":".join(getattr(one, name) for name in names)


KEYS: Mapping[str, tuple[str, ...]] = {
    "orders": ("order_id",),
    "trades": ("exchange", "trade_id"),
    "positions": ("exchange", "tradingsymbol", "product"),
    "holdings": ("exchange", "tradingsymbol"),
}


class Books:
    """All that is read of an account, by the words of `execution.read`.

    Args:
        is_ours: whether a text is a tag of ours.
    """

    def __init__(self, is_ours: Callable[[str], bool]) -> None:
        self.orders = Rows("orders", order, KEYS["orders"], is_ours=is_ours)
        self.trades = Rows("trades", trade, KEYS["trades"])
        self.positions = Rows("positions", position, KEYS["positions"])
        self.holdings = Rows("holdings", holding, KEYS["holdings"])

    def read(self, part: Part, finding: Finding) -> BrokerRows:
        """What a read came to. Never raises: an answer that cannot be read as a whole is an error like any other."""
        if finding.outcome != "ok":
            return BrokerRows(part, "error", why=finding.message, error_type=finding.error_type)
        try:
            if part == "margins":
                return BrokerRows(part, "ok", funds=(funds(finding.data),))
            if part == "positions":
                net = row.members(finding.data).get("net", msgspec.Raw(b"null"))
                return self.positions.read(row.elements(bytes(net)))
            rows: Rows[Any] = getattr(self, part)
            return rows.read(row.elements(finding.data))
        except BadRow as error:
            return BrokerRows(part, "error", bad=1, why=f"{part}: {error}", error_type="BadRow")


def order(fields: Fields) -> tuple[OrderRow, str]:
    """A row of the order book. What only describes it never costs it: fills and prices are the trades'."""
    quantity, filled_quantity = _quantity(fields, "quantity"), _quantity(fields, "filled_quantity")
    if filled_quantity > quantity:
        raise BadRow(f"filled_quantity: {filled_quantity} of {quantity}")
    status, odd = row.text(fields, "status"), ""
    if status not in STATUSES:
        odd = f"status {row.shown(status)} is not known"
    try:
        average_price_e4 = _price(fields, "average_price", quantity)
    except BadRow as error:
        average_price_e4, odd = 0, odd or str(error)
    exchange, tradingsymbol, token = _instrument(fields)
    # Of orders that the broker converted the tag moves from ``tag`` to ``tags``.
    tags = (fields.get("tag"), *row.parts(fields, "tags"))
    read = OrderRow(
        order_id=row.text(fields, "order_id"),
        status=status,
        exchange=exchange,
        tradingsymbol=tradingsymbol,
        instrument_token=token,
        side=_word(fields, "transaction_type", SIDES),  # type: ignore[arg-type]
        product=_word(fields, "product", PRODUCTS),
        order_type=row.text(fields, "order_type"),
        quantity=quantity,
        filled_quantity=filled_quantity,
        price_e4=_price(fields, "price", quantity),
        trigger_price_e4=_price(fields, "trigger_price", quantity),
        average_price_e4=average_price_e4,
        variety=row.text(fields, "variety", "regular"),
        message=row.said(fields, "status_message"),
        updated_ns=ist_ns(fields.get("exchange_update_timestamp")),
        tags=tuple(tag for tag in tags if isinstance(tag, str) and 0 < len(tag) <= TAG_CHARS_MAX),
    )
    return read, odd


def trade(fields: Fields) -> tuple[TradeRow, str]:
    """A row of the trade book. One without a price would be booked as a gift, or as a loss of all that it cost."""
    quantity = _quantity(fields, "quantity")
    price_e4 = _price(fields, "average_price", quantity)
    if quantity == 0 or price_e4 == 0:
        raise BadRow(f"{'average_price' if quantity else 'quantity'}: 0 is no trade")
    read = TradeRow(
        row.text(fields, "trade_id"),
        row.text(fields, "order_id"),
        *_instrument(fields),
        _word(fields, "transaction_type", SIDES),  # type: ignore[arg-type]
        _word(fields, "product", PRODUCTS),
        quantity,
        price_e4,
        ist_ns(fields.get("fill_timestamp")) or ist_ns(fields.get("exchange_timestamp")),
    )
    return read, ""


def position(fields: Fields) -> tuple[PositionRow, str]:
    """A row of the net positions."""
    overnight = _quantity(fields, "overnight_quantity", 0, least=-QUANTITY_MAX)
    side = "buy" if overnight > 0 else "sell"
    value_e4 = row.e4(fields, f"{side}_value", 0) - row.e4(fields, f"day_{side}_value", 0)
    units = abs(overnight) * max(row.whole(fields, "multiplier", 1), 1)
    exchange, tradingsymbol, token = _instrument(fields)
    quantity = _quantity(fields, "quantity", least=-QUANTITY_MAX)
    read = PositionRow(
        exchange,
        tradingsymbol,
        token,
        _word(fields, "product", PRODUCTS),
        quantity,
        _price(fields, "average_price", quantity),
        overnight,
        max(round(value_e4 / units), 0) if units else 0,
    )
    return read, ""


def holding(fields: Fields) -> tuple[Holding, str]:
    """A row of the holdings; what is used is no longer deliverable."""
    quantity = _quantity(fields, "quantity")
    read = Holding(
        *_instrument(fields),
        quantity - _quantity(fields, "used_quantity", 0),
        _price(fields, "average_price", quantity),
    )
    return read, ""


def funds(data: bytes) -> Funds:
    """The margins. Both segments draw on one ledger only for accounts that say so: summed. One may be absent; equity
    that is named and empty has not been read, which is not the same as no money."""
    segments = row.row(data)
    parts = [part for name in ("equity", "commodity") if (part := row.part(segments, name))]
    if not parts or ("equity" in segments and not segments["equity"]):
        raise BadRow("no equity" if parts else "neither equity nor commodity")
    return Funds(
        sum(row.e4(part, "net") for part in parts),
        sum(row.e4(row.part(part, "utilised"), "debits", 0) for part in parts),
    )


def ist_ns(text: Any) -> int:
    """Kite's ``YYYY-MM-DD HH:MM:SS`` in IST to nanoseconds UTC; 0 when it is missing or something else."""
    if not isinstance(text, str) or len(text) != 19:
        return 0
    try:
        time = dt.datetime.fromisoformat(text)
        ns = (time - _EPOCH) // _SECOND * 1_000_000_000 - IST_NS
    except (ValueError, OverflowError, TypeError):
        return 0
    return ns if 0 < ns < 2**63 else 0


def _instrument(fields: Fields) -> tuple[str, str, int]:
    token = row.whole(fields, "instrument_token")
    if not 0 <= token <= TOKEN_MAX:
        raise BadRow(f"instrument_token: {token} is out of all bounds")
    return _word(fields, "exchange", EXCHANGES), row.text(fields, "tradingsymbol"), token


def _word(fields: Fields, name: str, known: frozenset[str]) -> str:
    word = row.text(fields, name)
    if word not in known:
        raise BadRow(f"{name} {row.shown(word)} is not known")
    return word


def _quantity(fields: Fields, name: str, default: int | None = None, least: int = 0) -> int:
    quantity = row.whole(fields, name, default)
    if not least <= quantity <= QUANTITY_MAX:
        raise BadRow(f"{name}: {quantity} is out of all bounds")
    return quantity


def _price(fields: Fields, name: str, quantity: int) -> int:
    price_e4 = row.e4(fields, name, 0)
    if price_e4 < 0 or price_e4 * abs(quantity) > VALUE_E4_MAX:
        raise BadRow(f"{name}: {row.shown(fields.get(name))} is out of all bounds")
    return price_e4
