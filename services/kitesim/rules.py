"""The exchange's rules by name: what differs between profiles, and what nobody outside Kite knows for sure.

Each profile's values are the exchange's own (`exchange_rules`); here stands what a settings file may say instead: the
type, the bounds and the unit of each. `docs/kitesim-rules.md` says what is known of them, and from where.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Literal, TypeAlias, get_args, get_origin

from kitev3._core import Exchange, exchange_rules
from kitev3.errors import ConfigError
from kitev3.system import settings
from msgspec import Meta

DAYS_MAX = 36_500
TIME = r"([01]\d|2[0-3]):[0-5]\d"

Status: TypeAlias = Annotated[int, Meta(ge=400, le=599)]
ErrorType: TypeAlias = Literal[
    "DataException", "GeneralException", "HoldingException", "InputException", "MarginException", "NetworkException",
    "OrderException", "PermissionException", "TokenException", "UserException",
]  # fmt: skip
BasisPoints: TypeAlias = Annotated[int, Meta(ge=1, le=10_000)]
Share: TypeAlias = Annotated[int, Meta(ge=0, le=10_000)]
ScanRates: TypeAlias = tuple[Share, Share, Share, Share, Share]
Count: TypeAlias = Annotated[int, Meta(ge=1, le=100_000)]
Limit: TypeAlias = Annotated[int, Meta(ge=0, le=100_000)]  # 0: none
Days: TypeAlias = Annotated[int, Meta(ge=1, le=DAYS_MAX)]
Amount: TypeAlias = Annotated[int, Meta(ge=0, le=10_000_000)]  # paise
Date: TypeAlias = Annotated[str, Meta(pattern=r"^\d{4}-\d\d-\d\d$", description="a date as 2026-07-06")]
Latency: TypeAlias = Annotated[int, Meta(ge=0, le=600_000)]
Time: TypeAlias = Annotated[str, Meta(pattern=f"^{TIME}$", description="a time, IST, as 15:10")]
Window: TypeAlias = Annotated[str, Meta(pattern=f"^{TIME}-{TIME}$", description="two times, IST, as 16:00-08:58")]


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What holds at an exchange. The names are those of its settings."""

    # an order at the door
    protection_required: bool
    unprotected_status: Status
    unprotected_error_type: ErrorType
    protection_shown: bool
    protection_bp: tuple[BasisPoints, BasisPoints, BasisPoints]
    protection_option_bp: tuple[BasisPoints, BasisPoints, BasisPoints, BasisPoints]
    stops_refused_at_the_door: bool
    tag_chars_max: Annotated[int, Meta(ge=1, le=200)]
    disclosed_percent_min: Annotated[int, Meta(ge=0, le=100)]
    iceberg_legs_max: Annotated[int, Meta(ge=2, le=100)]
    slices_max: Annotated[int, Meta(ge=1, le=100)]
    modifications_max: Annotated[int, Meta(ge=0, le=10_000)]
    share_quantity_max: Annotated[int, Meta(ge=1, le=100_000_000)]
    nrml_of_shares: bool
    modify_to_stop: bool
    closed_order_error_type: ErrorType
    unknown_order: Literal["400", "404", "empty"]
    unknown_order_error_type: ErrorType
    holding_status: Status
    algo_id_shown: bool
    order_ids: Literal["snowflake", "dated"]
    open_frames: bool

    # requests
    limits_rolling: bool
    orders_per_second: Limit
    orders_per_minute: Limit
    orders_per_day: Limit
    quotes_per_second: Limit
    history_per_second: Limit
    others_per_second: Limit
    minute_limit_status: Status
    minute_limit_error_type: ErrorType
    day_limit_status: Status
    day_limit_error_type: ErrorType

    # candles
    span_minute_days: Days
    span_few_minutes_days: Days
    span_half_hour_days: Days
    span_hour_days: Days
    span_day_days: Days
    interval_hour: bool

    # triggers
    gtt_active_max: Annotated[int, Meta(ge=0, le=2_000)]
    gtt_nearest_bp: Annotated[int, Meta(ge=0, le=10_000)]
    gtt_nearest_paise: Amount
    gtt_cheap_below_paise: Amount
    gtt_life_days: Days
    gtt_checked: bool
    gtt_trail_in_steps: bool

    # the day
    amo_any_hour: bool
    amo_cancelled_apart: bool
    amo_shares: Window
    amo_derivatives: Window
    amo_currency: Window
    amo_commodity: Window
    auction_held: Time
    square_off: bool
    square_off_shares: Time
    square_off_derivatives: Time
    square_off_currency: Time
    square_off_commodity: Time

    # the ticker's sockets
    sockets_max: Annotated[int, Meta(ge=1, le=1_000)]
    socket_tokens_max: Annotated[int, Meta(ge=1, le=10_000)]
    mode_subscribes: bool
    snapshot_on_subscribe: bool
    heartbeat_ms: Annotated[int, Meta(ge=10, le=600_000)]
    instruments_meta: bool
    order_id_member: bool
    nco_divisor: Literal[100, 10_000]

    # limit price protection
    lpp: bool
    lpp_from: Date
    lpp_seconds: Annotated[int, Meta(ge=1, le=60)]
    lpp_option_bp: BasisPoints
    lpp_option_paise: Amount
    lpp_future_bp: BasisPoints
    lpp_future_paise: Amount
    lpp_both_sides: bool
    lpp_indices: bool

    # on the way of an order
    latency_broker_ms: Latency
    latency_checks_ms: Latency
    latency_exchange_ms: Latency
    latency_book_ms: Latency
    latency_modify_ms: Latency
    latency_cancel_ms: Latency

    # margins; of the scan: range, volatility, other expiry, exposure, short option
    margin_intraday_bp: BasisPoints
    margin_funded_bp: BasisPoints
    margin_index_bp: ScanRates
    margin_stock_bp: ScanRates
    margin_currency_bp: ScanRates
    margin_commodity_bp: ScanRates

    # logins
    login_end: Time
    unlisted_status: Status
    unlisted_error_type: ErrorType


NAMES: Mapping[str, Any] = settings.keys(Rules)
"""Each rule and its type."""


def rules_of(exchange: Exchange) -> Rules:
    """Those that an exchange was made with."""
    return _rules(exchange.rules)


def read_rules(profile: str, table: Mapping[str, Any], where: str = "rules") -> dict[str, Any]:
    """The rules that a table sets beside its profile's, checked.

    Raises ConfigError for an unknown name with the nearest one, and for a bad value with bounds and default.
    """
    defaults = exchange_rules(profile)
    given = {}
    for name, value in table.items():
        hint = settings.known(name, NAMES, where)
        try:
            given[name] = settings.convert(value, hint, f"{where}: {name}")
        except ConfigError as error:
            raise ConfigError(f"{error}; it is {bounds(hint)}, in {profile} {text(defaults[name])}") from None
    return given


def read_words(words: Iterable[str]) -> dict[str, Any]:
    """``name=value`` each, the value as in TOML or as plain text. ConfigError for what is not of that form."""
    table = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals:
            raise ConfigError(f"rule: {word!r} is not of the form name=value")
        hint = settings.known(name.strip(), NAMES, "rule")
        table[name.strip()] = settings.from_text(value.strip(), hint)
    return table


def effective(profile: str, given: Mapping[str, Any]) -> dict[str, Any]:
    """A profile's rules with these in their place, as plain data."""
    plain = {name: list(value) if isinstance(value, tuple) else value for name, value in given.items()}
    return exchange_rules(profile) | plain


def differences(exchange: Exchange) -> dict[str, Any]:
    """The rules of an exchange that are not its profile's."""
    defaults = exchange_rules(exchange.profile)
    return {name: value for name, value in exchange.rules.items() if value != defaults[name]}


def list_rules() -> list[str]:
    """A line for each rule: its name, what it may be, and what it is in both profiles where they differ."""
    strict, legacy = exchange_rules("strict-2026"), exchange_rules("legacy")
    lines = []
    for name, hint in NAMES.items():
        default = text(strict[name])
        default += "" if legacy[name] == strict[name] else f", in legacy {text(legacy[name])}"
        lines.append(f"{name} = {default}  ({bounds(hint)})")
    return lines


def text(value: Any) -> str:
    """A value as a settings file has it."""
    match value:
        case bool():
            return str(value).lower()
        case list() | tuple():
            return f"[{', '.join(map(text, value))}]"
        case _:
            return str(value)


def bounds(hint: Any) -> str:
    """What a rule may be, in words."""
    origin, args = get_origin(hint), get_args(hint)
    if origin is Annotated:
        meta = next(item for item in args[1:] if isinstance(item, Meta))
        return meta.description or f"from {meta.ge} to {meta.le}"
    if origin is Literal:
        return f"one of {', '.join(map(str, args))}"
    if origin is tuple:
        return f"{len(args)} numbers {bounds(args[0])}"
    assert hint is bool, hint
    return "true or false"


def _rules(values: Mapping[str, Any]) -> Rules:
    return Rules(**{name: settings.convert(value, NAMES[name], name) for name, value in values.items()})
