"""Tags: what they say, and that nobody else's is taken for ours."""

import hashlib
import hmac
import string

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from kitev3.broker.tags import TAG_CHARS, TagId, Tags, key_of_seed, strategy_code

TAGS = Tags(key_of_seed(1))
tag_ids = st.builds(
    TagId,
    strategy=st.integers(0, 36**2 - 1),
    epoch=st.integers(0, 36**3 - 1),
    sequence=st.integers(0, 36**6 - 1),
    leg=st.integers(0, 35),
    attempt=st.integers(0, 35),
)


@given(tag_ids)
def test_a_tag_says_what_was_put_into_it(tag: TagId) -> None:
    text = TAGS.encode(tag)

    assert len(text) == TAG_CHARS
    assert set(text) <= set(string.digits + string.ascii_uppercase)
    assert TAGS.decode(text) == tag


def reference(key: bytes, tag: TagId) -> str:
    """The tag as its picture draws it."""

    def base36(value: int, width: int) -> str:
        digits = string.digits + string.ascii_uppercase
        return "".join(digits[value // 36**place % 36] for place in reversed(range(width)))

    body = "K" + base36(tag.strategy, 2) + base36(tag.epoch, 3) + base36(tag.sequence, 6)
    body += base36(tag.leg, 1) + base36(tag.attempt, 1)
    digest = hmac.new(key, body.encode(), hashlib.sha256).digest()
    return body + base36(int.from_bytes(digest[:8], "big"), 6)


@given(st.binary(min_size=16, max_size=100), tag_ids)
def test_a_tag_is_what_its_picture_draws(key: bytes, tag: TagId) -> None:
    assert Tags(key).encode(tag) == reference(key, tag)


@given(tag_ids, tag_ids)
def test_different_orders_have_different_tags(one: TagId, other: TagId) -> None:
    assume(one != other)

    assert TAGS.encode(one) != TAGS.encode(other)


@given(tag_ids, st.integers(0, TAG_CHARS - 1), st.sampled_from(string.digits + string.ascii_uppercase))
def test_a_mistyped_tag_is_not_ours(tag: TagId, at: int, digit: str) -> None:
    text = TAGS.encode(tag)
    assume(text[at] != digit)
    mistyped = text[:at] + digit + text[at + 1 :]

    assert TAGS.decode(mistyped) is None


@given(st.text())
def test_any_text_is_ours_or_not(text: str) -> None:
    tag = TAGS.decode(text)

    assert tag is None or TAGS.encode(tag) == text


@given(tag_ids)
def test_a_tag_of_another_account_is_not_ours(tag: TagId) -> None:
    assert Tags(key_of_seed(2)).decode(TAGS.encode(tag)) is None


@pytest.mark.parametrize(
    "tag",
    [
        TagId(strategy=36**2, epoch=0, sequence=0),
        TagId(strategy=0, epoch=36**3, sequence=0),
        TagId(strategy=0, epoch=0, sequence=36**6),
        TagId(strategy=0, epoch=0, sequence=0, leg=36),
        TagId(strategy=0, epoch=0, sequence=0, attempt=-1),
    ],
)
def test_a_field_that_does_not_fit_stops_us(tag: TagId) -> None:
    with pytest.raises(AssertionError, match="does not fit"):
        TAGS.encode(tag)


def test_a_short_key_is_refused() -> None:
    with pytest.raises(AssertionError, match="16 bytes"):
        Tags(b"short")


@pytest.mark.parametrize(("name", "code"), [("ema_cross", 744), ("rsi_pullback", 353), ("", 0)])
def test_a_strategy_keeps_its_code_over_builds(name: str, code: int) -> None:
    """Orders of this morning are known by it this afternoon: the numbers are those of the first build."""
    assert strategy_code(name) == code


@given(st.text(max_size=40))
def test_a_strategys_code_fits_its_two_letters(name: str) -> None:
    assert TAGS.decode(TAGS.encode(TagId(strategy=strategy_code(name), epoch=0, sequence=0))) is not None
