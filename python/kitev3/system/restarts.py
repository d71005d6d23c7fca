"""When a service that died comes back, and when it stays down."""

from __future__ import annotations

from dataclasses import dataclass

NS = 1_000_000_000
DELAYS_NS = (NS // 5, NS)
"""How long a service stays away after its first and its second death within ``WINDOW_NS``; at the next one within
it stays down: something is wrong that a restart does not mend."""
DEATHS_MAX = len(DELAYS_NS)
WINDOW_NS = 60 * NS
FAILED = 1
"""The exit code of a process that died of a bug, or could not be started at all."""
REFUSED = 2
"""The exit code of a process that refused to start: configuration, a held lock, a corrupt tape. Never retried."""


@dataclass(frozen=True, slots=True)
class Death:
    """The end of a process that nobody had asked to end. Machine time."""

    service: str
    pid: int
    mono_ns: int
    exit_code: int  # negative: the signal that ended it
    event: str = ""  # the id of the event that it died of, when it could still say so
    words: str = ""  # the last it said
    asked: str = ""  # whose code it was running for the service, when that is others'

    @property
    def how(self) -> str:
        """In words: how it ended, on which event, and what it said last."""
        how = f"killed by signal {-self.exit_code}" if self.exit_code < 0 else f"exit code {self.exit_code}"
        on = f" on event {self.event}" if self.event else f" as it asked {self.asked}" if self.asked else ""
        return f"{how}{on}: {self.words}" if self.words else f"{how}{on}"


class Restarts:
    """The deaths of one service, and what follows from each."""

    def __init__(self) -> None:
        self.deaths: list[Death] = []
        self.given_up = ""  # why it stays down

    def died(self, death: Death) -> int | None:
        """How long it stays away, ns; None when it stays down, and ``given_up`` then says why."""
        # Who ends the process again is left out by the service: each of others' codes has a count of its own.
        alike = [other for other in self.deaths if other.asked == death.asked]
        recent = sum(death.mono_ns - other.mono_ns < WINDOW_NS for other in alike)
        before = {other.event for other in self.deaths if other.event}
        self.deaths.append(death)
        if death.exit_code == REFUSED:
            self.given_up = f"refused to start: {death.how}"
        elif death.event and death.event in before:
            self.given_up = f"died twice on one event: {death.how}"
        elif recent >= DEATHS_MAX:
            self.given_up = f"died {recent + 1} times within {WINDOW_NS // NS} s, at last by {death.how}"
        if self.given_up:
            return None
        return DELAYS_NS[recent]
