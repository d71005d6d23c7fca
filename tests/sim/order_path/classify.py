"""What the end of a write proves: an order, no order, or nothing. Not even a 400 proves that there is none."""

from __future__ import annotations

from sim.order_path.guards import Guards
from sim.order_path.records import Outcome

REFUSED = "connection refused"
INPUT = "400 InputException"
TIMED_OUT_400 = "400 Order request timed out. Please check the order book"
TOKEN = "403 TokenException"
TOO_MANY = "429 Too many requests"
SERVER = "503 NetworkException"
RESET = "reset after the first byte"
NOTHING = "no answer"
NOT_SENT = "our egress: "

_REJECT = frozenset({INPUT, TOKEN, TOO_MANY})


def classify(said: str, guards: Guards) -> Outcome:
    if said == "200":
        return "ACK"
    if said == REFUSED or said.startswith(NOT_SENT):
        return "NOT SENT"
    if said in _REJECT or (said == TIMED_OUT_400 and not guards.doubts_a_400):
        return "REJECT"
    return "UNKNOWN"
