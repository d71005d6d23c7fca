"""The Rust core in words. stubtest keeps it true."""

from datetime import datetime
from typing import Any, final
from uuid import UUID

def build() -> str:
    """The core's version."""

# --- heart --------------------------------------------------------------------------------------------------------

@final
class Event:
    """One event, frozen. Times are ints of nanoseconds; ``ts`` and ``now_ns`` market time, ``mono_ns`` machine time.

    Equal when all that travels is equal. The constructor is for tests; a heart makes the real ones.
    """

    def __new__(
        cls,
        type: str,
        payload: Any,
        *,
        source: str = "test",
        ts: int = 0,
        seq: int = 1,
        epoch: int = 1,
        topic_seq: int = 1,
        cause: UUID | None = None,
        mode: str = "sim",
        mono_ns: int = 0,
        now_ns: int | None = None,
        account: str = "test",
    ) -> Event: ...
    @property
    def event_id(self) -> UUID:
        """Computed from (account, source, epoch, seq): the same on replay."""
    @property
    def event_hex(self) -> str:
        """``event_id.hex``, without the cost of a UUID."""
    @property
    def ts(self) -> int:
        """Market time of its birth."""
    @property
    def type(self) -> str:
        """The topic."""
    @property
    def source(self) -> str:
        """The service that said it, with its shard; ``world`` and ``control`` for what no service said."""
    @property
    def payload(self) -> Any: ...
    @property
    def seq(self) -> int:
        """Its place among what the source said, without holes over restarts and days."""
    @property
    def epoch(self) -> int:
        """Rises at each start of the source."""
    @property
    def topic_seq(self) -> int:
        """Its place among what the source said of this topic, without holes."""
    @property
    def cause(self) -> UUID | None:
        """The id of the event that made this one."""
    @property
    def mode(self) -> str:
        """``live``, ``paper``, ``sim`` or ``backtest``."""
    @property
    def time(self) -> datetime:
        """``ts`` as an aware datetime in UTC."""
    @property
    def mono_ns(self) -> int:
        """Machine time at which this process took it. Does not travel."""
    @property
    def now_ns(self) -> int:
        """Market time at ``mono_ns``: a handler's only *now*. Does not travel."""
    def __hash__(self) -> int: ...
    def __eq__(self, value: object, /) -> bool: ...
