"""Which cores a process or thread runs on."""

from __future__ import annotations

import os

from kitev3.config import Profile


def place(profile: Profile, service: str = "") -> None:
    """Puts the calling thread, and those it will start, where the profile wants *service*; no name: off the order path.

    A hint for speed and nothing more: where the machine lacks the cores, or does not let us, it changes nothing.
    """
    machine = frozenset(range(os.cpu_count() or 1))
    try:
        os.sched_setaffinity(0, profile.cores(service, machine))
    except OSError:
        return  # a container may hide some of the machine's cores from us
