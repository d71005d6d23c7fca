"""Arming an account: the deed of a person, or of a profile on the local exchange."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from kitev3.account.latch import Latch, LatchState
from kitev3.contracts import CONTRACTS, Arm
from kitev3.control import Control
from kitev3.errors import Refused

SAME_BUILD = tuple(dict.fromkeys(contract.worker for contract in CONTRACTS if contract.worker))
"""The gate and execution, who take what decides over orders: they must mean the same by it."""


def arm(control: Control, services: Iterable[str], account: Path, by: str, *, over_held: bool = True) -> dict[str, str]:
    """Raises the account's latch and tells every service; service -> why, for those that did not take it.

    A profile arms by itself only what nobody halted: it is not *over_held*.

    The latch comes first, as it does for kill: what a service hears is then already so. If one does not take it the
    latch is lowered again, because a system of which a part does not answer must not trade.

    Raises Refused when the gate and execution are not of one build, or somebody lowered the latch or does so meanwhile.
    """
    names = tuple(services)
    healths = control.health(name for name in SAME_BUILD if name in names)
    builds = {name: healths[name].build for name in SAME_BUILD if name in healths}
    if len(set(builds.values())) > 1:
        said = ", ".join(f"{name} {build}" for name, build in builds.items())
        raise Refused(f"not armed: the gate and execution are of two builds ({said}); restart the system")
    latch = Latch(account)
    try:
        held = latch.held
        latch.raise_to_active(over_held=over_held)
        failed = control.send(names, Arm(by), by)
        if failed:
            latch.lower(LatchState.HALTED, held=held)
        return failed
    finally:
        latch.close()
