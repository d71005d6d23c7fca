"""Which faults are on in a seed, and how often. Some seeds have none: what fails there fails without any excuse."""

from __future__ import annotations

from random import Random

FAULTS: dict[str, tuple[float, float]] = {
    # chance per message, request or read
    "bus_lose": (0.02, 0.4),
    "bus_double": (0.02, 0.2),
    "bus_late": (0.02, 0.3),
    "refused": (0.02, 0.2),
    "request_lost": (0.02, 0.25),
    "request_late": (0.02, 0.25),
    "answer_lost": (0.05, 0.5),
    "answer_slow": (0.02, 0.3),
    "lie_400": (0.05, 0.4),
    "lie_5xx": (0.05, 0.4),
    "precheck": (0.02, 0.2),
    "book_reject": (0.02, 0.2),
    "lag": (0.05, 0.5),
    "read_fail": (0.05, 0.5),
    "read_stale": (0.05, 0.4),
    "read_short": (0.02, 0.2),
    "trades_late": (0.05, 0.6),
    "triggers_fail": (0.05, 0.5),
    "update_lost": (0.1, 1.0),
    "update_double": (0.05, 0.3),
    "update_late": (0.05, 0.6),
    "change_late": (0.05, 0.5),
    "change_refused": (0.05, 0.3),
    "market_rests": (0.1, 0.6),
    # how many steps a process takes until it dies, as a share of 1,000; the smaller the rarer
    "kill": (2.0, 25.0),
    "pause": (1.0, 12.0),
    "sync_error": (0.01, 0.15),
    "new_build": (0.3, 1.0),  # chance per start
    # chance per run
    "power": (0.5, 1.0),
    "disk_full": (0.5, 1.0),
    "token_death": (0.5, 1.0),
    "external": (0.5, 1.0),
    "forged": (0.3, 1.0),
    "square_off": (0.5, 1.0),
    "orphan": (0.3, 1.0),
    "halt": (0.5, 1.0),
    "wall_jump": (0.5, 1.0),
    "burst": (0.3, 1.0),
}
NONE_SHARE = 0.05


class Swarm:
    """The rates of a run, by name; 0 is off."""

    __slots__ = ("rates",)

    def __init__(self, random: Random) -> None:
        self.rates = dict.fromkeys(FAULTS, 0.0)
        if random.random() < NONE_SHARE:
            return
        share = random.choice((0.15, 0.3, 0.5))
        for name, (low, high) in FAULTS.items():
            if random.random() < share:
                self.rates[name] = low + (high - low) * random.random() ** 2

    def heal(self, but: tuple[str, ...] = ()) -> None:
        """From here on the world behaves; only what it did before is still to be borne."""
        for name in self.rates:
            if name not in but:
                self.rates[name] = 0.0
