"""How the tests draw the domain. What is new is added here, so that every test can meet it."""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, get_args, get_origin, get_type_hints

import msgspec
from hypothesis import strategies as st
from kitev3._core import TapeKind, Tick
from kitev3.broker.interface import Order

I64 = st.integers(-(2**63), 2**63 - 1)
TAPE_KINDS = [number for name, number in vars(TapeKind).items() if name.isupper()]


def tape_records(*, content_bytes_max: int = 1 << 20) -> st.SearchStrategy[tuple[int, int, bytes]]:
    """Kind, ``mono_ns`` and content."""
    return st.tuples(st.sampled_from(TAPE_KINDS), I64, st.binary(max_size=content_bytes_max))


# --- Kite's ticks -------------------------------------------------------------------------------------------------

U32 = st.integers(0, 2**32 - 1)
SEGMENTS = {"NSE": 1, "NFO": 2, "CDS": 3, "BSE": 4, "BFO": 5, "BCD": 6, "MCX": 7, "INDICES": 9, "NCO": 12}
INDEX_BYTES = (28, 32)
PACKET_BYTES = (8, *INDEX_BYTES, 44, 184)


def kite_tokens(segments: Iterable[str] = SEGMENTS) -> st.SearchStrategy[int]:
    """``exchange token · 256 + segment``."""
    numbers = [SEGMENTS[segment] for segment in segments]
    return st.builds(lambda token, segment: token << 8 | segment, st.integers(1, 2**24 - 1), st.sampled_from(numbers))


@st.composite
def kite_packets(draw: st.DrawFn) -> bytes:
    """A packet's body of any of the five lengths: any token, any fields."""
    length = draw(st.sampled_from(PACKET_BYTES))
    token = draw(kite_tokens())
    return token.to_bytes(4, "big") + draw(st.binary(min_size=length - 4, max_size=length - 4))


def unknown_packets() -> st.SearchStrategy[bytes]:
    """Bodies of a length that no packet has, long enough for a token, as the official parser needs."""
    return st.binary(min_size=4, max_size=200).filter(lambda body: len(body) not in PACKET_BYTES)


def frame_of(packets: Iterable[bytes]) -> bytes:
    """Kite's binary frame: count, then each packet after its length, big-endian."""
    packets = list(packets)
    parts = [len(packet).to_bytes(2, "big") + packet for packet in packets]
    return len(packets).to_bytes(2, "big") + b"".join(parts)


@st.composite
def wire_ticks(draw: st.DrawFn) -> Tick:
    """A tick that its packet carries without loss."""
    token = draw(kite_tokens(["NSE", "NFO", "MCX", "INDICES"]))
    mode = draw(st.sampled_from(["ltp", "quote", "full"]))
    price = U32.map(lambda paise: paise * 100)
    time = U32.map(lambda seconds: seconds * 10**9)
    index = token & 0xFF == SEGMENTS["INDICES"]
    fields: dict[str, st.SearchStrategy[Any]] = {}
    if mode != "ltp":
        fields |= dict.fromkeys(["open_e4", "high_e4", "low_e4", "close_e4"], price)
    if mode != "ltp" and not index:
        fields |= dict.fromkeys(["last_quantity", "volume", "buy_quantity", "sell_quantity"], U32)
        fields["average_price_e4"] = price
    if mode == "full":
        fields["exchange_ns"] = time
    if mode == "full" and not index:
        fields |= dict.fromkeys(["oi", "oi_high", "oi_low"], U32) | {"last_trade_ns": time}
        fields["depth_price_e4"] = st.lists(price, min_size=10, max_size=10)
        fields["depth_quantity"] = st.lists(U32, min_size=10, max_size=10)
        fields["depth_orders"] = st.lists(st.integers(0, 2**16 - 1), min_size=10, max_size=10)
    kind = f"index_{mode}" if index and mode != "ltp" else mode
    return Tick(token, draw(price), kind=kind, **draw(st.fixed_dictionaries(fields)))


@st.composite
def bar_streams(draw: st.DrawFn, tokens: list[int]) -> list[Tick]:
    """Ticks over some sessions, with steps back, jumps of hours, flags, missing times and volumes that go back."""
    time_ns, ticks = 1_669_261_200 * 10**9, []  # 2022-11-24 09:10 IST
    volumes = dict.fromkeys(tokens, 1_000)
    for _ in range(draw(st.integers(0, 60))):
        token = draw(st.sampled_from(tokens))
        time_ns += draw(st.sampled_from([0, 1, 1, 2, 5, 30, 60, 3_600, 20_000, -1])) * 10**9
        volumes[token] += draw(st.sampled_from([0, 1, 10, 60, -5]))
        index = token & 0xFF == SEGMENTS["INDICES"]
        tick = Tick(
            token,
            draw(st.integers(-1, 500)),
            flags=draw(st.sampled_from([0, 0, 0, 0, 1])),
            exchange_ns=draw(st.sampled_from([time_ns, time_ns, time_ns, 0])),
            volume=0 if index else volumes[token],
        )
        ticks.append(tick)
    return ticks


# --- orders as forms ----------------------------------------------------------------------------------------------

ORDER_FIELDS = (
    "exchange", "tradingsymbol", "transaction_type", "quantity", "product", "order_type", "price", "trigger_price",
    "validity", "validity_ttl", "disclosed_quantity", "market_protection", "tag", "autoslice",
)  # fmt: skip


def order_forms() -> st.SearchStrategy[dict[str, str]]:
    """Some fields of a placement's form with any text in them, numbers of all kinds among it."""
    texts = st.one_of(
        st.text(max_size=20),
        st.integers().map(str),
        st.floats().map(str),
        st.sampled_from(["SELL", "SL", "SL-M", "LIMIT", "CNC", "NRML", "IOC", "TTL", "-1", "NFO", "NIFTY 50", "1500"]),
    )
    return st.dictionaries(st.sampled_from(ORDER_FIELDS), texts, max_size=6)


def orders() -> st.SearchStrategy[Order]:
    """Orders as the broker's ends take them, some of which no exchange takes."""
    ticks = st.integers(0, 40_000).map(lambda ticks: ticks * 1_000)
    return st.builds(
        Order,
        exchange=st.sampled_from(["NSE", "NFO"]),
        tradingsymbol=st.sampled_from(["INFY", "SBIN", "NIFTY26NOVFUT", "NOPE"]),
        side=st.sampled_from(["BUY", "SELL"]),
        quantity=st.sampled_from([1, 7, 65, 130, 100_000]),
        product=st.sampled_from(["CNC", "MIS", "NRML"]),
        order_type=st.sampled_from(["MARKET", "LIMIT", "SL", "SL-M"]),
        price_e4=st.one_of(ticks, st.just(14_800_000)),
        trigger_price_e4=ticks,
        validity=st.sampled_from(["DAY", "IOC"]),
        market_protection_bp=st.sampled_from([-1, 0, 100, 250]),
    )


def payloads(kind: Any) -> st.SearchStrategy[Any]:
    """Any value of a payload's type, or of one of its fields': structs, tuples, mappings, literals and plain values."""
    plain: dict[Any, st.SearchStrategy[Any]] = {
        int: st.integers(-(2**63), 2**63 - 1),
        float: st.floats(allow_nan=False),
        str: st.text(max_size=20),
        bytes: st.binary(max_size=40),
        bool: st.booleans(),
    }
    if kind in plain:
        return plain[kind]
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        hints = get_type_hints(kind, include_extras=True)
        return st.builds(kind, *(payloads(hints[name]) for name in kind.__struct_fields__))
    arguments = get_args(kind)
    origin = get_origin(kind)
    if origin is Annotated:
        bounds = arguments[1]
        return st.integers(bounds.ge, bounds.le) if arguments[0] is int else st.text(max_size=20)
    if origin is Literal:
        return st.sampled_from(arguments)
    if origin is tuple and arguments[-1] is ...:
        return st.lists(payloads(arguments[0]), max_size=3).map(tuple)
    if origin is tuple:
        return st.tuples(*(payloads(one) for one in arguments))
    if origin is dict:
        return st.dictionaries(payloads(arguments[0]), payloads(arguments[1]), max_size=3)
    return st.one_of(*(st.none() if one is type(None) else payloads(one) for one in arguments))
