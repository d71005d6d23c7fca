"""The tape from Python: what is appended is read, also beside the writer, and what was altered is refused."""

import os
import pickle
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from kitev3._core import TapeChain, TapeCorrupt, TapeKind, TapeReader, TapeWriter
from strategies import tape_records

DAY = "2026-11-19"
PAGE = 4096
NEVER_MS = 3_600_000


def small(directory: Path, date: str = DAY) -> TapeWriter:
    """Segments of a page, so that a few records cross one, and no sync but those that the test asks for."""
    return TapeWriter(directory, date, segment_bytes=PAGE, sync_every_ms=NEVER_MS)


@given(records=st.lists(tape_records(content_bytes_max=3000), max_size=20))
def test_what_is_appended_is_read_also_while_the_tape_is_open(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, int, bytes]]
) -> None:
    directory = tmp_path_factory.mktemp("tape")
    expected = [(number, *record) for number, record in enumerate(records)]
    live = TapeReader(directory)
    heard = []

    with small(directory) as writer:
        for record in records:
            writer.append(*record)
            heard.append(live.poll())

    assert heard == expected
    assert list(TapeReader(directory, DAY)) == expected
    assert live.poll() is None


def test_iteration_goes_on_where_it_stopped_and_over_days(tmp_path: Path) -> None:
    reader = TapeReader(tmp_path)
    assert (reader.date, reader.position, list(reader)) == (None, None, [])
    heard = []
    for day in ("2026-11-18", DAY):
        with small(tmp_path, day) as writer:
            for mono_ns in range(3):
                writer.append(TapeKind.OUT, mono_ns, b"")
                heard += [(reader.date, *record[:3]) for record in reader]

    assert heard == [(day, n, TapeKind.OUT, n) for day in ("2026-11-18", DAY) for n in range(3)]


def test_reading_goes_on_at_a_position(tmp_path: Path) -> None:
    with small(tmp_path) as writer:
        for mono_ns in range(40):
            writer.append(TapeKind.EXT, mono_ns, bytes(300))
        place = writer.position
        writer.append(TapeKind.EXT, 40, b"last")

    first = TapeReader(tmp_path, DAY, position=place)

    assert list(first) == [(40, TapeKind.EXT, 40, b"last")]
    with pytest.raises(TapeCorrupt):
        TapeReader(tmp_path, DAY, position=(place[0], place[1] + 4, 40))
    with pytest.raises(TapeCorrupt):
        TapeReader(tmp_path, DAY, position=(place[0] + 5, 16, 40))
    with pytest.raises(ValueError, match="date"):
        TapeReader(tmp_path, position=place)


def test_what_cannot_be_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a day"):
        TapeWriter(tmp_path, "19-11-2026")
    with pytest.raises(ValueError, match="4096"):
        TapeWriter(tmp_path, DAY, segment_bytes=5000)
    writer = small(tmp_path)
    with pytest.raises(ValueError, match="not a kind"):
        writer.append(8, 0, b"")
    with pytest.raises(ValueError, match="does not fit"):
        writer.append(TapeKind.OUT, 0, bytes(PAGE))
    with pytest.raises(BlockingIOError):
        small(tmp_path)
    writer.close()
    writer.close()
    for use in (lambda: writer.append(TapeKind.OUT, 0, b""), writer.sync, lambda: writer.position):
        with pytest.raises(ValueError, match="closed"):
            use()
    with pytest.raises(FileExistsError, match=r"^\[Errno 17\] File exists: "):
        small(tmp_path / f"{DAY}.000.tape")


def test_a_byte_changed_below_the_synced_offset_is_refused_with_its_place(tmp_path: Path) -> None:
    with small(tmp_path) as writer:
        places = [writer.position for _ in range(30) if writer.append(TapeKind.OUT, 1, bytes(500)) >= 0]
    segment, offset, number = places[16]
    file = tmp_path / f"{DAY}.{segment:03}.tape"
    content = bytearray(file.read_bytes())
    content[offset + 100] ^= 1
    file.write_bytes(content)

    for use in (lambda: list(TapeReader(tmp_path)), lambda: small(tmp_path)):
        with pytest.raises(TapeCorrupt) as refused:
            use()
        found = refused.value
        assert (found.file, found.offset, found.number) == (str(file), offset, number)
        assert str(found) == f"{file}: corrupt at offset {offset}, record {number}: the CRC does not hold"
        assert str(pickle.loads(pickle.dumps(found))) == str(found)  # noqa: S301 our own bytes


WRITER = """
import os, sys
from kitev3._core import TapeKind, TapeWriter
writer = TapeWriter(sys.argv[1], "2026-11-19", segment_bytes=1 << 16)
first = writer.recovered
for number in range(first, first + 10**9):
    assert writer.append(TapeKind.OUT, number, number.to_bytes(8, "little") * (number % 100)) == number
    os.write(1, number.to_bytes(8, "little"))
"""


def test_everything_appended_before_a_kill_is_there_kill_after_kill(tmp_path: Path) -> None:
    appended = 0
    for kill in range(3):
        process = subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE)
        assert process.stdout is not None
        said = process.stdout.read(8 * (3_000 + 777 * kill))
        os.kill(process.pid, signal.SIGKILL)
        said += process.stdout.read()
        process.stdout.close()
        assert process.wait() == -signal.SIGKILL
        appended = int.from_bytes(said[-8 - len(said) % 8 :][:8], "little") + 1

        records = list(TapeReader(tmp_path))

        # One more may have been appended and not yet told.
        assert appended <= len(records) <= appended + 1
        assert all(
            record == (n, TapeKind.OUT, n, n.to_bytes(8, "little") * (n % 100)) for n, record in enumerate(records)
        )
    assert TapeWriter(tmp_path, DAY).recovered == len(records)


def test_a_thread_may_sync_while_another_appends(tmp_path: Path) -> None:
    writer = TapeWriter(tmp_path, DAY, segment_bytes=1 << 16, sync_every_ms=1)
    stop = threading.Event()
    syncs = 0

    def sync() -> None:
        nonlocal syncs
        while not stop.is_set():
            writer.sync()
            syncs += 1

    thread = threading.Thread(target=sync)
    thread.start()
    number = 0
    while syncs < 20 or number < 5_000:
        number = writer.append(TapeKind.OUT, 0, bytes(100))
    stop.set()
    thread.join()
    writer.close()

    assert sum(1 for _ in TapeReader(tmp_path)) == number + 1


@given(records=st.lists(tape_records(content_bytes_max=2000), min_size=1, max_size=20), sync=st.integers(1, 5))
def test_the_chain_of_a_tape_is_the_same_however_often_it_was_advanced(
    tmp_path_factory: pytest.TempPathFactory, records: list[tuple[int, int, bytes]], sync: int
) -> None:
    directory = tmp_path_factory.mktemp("tape")
    often = TapeChain(directory / "tape", DAY, directory / "often")
    with small(directory / "tape") as writer:
        for i, record in enumerate(records):
            writer.append(*record)
            if i % sync == 0:
                writer.sync()
                often.advance()

    once = TapeChain(directory / "tape", DAY, directory / "once")

    anchor = once.seal()
    assert often.seal() == anchor
    assert often.verify(anchor) == once.verify() == once.advance()
