"""What a strategy wants, checked where it is made: the line that makes a wrong one is the line that is named."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from difflib import get_close_matches
from itertools import islice
from math import isnan
from numbers import Real
from operator import index
from typing import Any, cast, get_args

import msgspec
from msgspec.structs import astuple, force_setattr

from kitev3._core import PlainCheck
from kitev3.broker.tags import TAG_CHARS
from kitev3.contracts import Action, IntentKind, OrderType, Product, Validity
from kitev3.errors import KiteError

TTL_S = 5.0
"""How long a decision is good for unless it says otherwise: rule R09's limit for entries."""
TTL_S_MAX = 86_400.0
QUANTITY_MAX = 10_000_000
PRICE_E4_MAX = 1_00_00_000_0000
"""A crore of rupees a unit. What the two make together fits 64 bits, whatever is added to it later."""
PROTECTION_BP_MAX = 10_000
REASON_CHARS_MAX = 1_000
DECISIONS_MAX = 1_000
"""What one callback may want at once: more is a loop that has no end."""
SHOWN_CHARS_MAX = 60

WORDS = {
    "action": get_args(Action),
    "intent": get_args(IntentKind),
    "order_type": get_args(OrderType),
    "product": get_args(Product),
    "validity": get_args(Validity),
}
WHOLE = {
    "quantity": (0, QUANTITY_MAX, "in units: lots * view.instrument.lot_size"),
    "price_e4": (0, PRICE_E4_MAX, "of 1/10,000 rupee: int(rupees * 10_000)"),
    "trigger_price_e4": (0, PRICE_E4_MAX, "of 1/10,000 rupee: int(rupees * 10_000)"),
    "market_protection_bp": (-1, PROTECTION_BP_MAX, "of hundredths of a percent"),
}
NUMBERS = {"confidence": (0.0, 1.0), "ttl_s": (0.0, TTL_S_MAX)}
TEXTS = {"reason": REASON_CHARS_MAX, "order": TAG_CHARS}


class WrongDecision(KiteError):
    """A field of a decision that no order can be made of: which, what it holds, and what to write instead."""

    def __init__(self, field: str, got: Any, wanted: str) -> None:
        super().__init__(f"Decision.{field} is {shown(got)}: write {wanted}")
        self.field, self.wanted = field, wanted


check: PlainCheck = PlainCheck(
    {
        **{field: frozenset(words) for field, words in WORDS.items()},
        **{field: (least, most) for field, (least, most, _) in WHOLE.items()},
        **NUMBERS,
        **TEXTS,
    },
    astuple,
    lambda decision: _mend(decision),
)


class Decision(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What a strategy wants. The service adds who, when and from which data, and says it as a signal.

    Raises WrongDecision for a field of another type, range or vocabulary. numpy's integers are taken as integers.
    """

    action: Action
    intent: IntentKind
    quantity: int
    reason: str
    order_type: OrderType = "LIMIT"
    price_e4: int = 0
    trigger_price_e4: int = 0
    product: Product = "MIS"
    validity: Validity = "DAY"
    confidence: float = 1.0
    ttl_s: float = TTL_S
    order: str = ""
    market_protection_bp: int = 0

    # Of the core: a frame may bring hundreds of decisions, and what follows it waits for them.
    __post_init__ = check  # type: ignore[misc]  # it is called with the decision, as a method is


def _mend(decision: Decision) -> None:
    """Raises WrongDecision, or leaves every field of *decision* exactly of the type that it declares."""
    for field in Decision.__struct_fields__:
        got = getattr(decision, field)
        if field in WORDS:
            taken: Any = _word(field, got)
        elif field in WHOLE:
            taken = _whole(field, got)
        elif field in NUMBERS:
            taken = _number(field, got)
        else:
            taken = _text(field, got)
        if taken is not got:
            force_setattr(decision, field, taken)


def decisions(answer: Any, callback: str) -> Iterable[Decision]:
    """What *callback* answered: a strategy may return nothing, one decision, or any number of them."""
    if type(answer) in (tuple, list) and len(answer) <= DECISIONS_MAX:
        for one in answer:
            if type(one) is not Decision:
                break
            check(one)
        else:
            return cast(Iterable[Decision], answer)  # as nearly always
    return _several(answer, callback)


def _several(answer: Any, callback: str) -> Iterator[Decision]:
    if answer is None:
        return
    if isinstance(answer, Decision):
        answer = (answer,)
    if isinstance(answer, str | bytes | Mapping) or not isinstance(answer, Iterable):
        raise _no_decision(callback, answer)
    several = iter(answer)
    for one in islice(several, DECISIONS_MAX):
        if one is None:
            continue
        if not isinstance(one, Decision):
            raise _no_decision(callback, one)
        check(one)
        yield one
    for _ in several:
        raise KiteError(f"{callback} wants more than {DECISIONS_MAX:,} things at once: end its loop")


def shown(value: Any) -> str:
    """A value in a few characters, with its type where that is not plain."""
    try:
        text = repr(value)
    except Exception:  # a repr of the user's own may do anything
        return f"a {type(value).__name__}"
    text = text if len(text) <= SHOWN_CHARS_MAX else f"{text[:SHOWN_CHARS_MAX]}…"
    return text if value is None or type(value) is str else f"{text} ({type(value).__name__})"


def _no_decision(callback: str, got: Any) -> KiteError:
    return KiteError(f"{callback} gave {shown(got)}: return a Decision, several of them, or nothing")


def _word(field: str, got: Any) -> str:
    known = WORDS[field]
    word = str.__str__(got) if isinstance(got, str) else ""
    if word in known:
        return word
    by_lower = {other.lower(): other for other in known}
    near = get_close_matches(word.lower(), by_lower, 1, 0.5)
    all_of_them = f"one of {', '.join(known)}"
    raise WrongDecision(field, got, f"{by_lower[near[0]]!r} ({all_of_them})" if near else all_of_them)


def _whole(field: str, got: Any) -> int:
    least, most, unit = WHOLE[field]
    wanted = f"a whole number from {least:,} to {most:,} {unit}"
    if isinstance(got, bool):
        raise WrongDecision(field, got, wanted)
    try:
        number = index(got)
    except TypeError:
        raise WrongDecision(field, got, wanted) from None
    if not least <= number <= most:
        raise WrongDecision(field, number, wanted)
    return number


def _number(field: str, got: Any) -> float:
    least, most = NUMBERS[field]
    wanted = f"a number from {least:g} to {most:g}"
    if isinstance(got, bool) or not isinstance(got, Real):
        raise WrongDecision(field, got, wanted)
    try:
        number = float(got)
    except (OverflowError, ValueError):
        raise WrongDecision(field, got, wanted) from None
    if isnan(number) or not least <= number <= most:
        raise WrongDecision(field, got, wanted)
    return number


def _text(field: str, got: Any) -> str:
    most = TEXTS[field]
    if not isinstance(got, str):
        raise WrongDecision(field, got, f"a text of at most {most} characters")
    text = str.__str__(got)
    if len(text) > most:
        raise WrongDecision(field, text, f"at most {most} characters, not {len(text):,}")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise WrongDecision(field, text, "text that has a form in UTF-8") from None
    return text
