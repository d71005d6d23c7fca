"""The shapes of Kite's answers, written from the protocol's page: what each member is, and which may be absent or null.

A shape is a word (see `WORDS`), a list with the shape of its rows, an object of shapes, or one of `Maybe`, `Absent`,
`Keyed`, `Row`, `OneOf`, `By`, `Either`. Members that are not in the table are as wrong as those that are missing.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Maybe:
    """That, or null."""

    shape: Any


@dataclass(frozen=True)
class Absent:
    """That, or no such member."""

    shape: Any


@dataclass(frozen=True)
class Keyed:
    """An object with any keys, each of them that."""

    shape: Any


@dataclass(frozen=True)
class Row:
    """A list with these members in this order; `more` may follow."""

    shapes: tuple[Any, ...]
    more: tuple[Any, ...] = ()


@dataclass(frozen=True)
class OneOf:
    """One of these words."""

    words: tuple[str, ...]


@dataclass(frozen=True)
class Either:
    """Of one of these shapes."""

    shapes: tuple[Any, ...]


@dataclass(frozen=True)
class By:
    """An object of the shape that one of its members names."""

    member: str
    shapes: dict[str, Any]


def _stamp(form: str) -> Callable[[Any], bool]:
    def right(value: Any) -> bool:
        try:
            return isinstance(value, str) and dt.datetime.strptime(value, form).strftime(form) == value
        except ValueError:
            return False

    return right


WORDS: dict[str, Callable[[Any], bool]] = {
    "text": lambda value: isinstance(value, str),
    "int": lambda value: isinstance(value, int) and not isinstance(value, bool),
    "num": lambda value: isinstance(value, int | float) and not isinstance(value, bool),
    "bool": lambda value: isinstance(value, bool),
    "null": lambda value: value is None,
    "time": _stamp("%Y-%m-%d %H:%M:%S"),
    "day": _stamp("%Y-%m-%d"),
    "clock": _stamp("%H:%M:%S"),
    "candle": lambda value: (
        isinstance(value, str) and bool(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+0530", value))
    ),
    "digits": lambda value: isinstance(value, str) and value.isdecimal(),
    "any": lambda value: True,
}


def wrong(value: Any, shape: Any, at: str = "data") -> list[str]:
    """What of a value is not of its shape; each with where."""
    match shape:
        case str():
            return [] if WORDS[shape](value) else [f"{at}: {value!r} is no {shape}"]
        case Maybe():
            return [] if value is None else wrong(value, shape.shape, at)
        case list():
            if not isinstance(value, list):
                return [f"{at}: {value!r} is no list"]
            return [found for n, row in enumerate(value) for found in wrong(row, shape[0], f"{at}[{n}]")]
        case Row():
            if not isinstance(value, list) or len(value) not in (len(shape.shapes), len(shape.shapes + shape.more)):
                return [f"{at}: {value!r} is no row"]
            pairs = zip(value, shape.shapes + shape.more, strict=False)
            return [found for n, (one, its) in enumerate(pairs) for found in wrong(one, its, f"{at}[{n}]")]
        case Keyed():
            if not isinstance(value, dict):
                return [f"{at}: {value!r} is no object"]
            return [found for key, one in value.items() for found in wrong(one, shape.shape, f"{at}.{key}")]
        case OneOf():
            return [] if value in shape.words else [f"{at}: {value!r} is none of {shape.words}"]
        case Either():
            tries = [wrong(value, one, at) for one in shape.shapes]
            return [] if [] in tries else [f"{at}: {value!r} is of none of its shapes"]
        case By():
            name = value.get(shape.member) if isinstance(value, dict) else None
            if name not in shape.shapes:
                return [f"{at}.{shape.member}: {name!r} is none of {tuple(shape.shapes)}"]
            return wrong(value, shape.shapes[name], at)
        case dict():
            return _wrong_object(value, shape, at)
    raise AssertionError(shape)


def _wrong_object(value: Any, shape: dict[str, Any], at: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{at}: {value!r} is no object"]
    found = [f"{at}.{key}: not Kite's" for key in value.keys() - shape.keys()]
    for key, its in shape.items():
        inner = its.shape if isinstance(its, Absent) else its
        if key in value:
            found += wrong(value[key], inner, f"{at}.{key}")
        elif not isinstance(its, Absent):
            found.append(f"{at}.{key}: missing")
    return found


# --- words of a closed set ------------------------------------------------------------------------------------------

STATUS = OneOf(
    (
        "PUT ORDER REQ RECEIVED", "VALIDATION PENDING", "OPEN PENDING", "OPEN", "TRIGGER PENDING", "COMPLETE",
        "CANCELLED", "REJECTED", "AMO REQ RECEIVED", "MODIFY AMO REQ RECEIVED", "MODIFY VALIDATION PENDING",
        "MODIFY PENDING", "MODIFIED", "NOT MODIFIED", "CANCEL PENDING", "NOT CANCELLED",
    )
)  # fmt: skip
EXCHANGE = OneOf(("NSE", "BSE", "NFO", "BFO", "CDS", "BCD", "MCX", "NCO"))
SIDE = OneOf(("BUY", "SELL"))
PRODUCT = OneOf(("CNC", "NRML", "MIS", "MTF", "CO"))
ORDER_TYPE = OneOf(("MARKET", "LIMIT", "SL", "SL-M"))
VALIDITY = OneOf(("DAY", "IOC", "TTL"))
VARIETY = OneOf(("regular", "amo", "co", "iceberg", "auction"))

# --- session and user -----------------------------------------------------------------------------------------------

PROFILE = {
    "user_id": "text", "user_type": "text", "email": "text", "user_name": "text", "user_shortname": "text",
    "broker": "text", "exchanges": ["text"], "products": ["text"], "order_types": ["text"],
    "avatar_url": Maybe("text"), "meta": {"demat_consent": "text"},
}  # fmt: skip
SESSION = PROFILE | {
    "api_key": "text", "access_token": "text", "public_token": "text", "enctoken": "text", "refresh_token": "text",
    "silo": "text", "login_time": "time",
}  # fmt: skip
RENEWED = {name: shape for name, shape in SESSION.items() if name != "login_time"}
WHOLE_PROFILE = PROFILE | {
    "twofa_type": "text", "phone": "text", "bank_accounts": [{"name": "text", "branch": "text", "account": "text"}],
    "dp_ids": ["text"], "pan": "text", "tags": ["text"], "password_timestamp": "time", "twofa_timestamp": "time",
    "meta": {"poa": "text", "silo": "text", "account_blocks": ["any"]},
}  # fmt: skip
SEGMENT = {
    "enabled": "bool",
    "net": "num",
    "available": dict.fromkeys(
        ["adhoc_margin", "cash", "opening_balance", "live_balance", "collateral", "intraday_payin"], "num"
    ),
    "utilised": dict.fromkeys(
        [
            "debits", "exposure", "m2m_realised", "m2m_unrealised", "option_premium", "payout", "span",
            "holding_sales", "turnover", "liquid_collateral", "stock_collateral", "delivery",
        ],
        "num",
    ),
}  # fmt: skip

# --- orders ---------------------------------------------------------------------------------------------------------

HISTORY_ROW = {
    "placed_by": "text", "order_id": "digits", "exchange_order_id": Maybe("digits"),
    "parent_order_id": Maybe("digits"), "status": STATUS, "status_message": Maybe("text"), "order_timestamp": "time",
    "exchange_timestamp": Maybe("time"), "variety": VARIETY, "modified": "bool", "exchange": EXCHANGE,
    "tradingsymbol": "text", "instrument_token": "int", "order_type": ORDER_TYPE, "transaction_type": SIDE,
    "validity": VALIDITY, "validity_ttl": Absent("int"), "product": PRODUCT, "quantity": "int",
    "disclosed_quantity": "int", "price": "num", "trigger_price": "num", "auction_number": Absent("text"),
    "average_price": "num", "filled_quantity": "int", "pending_quantity": "int", "cancelled_quantity": "int",
    "market_protection": "num", "tag": Maybe("text"),
    # Absent in some rows of the mocks, present in others.
    "account_id": Absent("text"), "status_message_raw": Absent(Maybe("text")), "algo_id": Absent(Maybe("text")),
    "exchange_update_timestamp": Absent(Maybe("time")), "meta": Absent(Keyed("any")), "tags": Absent(["text"]),
    "guid": Absent(Maybe("text")), "terminal_id": Absent(Maybe("text")),
}  # fmt: skip
_BOOK_ROW = {name: shape for name, shape in HISTORY_ROW.items() if name != "auction_number"} | {
    "account_id": "text", "status_message_raw": Maybe("text"), "exchange_update_timestamp": Maybe("time"),
    "meta": {}, "tags": ["text"], "guid": Maybe("text"),
}  # fmt: skip
LEGS = dict.fromkeys(["leg", "legs", "leg_quantity", "total_quantity", "remaining_quantity"], "int")
_BY_VARIETY = {
    "regular": _BOOK_ROW,
    "amo": _BOOK_ROW,
    "co": _BOOK_ROW | {"product": OneOf(("CO",))},
    "iceberg": _BOOK_ROW | {"meta": {"iceberg": LEGS}},
    "auction": _BOOK_ROW | {"auction_number": "digits"},
}
BOOK_ROW = By("variety", _BY_VARIETY)
_TOLD = {"user_id": "text", "app_id": "int", "unfilled_quantity": "int", "checksum": "text"}
# UPDATE is in updates alone.
_SAID = {"status": OneOf((*STATUS.words, "UPDATE"))}
ORDER_FRAME = By("variety", {name: shape | _TOLD | _SAID for name, shape in _BY_VARIETY.items()})
TRADE = {
    "trade_id": "digits", "order_id": "digits", "exchange": EXCHANGE, "tradingsymbol": "text",
    "instrument_token": "int", "product": PRODUCT, "average_price": "num", "quantity": "int",
    "exchange_order_id": "digits", "transaction_type": SIDE, "fill_timestamp": "time", "order_timestamp": "clock",
    "exchange_timestamp": "time",
}  # fmt: skip
ORDER_ID = {"order_id": "digits"}
_ERROR = {"code": "int", "error_type": "text", "message": "text", "data": Maybe(Keyed("any"))}
CHILD = Either(({"order_id": "digits"}, {"error": _ERROR}))
SLICED = {"order_id": "digits", "children": [CHILD]}

# --- portfolio ------------------------------------------------------------------------------------------------------

_QUANTITIES = [
    "quantity", "overnight_quantity", "buy_quantity", "sell_quantity", "day_buy_quantity", "day_sell_quantity",
]  # fmt: skip
_AMOUNTS = [
    "multiplier", "average_price", "close_price", "last_price", "value", "pnl", "m2m", "unrealised", "realised",
    "buy_price", "buy_value", "buy_m2m", "sell_price", "sell_value", "sell_m2m", "day_buy_price", "day_buy_value",
    "day_sell_price", "day_sell_value",
]  # fmt: skip
POSITION = {
    "tradingsymbol": "text", "exchange": EXCHANGE, "instrument_token": "int", "product": PRODUCT,
    **dict.fromkeys(_QUANTITIES, "int"), **dict.fromkeys(_AMOUNTS, "num"),
}  # fmt: skip
HOLDING = {
    "tradingsymbol": "text", "exchange": "text", "instrument_token": "int", "isin": "text", "product": "text",
    "price": "num", "quantity": "int", "used_quantity": "int", "t1_quantity": "int", "realised_quantity": "int",
    "authorised_quantity": "int", "authorised_date": Maybe("time"), "authorisation": Keyed("any"),
    "opening_quantity": "int", "short_quantity": "int", "collateral_quantity": "int", "collateral_type": Maybe("text"),
    "discrepancy": "bool", "average_price": "num", "last_price": "num", "close_price": "num", "pnl": "num",
    "day_change": "num", "day_change_percentage": "num",
    "mtf": dict.fromkeys(["quantity", "used_quantity", "average_price", "value", "initial_margin"], "num"),
}  # fmt: skip
SUMMARY = dict.fromkeys(
    ["total_pnl", "total_pnl_percent", "today_pnl", "today_pnl_percent", "invested_amount", "current_value"], "num"
)
COMPACT = {
    "exchange": "text", "tradingsymbol": "text", "instrument_token": "int", "t1_quantity": "int", "quantity": "int",
}  # fmt: skip

# --- market data ----------------------------------------------------------------------------------------------------

OHLC = dict.fromkeys(["open", "high", "low", "close"], "num")
LEVEL = {"price": "num", "quantity": "int", "orders": "int"}
LTP_ROW = {"instrument_token": "int", "last_price": "num"}
OHLC_ROW = LTP_ROW | {"ohlc": OHLC}
QUOTE_ROW = OHLC_ROW | {
    "timestamp": "time", "last_trade_time": Maybe("time"), "last_quantity": "int", "buy_quantity": "int",
    "sell_quantity": "int", "volume": "int", "average_price": "num", "oi": "int", "oi_day_high": "int",
    "oi_day_low": "int", "net_change": "num", "lower_circuit_limit": "num", "upper_circuit_limit": "num",
    "depth": {"buy": Row((LEVEL,) * 5), "sell": Row((LEVEL,) * 5)},
}  # fmt: skip
TRIGGER_RANGE = {"instrument_token": "int", "lower": "num", "upper": "num"}
CANDLES = {"candles": [Row(("candle", "num", "num", "num", "num", "int"), ("int",))]}

# --- triggers, margins, charges -------------------------------------------------------------------------------------

GTT_RESULT = {
    "account_id": "text", "exchange": "text", "tradingsymbol": "text", "validity": "text", "product": "text",
    "order_type": "text", "transaction_type": "text", "quantity": "int", "price": "num", "meta": "text",
    "timestamp": "time", "triggered_at": "num",
    "order_result": {"status": OneOf(("success", "failed")), "order_id": "text", "rejection_reason": "text"},
}  # fmt: skip
GTT = {
    "id": "int", "user_id": "text", "parent_trigger": "null", "type": OneOf(("single", "two-leg")),
    "created_at": "time", "updated_at": "time", "expires_at": "time",
    "status": OneOf(("active", "triggered", "disabled", "expired", "cancelled", "rejected", "deleted")),
    "condition": {
        "exchange": "text", "tradingsymbol": "text", "trigger_values": ["num"], "last_price": "num",
        "instrument_token": "int",
    },
    "orders": [
        {
            "exchange": "text", "tradingsymbol": "text", "transaction_type": "text", "quantity": "int",
            "order_type": "text", "product": "text", "price": "num", "result": Maybe(GTT_RESULT),
        }
    ],
    "meta": Maybe(Keyed("any")),
}  # fmt: skip
CHARGES = {
    "transaction_tax": "num", "transaction_tax_type": "text", "exchange_turnover_charge": "num",
    "sebi_turnover_charge": "num", "brokerage": "num", "stamp_duty": "num",
    "gst": {"igst": "num", "cgst": "num", "sgst": "num", "total": "num"}, "total": "num",
}  # fmt: skip
ORDER_MARGIN = {
    "type": "text", "tradingsymbol": "text", "exchange": "text", "span": "num", "exposure": "num",
    "option_premium": "num", "additional": "num", "bo": "num", "cash": "num", "var": "num",
    "pnl": {"realised": "num", "unrealised": "num"}, "leverage": "num", "charges": CHARGES, "total": "num",
}  # fmt: skip
# The page knows that there is a compact form, not what it leaves: whose it is, and the total.
COMPACT_MARGIN = {name: ORDER_MARGIN[name] for name in ("type", "tradingsymbol", "exchange", "total")}
BASKET = {"initial": ORDER_MARGIN, "final": ORDER_MARGIN, "orders": [ORDER_MARGIN], "charges": CHARGES}
COMPACT_BASKET = {"initial": COMPACT_MARGIN, "final": COMPACT_MARGIN, "orders": [COMPACT_MARGIN], "charges": CHARGES}
CONTRACT_NOTE = {
    "transaction_type": "text", "tradingsymbol": "text", "exchange": "text", "variety": "text", "product": "text",
    "order_type": "text", "quantity": "int", "price": "num", "charges": CHARGES,
}  # fmt: skip

# --- alerts and mutual funds ----------------------------------------------------------------------------------------

ALERT = {
    "type": OneOf(("simple", "ato")), "user_id": "text", "uuid": "text", "name": "text",
    "status": OneOf(("enabled", "disabled", "deleted")), "disabled_reason": "text",
    "lhs_exchange": "text", "lhs_tradingsymbol": "text", "lhs_attribute": "text", "operator": "text",
    "rhs_type": "text", "rhs_exchange": "text", "rhs_tradingsymbol": "text", "rhs_attribute": "text",
    "rhs_constant": "num", "alert_count": "int", "created_at": "time", "updated_at": "time",
    "basket": Absent(Keyed("any")),
}  # fmt: skip
ALERT_HISTORY = {
    "uuid": "text", "type": "text", "meta": [QUOTE_ROW | {"exchange": "text", "tradingsymbol": "text"}],
    "condition": "text", "created_at": "time", "order_meta": Maybe([CHILD]),
}  # fmt: skip
FUND_ORDER = {
    "order_id": "text", "status": "text", "status_message": Maybe("text"), "purchase_type": Maybe("text"),
    "transaction_type": "text", "tradingsymbol": "text", "fund": "text", "folio": Maybe("text"), "amount": "num",
    "quantity": "num", "average_price": "num", "last_price": "num", "last_price_date": "day",
    "order_timestamp": "time", "exchange_timestamp": Maybe("day"), "exchange_order_id": Maybe("text"),
    "settlement_id": Maybe("text"), "placed_by": "text", "variety": "text", "tag": Maybe("text"),
}  # fmt: skip
SIP = {
    "sip_id": "text", "sip_reg_num": Maybe("text"), "sip_type": "text", "status": "text", "tradingsymbol": "text",
    "fund": "text", "dividend_type": "text", "transaction_type": "text", "instalment_amount": "num",
    "instalments": "int", "completed_instalments": "int", "pending_instalments": "int", "instalment_day": "int",
    "next_instalment": Maybe("day"), "last_instalment": Maybe("time"), "created": "time", "frequency": "text",
    "trigger_price": "num", "step_up": Keyed("int"), "tag": Maybe("text"),
}  # fmt: skip
FUND_HOLDING = {
    "folio": "text", "fund": "text", "tradingsymbol": "text", "average_price": "num", "last_price": "num",
    "last_price_date": "day", "pledged_quantity": "num", "quantity": "num", "pnl": "num",
}  # fmt: skip
FUND_PURCHASE = {
    "fund": "text", "tradingsymbol": "text", "average_price": "num", "folio": "text", "quantity": "num",
    "variety": "text", "exchange_timestamp": "day", "amount": "num",
}  # fmt: skip
