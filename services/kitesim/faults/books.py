"""Answers that are out of date, incomplete, or of another clock."""

from __future__ import annotations

import asyncio
import gzip
import re
import struct
from collections import deque
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from email.utils import format_datetime, parsedate_to_datetime
from string import ascii_uppercase, digits
from typing import Annotated, Any, ClassVar

import msgspec
from kitev3.services.kitesim.faults.desk import NO_SUCH_ORDER, Call, Desk
from kitev3.services.kitesim.faults.fault import Happens, Milliseconds, Where, says
from kitev3.services.kitesim.faults.frames import FrameFault, Socket
from kitev3.services.kitesim.faults.http import Answer
from kitev3.services.kitesim.faults.requests import PLACING, RequestFault
from kitev3.services.kitesim.faults.websocket import Frame, joined, packets

BOOK = Where(method="GET", route="/orders")
ANSWERS_MAX = 200  # that one stale book remembers of each reader
READERS_MAX = 100
TAG_CHARS = 8
STAMP = re.compile(rb'"(\d{4}-\d\d-\d\d \d\d:\d\d:\d\d)"')
# Where seconds of UNIX stand in a packet, by its length: an index in full, an instrument in full.
SECONDS_AT = {32: (28,), 184: (44, 60)}


@dataclass(frozen=True, kw_only=True)
class LateInBook(RequestFault):
    NAME: ClassVar[str] = "late_in_book"
    SEES: ClassVar[str] = "The order is answered, and neither the book nor its history knows it for a while."
    USUALLY: ClassVar[Where] = PLACING

    ms: Milliseconds = says(5_000, "machine time from its answer; 0: as long as the fault is on")

    async def on_answer(self, call: Call) -> None:
        for order_id in await call.order_ids():
            call.desk.mark(order_id, self, self.ms, hidden=True)


@dataclass(frozen=True, kw_only=True)
class WrongTag(RequestFault):
    NAME: ClassVar[str] = "wrong_tag"
    SEES: ClassVar[str] = "Book, history and order updates show another tag than the order was placed with."
    USUALLY: ClassVar[Where] = PLACING

    tag: str = says("", "what they show; drawn unless given")
    ms: Milliseconds = says(0, "machine time; 0: as long as the fault is on")

    async def on_answer(self, call: Call) -> None:
        for order_id in await call.order_ids():
            tag = self.tag or "".join(self.random.choices(ascii_uppercase + digits, k=TAG_CHARS))
            call.desk.mark(order_id, self, self.ms, tag=tag)


@dataclass(frozen=True, kw_only=True)
class MissingTag(RequestFault):
    NAME: ClassVar[str] = "missing_tag"
    SEES: ClassVar[str] = "Book, history and order updates show the order without its tag."
    USUALLY: ClassVar[Where] = PLACING

    ms: Milliseconds = says(0, "machine time; 0: as long as the fault is on")

    async def on_answer(self, call: Call) -> None:
        for order_id in await call.order_ids():
            call.desk.mark(order_id, self, self.ms, tag="")


@dataclass(frozen=True, kw_only=True)
class StaleBook(RequestFault):
    NAME: ClassVar[str] = "stale_book"
    SEES: ClassVar[str] = (
        "The book as it was some time ago. Whoever did not read it then is shown it as he first read it."
    )
    USUALLY: ClassVar[Where] = BOOK

    ms: Milliseconds = says(5_000, "machine time by which it lags")
    seen: dict[tuple[str, str], deque[tuple[float, bytes]]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        if await answer.data() is None:
            return
        now_s = asyncio.get_running_loop().time()
        reader = (call.request.head.get(b"authorization"), call.request.target)
        while len(self.seen) >= READERS_MAX and reader not in self.seen:
            del self.seen[next(iter(self.seen))]
        answers = self.seen.setdefault(reader, deque(maxlen=ANSWERS_MAX))
        answers.append((now_s, await answer.read()))
        while len(answers) > 1 and answers[1][0] <= now_s - self.ms / 1000:
            answers.popleft()
        answer.replace(answers[0][1])


@dataclass(frozen=True, kw_only=True)
class TruncatedBook(RequestFault):
    NAME: ClassVar[str] = "truncated_book"
    SEES: ClassVar[str] = "The book without its newest rows."
    USUALLY: ClassVar[Where] = BOOK

    rows: Annotated[int, msgspec.Meta(ge=1)] = says(1, "so many are missing")

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        if isinstance(rows := await answer.data(), list):
            answer.put_data(rows[: -self.rows])


@dataclass(frozen=True, kw_only=True)
class StaleInstruments(RequestFault):
    NAME: ClassVar[str] = "stale_instruments"
    SEES: ClassVar[str] = "The instruments file of an earlier day: contracts that are over, none of the new ones."
    USUALLY: ClassVar[Where] = Where(method="GET", route="/instruments|/instruments/*")

    days: Annotated[int, msgspec.Meta(ge=1, le=60)] = says(1, "so old at least; the last trading day before that")

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        if answer.status != 200 or "csv" not in answer.head.get(b"content-type"):
            return
        await answer.read()
        exchange = call.request.route.removeprefix("/instruments").strip("/") or None
        content = (await call.desk.controls.instruments(self.days, exchange)).encode()
        if "gzip" in answer.head.get(b"content-encoding"):
            content = gzip.compress(content, mtime=0)
        answer.replace(content)


@dataclass(frozen=True, kw_only=True)
class ClockSkew(RequestFault, FrameFault):
    NAME: ClassVar[str] = "clock_skew"
    SEES: ClassVar[str] = "Every time that the exchange says is off: in answers, in order updates, in ticks, in `Date`."
    TO: ClassVar[frozenset[Happens]] = frozenset({"request", "frame"})

    ms: Annotated[int, msgspec.Meta(ge=-86_400_000, le=86_400_000)] = says(
        30_000, "by which its clock is ahead; whole seconds show"
    )

    @property
    def seconds(self) -> int:
        return self.ms // 1000

    async def on_answer(self, call: Call) -> None:
        answer = await call.replied()
        if date := answer.head.get(b"date"):
            answer.head.put(b"date", format_datetime(parsedate_to_datetime(date) + self._off, usegmt=True))
        if "json" in answer.head.get(b"content-type"):
            answer.replace(self._stamps(await answer.read()))

    async def on_frame(self, frame: Frame, socket: Socket) -> list[Frame]:
        match frame.kind():
            case "order":
                frame.payload = self._stamps(frame.payload)
            case "ticks":
                frame.payload = joined([self._packet(packet) for packet in packets(frame.payload)])
        return [frame]

    @property
    def _off(self) -> timedelta:
        return timedelta(seconds=self.seconds)

    def _stamps(self, content: bytes) -> bytes:
        def shifted(stamp: re.Match[bytes]) -> bytes:
            return f'"{datetime.fromisoformat(stamp[1].decode()) + self._off}"'.encode()

        return STAMP.sub(shifted, content)

    def _packet(self, packet: bytes) -> bytes:
        moved = bytearray(packet)
        for at in SECONDS_AT.get(len(packet), ()):
            (second,) = struct.unpack_from(">I", moved, at)
            if second:  # 0: it has never traded
                struct.pack_into(">I", moved, at, max(0, second + self.seconds))
        return bytes(moved)


async def untrue(call: Call) -> None:
    """Makes the answer to a read of the book or of a history say of marked orders what is to be said of them."""
    request, answer = call.request, await call.replied()
    if request.method != "GET" or not request.route.startswith("/orders") or not call.desk.orders:
        return
    known = call.desk.orders.get(call.happening.order)
    if known is not None and any(mark.hidden for mark in call.desk.marks(call.happening.order)):
        await answer.read()
        call.answer = Answer.error(400, "OrderException", NO_SUCH_ORDER)
        return
    rows = await answer.data()
    if isinstance(rows, list) and rows:
        told = [said for row in rows if (said := untrue_row(call.desk, row)) is not None]
        if told != rows:
            answer.put_data(told)


def untrue_row(desk: Desk, row: dict[str, Any]) -> dict[str, Any] | None:
    """An order's row as it is to be shown; none when it is not to be seen."""
    for mark in desk.marks(str(row.get("order_id", ""))):
        if mark.hidden:
            return None
        row = tagged(row, mark.tag)
    return row


def tagged(row: dict[str, Any], tag: str | None) -> dict[str, Any]:
    """With another tag; with none if it is empty."""
    if tag is None or "tag" not in row:
        return row
    others = [one for one in row.get("tags") or () if one != row["tag"]]
    return row | {"tag": tag or None, "tags": ([tag] if tag else []) + others}
