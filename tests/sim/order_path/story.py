"""What is said, in words: so that a failing seed reads like a story."""

from __future__ import annotations

from sim.order_path.records import (
    Alarm,
    Approved,
    Blocked,
    Book,
    Closed,
    External,
    ExternalTrigger,
    Fill,
    Intent,
    Modified,
    Orphan,
    Payload,
    Placed,
    Reclaimed,
    Request,
    Sending,
    Signal,
    State,
    Wished,
)


def side(side: int) -> str:
    return "buy" if side > 0 else "sell"


def _signal(signal: Signal) -> str:
    if signal.kind in ("cancel", "exit"):
        return f"{signal.kind} {signal.target} (signal {signal.id}), until {signal.deadline}"
    rest = f"{signal.quantity} of symbol {signal.symbol}, until {signal.deadline}"
    if signal.kind == "modify":
        return f"modify {signal.target} to {rest} (signal {signal.id})"
    with_what = (f", with a {signal.protect}" if signal.protect else "") + (
        ", with a target" if signal.has_target else ""
    )
    return f"enter {signal.id}: {side(signal.side)} {rest}{with_what}"


def _request(request: Request) -> str:
    what = f"{side(request.side)} {request.quantity} of symbol {request.symbol}"
    return f"sending {request.serial}: {request.verb} {request.tag}" + ("" if request.verb == "DELETE" else f": {what}")


def _placed(placed: Placed) -> str:
    number = (
        f" as order {placed.order_id}"
        if placed.order_id
        else f" as GTT {placed.trigger_id}"
        if placed.trigger_id
        else ""
    )
    return f"{placed.tag}: {placed.outcome}{number}"


def _external(external: External) -> str:
    return f"by hand, order {external.order_id}: net {external.net}, may buy {external.buys}, sell {external.sells}"


def _book(book: Book) -> str:
    lines = ", ".join(
        f"{line.intent} {line.filled}/{line.quantity} holds {line.held}{' UNKNOWN' if line.is_unknown else ''}"
        for line in book.lines
        if not line.is_closed or line.held
    )
    return f"book, having heard the gate up to {book.after}: {lines or 'nothing'}; {len(book.externals)} by hand"


WORDS = {
    Signal: _signal,
    Approved: lambda it: f"passes {it.signal.kind} {it.signal.id} of {it.signal.target}, reserved {it.reserved}",
    Blocked: lambda it: f"blocks {it.intent}: {it.why}",
    Intent: lambda it: f"intent {it.approved.signal.id}",
    Sending: lambda it: _request(it.request),
    Wished: lambda it: f"{it.intent} is to be {it.what}",
    Placed: _placed,
    State: lambda it: f"{it.tag} is {it.state}: {it.status}, {it.filled} of {it.quantity}",
    Fill: lambda it: f"trade {it.trade_id}: {it.quantity} of {it.tag}",
    Modified: lambda it: f"modify {it.answers} of {it.intent}: {it.quantity}",
    Closed: lambda it: f"closed {it.intent}: {it.why}",
    External: _external,
    ExternalTrigger: lambda it: f"by hand, GTT {it.trigger_id}",
    Reclaimed: lambda it: f"order {it.order_id} is our GTT's",
    Orphan: lambda it: f"ORPHAN {it.intent}: {side(it.side)} {it.quantity} of symbol {it.symbol}",
    Book: _book,
    Alarm: lambda it: f"ALARM: {it.words}",
}


def words(payload: Payload) -> str:
    return WORDS[type(payload)](payload)
