"""CONTRIBUTING tells the truth: a topic and a service are added by its lists, and run."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest

HOUSE = Path(__file__).parents[1]
CONTRIBUTING = (HOUSE / "CONTRIBUTING.md").read_text()
Edit = Callable[[str], str]


def listed(what: str, name: str) -> set[str]:
    """The files that CONTRIBUTING lists for it."""
    section = CONTRIBUTING.split(f"**{what}**\n")[1].split("\n**")[0]
    lines = [line.partition(":")[0] for line in section.splitlines() if line.startswith("- ")]
    return {path.replace("NAME", name) for line in lines for path in re.findall(r"`([^`]+)`", line)}


def before(mark: str, text: str) -> Edit:
    return lambda old: old.replace(mark, text + mark, 1) if mark in old else pytest.fail(f"no {mark!r}")


def both(*edits: Edit) -> Edit:
    def edited(old: str) -> str:
        for edit in edits:
            old = edit(old)
        return old

    return edited


def new(text: str) -> Edit:
    return lambda old: text if not old else pytest.fail("it is there already")


HEARD = '''class Heard(Payload, frozen=True, array_like=True, gc=False):
    """A fill that somebody has heard of."""

    trade_id: str


'''
TOPIC: Mapping[str, Edit] = {
    "python/kitev3/contracts.py": both(
        before("# --- the table ---", HEARD),
        before('    _c("control.clock"', '    _c("echo.heard", Heard, "echo", "journal"),\n'),
    ),
    "python/kitev3/schemas.py": before('        "control.clock"', '        "echo.heard": (HASH,),\n'),
}

SERVICE = '''"""The echo service: says which fills it has heard of."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from kitev3.contracts import Heard
from kitev3.events import Event
from kitev3.runtime.handler import Handler
from kitev3.runtime.service import ServiceSpec


@dataclass(frozen=True, slots=True, kw_only=True)
class EchoConfig:
    """``[echo]`` of the profile."""

    enabled: bool = True
    cpu: int | None = None


class EchoHandler(Handler):
    """A fill in, its trade's id out."""

    def __init__(self) -> None:
        super().__init__({"execution.fill": self.fill})

    def fill(self, event: Event) -> Iterable[Heard]:
        return (Heard(event.payload.trade_id),)


SERVICE = ServiceSpec(
    name="echo", config=EchoConfig, handler=lambda context, config: EchoHandler(), rank=4, order_path=False
)
'''
ECHO: Mapping[str, Edit] = {
    "services/echo/__init__.py": new(
        '"""Says which fills it has heard of.\n\nHears ``execution.fill``; says ``echo.heard``.\n"""\n'
    ),
    "services/echo/__main__.py": new('from kitev3.runtime.process import main\n\nmain(["echo"])\n'),
    "services/echo/service.py": new(SERVICE),
    "python/kitev3/contracts.py": lambda old: re.sub(
        r'(_c\("execution\.fill", Fill, "execution", "[^"]*)"', r'\1 echo"', old
    ),
    "tests/services/test_echo.py": new(
        """from kitev3._core import Event
from kitev3.contracts import Fill, Heard
from kitev3.services.echo.service import EchoHandler


def test_a_fill_is_heard_of() -> None:
    fill = Fill("K1", "o1", "t1", "NSE", "INFY", 408065, "BUY", "MIS", 10, 15_000_500, 1, "cross")

    assert list(EchoHandler()(Event("execution.fill", fill))) == [Heard("t1")]
"""
    ),
}


@pytest.mark.parametrize("what", ["An indicator", "A rule of the gate", "A topic", "A service"])
def test_every_file_that_is_there_already_is_where_the_list_says(what: str) -> None:
    there = {path for path in listed(what, "NAME") if "NAME" not in path}

    assert there
    assert [path for path in there if not (HOUSE / path).is_file()] == []


@pytest.mark.parametrize(("what", "name", "edits"), [("A topic", "heard", TOPIC), ("A service", "echo", ECHO)])
def test_the_list_names_what_is_changed_and_no_more(what: str, name: str, edits: Mapping[str, Edit]) -> None:
    assert listed(what, name) == set(edits)


@pytest.fixture(scope="module")
def copy(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The repository with a new topic and a new service."""
    house = tmp_path_factory.mktemp("contributed") / "house"
    for folder in ("python", "services", "tests"):
        shutil.copytree(HOUSE / folder, house / folder, symlinks=True, ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "CONTRIBUTING.md"):
        shutil.copy(HOUSE / name, house / name)
    for edits in (TOPIC, ECHO):
        for path, edit in edits.items():
            file = house / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(edit(file.read_text() if file.exists() else ""))
    hashed = run(house, "-c", "from kitev3.contracts import BY_TOPIC; print(hex(BY_TOPIC['echo.heard'].schema))")
    schemas = house / "python" / "kitev3" / "schemas.py"
    schemas.write_text(schemas.read_text().replace("HASH", hashed.strip()))
    return house


def run(house: Path, *words: str) -> str:
    """A command of the copy's own library."""
    environment = os.environ | {"PYTHONPATH": str(house / "python")}
    words = (sys.executable, *words)
    done = subprocess.run(words, cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_topic_and_a_service_are_added_by_the_lists_and_their_tests_hold(copy: Path) -> None:
    tests = ("tests/services/test_echo.py", "tests/test_contracts.py")

    said = run(copy, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *tests)
    listing = run(copy, "-c", "from kitev3.system.cli import main; main()", "ls")

    assert "100%" in said
    assert "echo.heard" in listing
    assert run(copy, "-c", "import kitev3; print(kitev3.__file__)").startswith(str(copy))
