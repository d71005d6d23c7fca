"""What a service is handed is what its handler takes."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import pytest
from kitev3.contracts import heard_by
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.process import context_of
from kitev3.runtime.registry import spec as declared
from kitev3.system.profile import known_services, load


@pytest.mark.parametrize("service", known_services())
def test_a_topic_that_is_delivered_is_handled(service: str, tmp_path: Path) -> None:
    profile, spec = load("demo"), declared(service)
    handler = spec.handler(context_of(profile, tmp_path), profile.settings(service, spec.config))
    delivered = {contract.topic for contract in heard_by(service)}
    # Commands stand on everyone's tape, whoever acts on them: start, stop and the clock the runtime obeys itself.
    commands = {topic for topic in delivered if topic.startswith("control.")}

    assert set(handler.topics) <= delivered
    assert set(handler.topics) | commands == delivered


def test_topics_are_fixed_and_what_is_nobodys_says_nothing() -> None:
    class Counting(Handler):
        def __init__(self) -> None:
            self.count = 0
            super().__init__({"control.start": self.start})

        def start(self, event: Event) -> Iterable[Any]:
            self.count += 1
            return ()

    handler = Counting()

    handler(Event("control.start", None))
    handler(Event("control.stop", None))

    assert handler.count == 1
    assert (handler.snapshot(), handler.drained, handler.waits_for, handler.status()) == (None, True, (), {})
    with pytest.raises(TypeError):
        handler.topics["control.stop"] = handler.start  # type: ignore[index]
