"""Hashes every tape into a SHA-256 chain beside it, off the path of those that write."""

from __future__ import annotations

import threading
from pathlib import Path

import msgspec
from kitev3._core import TapeAltered, TapeChain
from kitev3.runtime.service import Driver, World
from kitev3.runtime.worker import Worker
from kitev3.system.log import LOG
from kitev3.system.private import private_folder, write_whole


class Head(msgspec.Struct, frozen=True):
    """The last anchor of one tape; kept elsewhere too, it proves everything before it."""

    service: str
    date: str
    blocks: int
    tail_bytes: int
    sha256: str


class Chains(Driver):
    """One chain a service, advanced every *every_s* of machine time, sealed at the end.

    Side files and ``heads.json`` lie in ``<run folder>/journal-chain``. A tape that is not what was hashed is logged as
    an error and its chain stays where it was: the proof is the last head, not our silence.
    """

    def __init__(self, run_dir: Path, date: str, every_s: float) -> None:
        self.tapes, self.side, self.date, self.every_s = run_dir / "tape", run_dir / "journal-chain", date, every_s
        self.chains: dict[str, TapeChain] = {}
        self.heads: dict[str, Head] = {}
        self.ended = threading.Event()
        self.thread: Worker | None = None
        self.log = LOG

    def open(self, world: World) -> None:
        self.thread = Worker("chains", self._run, world.fail)
        self.thread.start()

    def close(self) -> None:
        """The last anchor covers all that is synced by now."""
        self.ended.set()
        if self.thread is not None:
            self.thread.join(timeout=1.0)
        self.advance(last=True)

    def _run(self) -> None:
        while not self.ended.wait(self.every_s):
            try:
                self.advance()
            except OSError as error:  # a full disk: what was not anchored now is anchored later
                self.log.error("the chains are not written", error=str(error))

    def advance(self, *, last: bool = False) -> None:
        """Takes every chain as far as its tape is synced, and writes the heads down."""
        for folder in sorted(p for p in self.tapes.iterdir() if any(p.glob(f"{self.date}.*.tape"))):
            service = folder.name
            try:
                if service not in self.chains:
                    self.chains[service] = TapeChain(folder, self.date, self.side / service)
                chain = self.chains[service]
                blocks, tail_bytes, digest = chain.seal() if last else chain.advance()
            except TapeAltered as error:
                self.log.error("tape altered", service=service, error=str(error))
                continue
            self.heads[service] = Head(service, self.date, blocks, tail_bytes, digest.hex())
        if self.heads:
            private_folder(self.side)
            heads = msgspec.json.encode(list(self.heads.values()))
            write_whole(self.side / "heads.json", msgspec.json.format(heads) + b"\n")
