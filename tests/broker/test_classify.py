"""The table of what an answer to a write proves, row by row, and that everything outside it is unknown."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3.broker.classify import MESSAGE_CHARS_MAX, Finding, Reply, classify_failure, classify_read, classify_write

JSON = "application/json"


def reply(status: int, error_type: str, message: str, content_type: str = JSON) -> Reply:
    envelope = {"status": "error", "message": message, "data": None, "error_type": error_type}
    return Reply(status, content_type, json.dumps(envelope).encode())


def test_an_acknowledgement_is_200_with_an_order_id() -> None:
    body = b'{"status":"success","data":{"order_id":"1953341975595868160"}}'

    assert classify_write(Reply(200, "application/json; charset=utf-8", body)) == Finding(
        outcome="ok", order_id="1953341975595868160", data=b'{"order_id":"1953341975595868160"}'
    )


REJECTIONS = [
    (400, "InputException", "Quantity should be a multiple of 65."),
    (400, "MarginException", "Insufficient funds. Required margin is 9 but available margin is 8."),
    (400, "HoldingException", "Insufficient stock holding."),
    (403, "TokenException", "Incorrect `api_key` or `access_token`."),
    (403, "PermissionException", "Insufficient permission for that call."),
]


@pytest.mark.parametrize(("status", "error_type", "message"), REJECTIONS)
def test_a_readable_refusal_is_a_rejection(status: int, error_type: str, message: str) -> None:
    assert classify_write(reply(status, error_type, message)) == Finding(
        outcome="reject", error_type=error_type, message=message
    )


def test_one_too_many_was_not_taken() -> None:
    assert classify_write(reply(429, "NetworkException", "Too many requests")) == Finding(
        outcome="throttled", error_type="NetworkException", message="Too many requests"
    )


DOUBTS = [
    "Order request timed out. Please check the order book and confirm before placing again.",
    "Insufficient funds. Check the orderbook for open orders.",
    "Please try again.",
    "Could not reach the OMS.",
]


@pytest.mark.parametrize("message", DOUBTS)
@pytest.mark.parametrize(("status", "error_type"), [(s, e) for s, e, _ in REJECTIONS])
def test_a_refusal_that_sends_us_to_the_book_is_unknown(status: int, error_type: str, message: str) -> None:
    assert classify_write(reply(status, error_type, message)).outcome == "unknown"


TYPES = [
    "TokenException",
    "PermissionException",
    "InputException",
    "OrderException",
    "MarginException",
    "HoldingException",
    "UserException",
    "TwoFAException",
    "DataException",
    "NetworkException",
    "GeneralException",
    "SomethingNew",
]


@pytest.mark.parametrize("status", [200, 201, 301, 307, 400, 401, 403, 404, 405, 410, 429, 500, 502, 503, 504])
@pytest.mark.parametrize("error_type", TYPES)
def test_the_table_is_complete(status: int, error_type: str) -> None:
    proven = {(s, e): "reject" for s, e, _ in REJECTIONS} | {(429, e): "throttled" for e in TYPES}

    outcome = classify_write(reply(status, error_type, "No.")).outcome

    assert outcome == proven.get((status, error_type), "unknown")


UNREADABLE = [
    Reply(200, "", b'{"status":"success","data":{"order_id":"1"}}'),
    Reply(200, "text/html", b"<html>"),
    Reply(200, JSON, b'{"status":"success","data":{"order_id":"1"'),
    Reply(200, JSON, b'{"status":"success","data":{}}'),
    Reply(200, JSON, b'{"status":"success","data":{"order_id":""}}'),
    Reply(200, JSON, b'{"status":"success","data":{"order_id":17}}'),
    Reply(200, JSON, b'{"status":"success"}'),
    Reply(200, JSON, b'{"data":{"order_id":"1"}}'),
    Reply(200, JSON, b'{"status":"success","data":{"order_id":"1"},"error_type":"OrderException"}'),
    Reply(500, JSON, b'{"status":"success","data":{"order_id":"1"}}'),
    Reply(400, JSON, b'{"status":"error","message":"No."}'),
    Reply(400, JSON, b'{"status":"error","error_type":"InputException"}'),
    Reply(400, "text/html", b"<html>InputException</html>"),
    Reply(429, "text/html", b"<html>Too many requests</html>"),
    Reply(400, JSON, b""),
    Reply(400, JSON, b"\xff\xfe"),
    Reply(400, JSON, b"[]"),
]


@pytest.mark.parametrize("reply", UNREADABLE)
def test_what_cannot_be_read_proves_nothing(reply: Reply) -> None:
    assert classify_write(reply).outcome == "unknown"


@given(st.integers(100, 599), st.sampled_from([JSON, "text/csv", ""]), st.binary(max_size=80))
def test_any_bytes_are_classified(status: int, content_type: str, body: bytes) -> None:
    assert classify_write(Reply(status, content_type, body)).outcome == "unknown"
    assert classify_read(Reply(status, content_type, body)).outcome == "error"


def test_before_the_first_byte_nothing_was_sent_after_it_nobody_knows() -> None:
    assert (
        classify_failure(first_byte_sent=False, error_type="ConnectionError", message="refused").outcome == "not_sent"
    )
    assert classify_failure(first_byte_sent=True, error_type="ReadTimeout", message="late").outcome == "unknown"


def test_a_read_gives_its_data_or_an_error() -> None:
    assert classify_read(Reply(200, JSON, b'{"status":"success","data":[1,2]}')) == Finding(outcome="ok", data=b"[1,2]")
    assert classify_read(reply(403, "TokenException", "expired")) == Finding(
        outcome="error", error_type="TokenException", message="expired"
    )


def test_a_long_message_is_cut() -> None:
    assert len(classify_write(reply(400, "InputException", "x" * 9_999)).message) == MESSAGE_CHARS_MAX
