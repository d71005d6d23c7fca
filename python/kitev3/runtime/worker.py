"""A thread of a driver's: an error that ends it is its owner's, who is told at once."""

from __future__ import annotations

import threading
from collections.abc import Callable


class Worker(threading.Thread):
    """Runs *work*; *died* hears, on the thread, of the error that ends it: mostly the world's `fail`."""

    def __init__(self, name: str, work: Callable[[], None], died: Callable[[BaseException], None]) -> None:
        super().__init__(name=name, daemon=True)
        self._work, self._died = work, died

    def run(self) -> None:
        try:
            self._work()
        except BaseException as error:
            self._died(error)
