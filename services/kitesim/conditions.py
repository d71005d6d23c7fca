"""What an alert waits for: a condition on what the market shows."""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec
from kitev3.services.kitesim.answers import Fault
from kitev3.services.kitesim.baskets import Row, read_basket

NAME_CHARS_MAX = 200
CONSTANT_MAX = 1e12
INDICES_OF_BSE = ("SENSEX",)
NUMBER = re.compile(r"-?\d{1,13}(\.\d{1,9})?([eE][+-]?\d{1,2})?", re.ASCII)  # 1e+06 is what a client makes of a million

OPERATORS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt, "==": operator.eq}
)
ATTRIBUTES: Mapping[str, Callable[[Row], float]] = MappingProxyType(
    {
        "LastTradedPrice": lambda row: row["last_price"],
        "OpenPrice": lambda row: row["ohlc"]["open"],
        "HighPrice": lambda row: row["ohlc"]["high"],
        "LowPrice": lambda row: row["ohlc"]["low"],
        "ClosePrice": lambda row: row["ohlc"]["close"],
        "DayChange": lambda row: row["net_change"],
        "DayChangePercent": lambda row: row["net_change"] / row["ohlc"]["close"] * 100,
        "AverageTradedPrice": lambda row: row["average_price"],
        "LastTradedQuantity": lambda row: row["last_quantity"],
        "TotalTradedQuantity": lambda row: row["volume"],
        "TotalBuyQuantity": lambda row: row["buy_quantity"],
        "TotalSellQuantity": lambda row: row["sell_quantity"],
        "OI": lambda row: row["oi"],
        "OIDayHigh": lambda row: row["oi_day_high"],
        "OIDayLow": lambda row: row["oi_day_low"],
    }
)


class Side(msgspec.Struct, frozen=True):
    """One side of a condition that is an instrument's."""

    exchange: str
    tradingsymbol: str
    attribute: str

    @property
    def name(self) -> str:
        """As the quote routes take it. Alerts call the exchange of an index INDICES."""
        exchange = self.exchange
        if exchange == "INDICES":
            exchange = "BSE" if self.tradingsymbol in INDICES_OF_BSE else "NSE"
        return f"{exchange}:{self.tradingsymbol}"

    def value(self, quotes: Mapping[str, Row]) -> float:
        return float(ATTRIBUTES[self.attribute](quotes[self.name]))

    def __str__(self) -> str:
        return f'{self.attribute}("{self.exchange}:{self.tradingsymbol}")'


class Terms(msgspec.Struct, frozen=True):
    """What an alert waits for and what it then does, as it was asked for."""

    name: str
    type: str
    lhs: Side
    operator: str
    rhs: Side | float
    basket: Row | None

    @property
    def names(self) -> set[str]:
        return {side.name for side in (self.lhs, self.rhs) if isinstance(side, Side)}

    def met(self, quotes: Mapping[str, Row]) -> bool:
        rhs = self.rhs.value(quotes) if isinstance(self.rhs, Side) else self.rhs
        return OPERATORS[self.operator](self.lhs.value(quotes), rhs)

    def __str__(self) -> str:
        return f"{self.lhs} {self.operator} {self.rhs}"


def read_terms(fields: Mapping[str, str], listed: Callable[[str], bool]) -> Terms:
    """Reads a form; `listed` knows the instruments. Raises Fault."""
    kind, name = fields.get("type", ""), fields.get("name", "").strip()
    if kind not in ("simple", "ato"):
        raise Fault.bad("Invalid `type`.")
    if not name or len(name) > NAME_CHARS_MAX:
        raise Fault.bad("Invalid `name`.")
    if fields.get("operator") not in OPERATORS:
        raise Fault.bad("Invalid `operator`.")
    lhs = _side(fields, listed, "lhs")
    rhs: Side | float
    match fields.get("rhs_type"):
        case "constant":
            rhs = _number(fields.get("rhs_constant", ""))
        case "instrument":
            rhs = _side(fields, listed, "rhs")
        case _:
            raise Fault.bad("Invalid `rhs_type`.")
    basket = read_basket(fields.get("basket", "")) if kind == "ato" else None
    return Terms(name, kind, lhs, fields["operator"], rhs, basket)


def _side(fields: Mapping[str, str], listed: Callable[[str], bool], which: str) -> Side:
    exchange, symbol, attribute = (
        fields.get(f"{which}_{name}", "") for name in ("exchange", "tradingsymbol", "attribute")
    )
    side = Side(exchange, symbol, attribute)
    if attribute not in ATTRIBUTES:
        raise Fault.bad(f"Invalid `{which}_attribute`.")
    if not listed(side.name):
        raise Fault.bad(f"Invalid `{which}_tradingsymbol`.")
    return side


def _number(text: str) -> float:
    if not NUMBER.fullmatch(text) or abs(float(text)) >= CONSTANT_MAX:
        raise Fault.bad("Invalid `rhs_constant`.")
    return float(text)
