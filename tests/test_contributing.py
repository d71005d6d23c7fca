"""CONTRIBUTING tells the truth: an indicator, a rule, a topic and a service are added by its lists, built and run.

The core is compiled without optimisation in ``target/contributed``, which is kept: the next time only what changed is
compiled.
"""

from __future__ import annotations

import fcntl
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Callable, Iterator, Mapping
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


INDICATOR: Mapping[str, Edit] = {
    "rust/core/src/indicators/change.rs": new(
        """//! Change: how far a price is from the one before it.
use super::recursion::{Recursive, Stream, streams};

/// Change since the last price; `warmup` is 2.
#[derive(Clone, Debug)]
pub struct Change(Stream<Since>);

impl Change {
    #[allow(clippy::new_without_default)]
    pub fn new() -> Self {
        Self(Stream::new(Since { before: f64::NAN }))
    }
}

streams!(Change, 1, 1);

#[derive(Clone, Debug)]
struct Since {
    before: f64,
}

impl Recursive<1, 1> for Since {
    fn warmup(&self) -> usize {
        2
    }

    fn warm(&mut self, count: usize, price: [f64; 1]) -> [f64; 1] {
        let values = self.step(0, price);
        if count == 1 { [f64::NAN] } else { values }
    }

    fn step(&mut self, _lane: usize, [price]: [f64; 1]) -> [f64; 1] {
        [price - std::mem::replace(&mut self.before, price)]
    }
}
"""
    ),
    "rust/core/src/indicators/mod.rs": both(
        before("mod columns;\n", "mod change;\n"), before("pub use declaration::", "pub use change::Change;\n")
    ),
    "rust/core/src/indicators/engine.rs": both(
        before("    Donchian: [", "    Change: [close] => 1;\n"), before("SessionVwap, Sma, ", "Change, ")
    ),
    "rust/core/src/indicators/declaration.rs": both(
        before("SessionVwap, Sma, ", "Change, "),
        before(
            """    Kind {
        name: "donchian",""",
            """    Kind {
        name: "change",
        inputs: PRICE,
        parameters: &[],
        values: &[],
        make: |_| Ok(column(Change::new())),
    },
""",
        ),
    ),
    "python/kitev3/_core.pyi": before(
        "    donchian          high, low ",
        f"    {'change':17} {'price':42} one value\n",
    ),
    "docs/strategies.md": before(" donchian, ema", " change,"),
    "tests/indicators/test_change.py": new(
        """import numpy as np
from kitev3._core import Indicator, IndicatorEngine, Tick, TickBatch
from kitev3.strategy.load import INDICATOR_KINDS


def test_it_is_the_distance_from_the_price_before() -> None:
    prices = np.array([100.0, 101.5, 99.0, 99.0, 107.0, 100.0, 103.0])
    change = Indicator("change")

    expected = [float("nan"), *np.diff(prices)]

    np.testing.assert_array_equal(Indicator("change").batch(prices), expected)
    np.testing.assert_array_equal([change.update(price) for price in prices.tolist()], expected)


def test_a_strategy_declares_it() -> None:
    engine = IndicatorEngine([("since", "change", {})])
    engine.update_ticks(TickBatch.from_ticks([Tick(408065, 15_000_000), Tick(408065, 15_000_500)]))

    assert "change" in INDICATOR_KINDS
    assert round(engine.value(408065, "since"), 4) == 0.05
"""
    ),
}
RULE: Mapping[str, Edit] = {
    "rust/core/src/risk/rules/dear.rs": new(
        """//! Stage F: is one unit of it too dear?
use super::super::order_context::OrderContext;
use super::super::verdict::Outcome;
use super::at_most;

/// R33: the limit price of one unit.
pub fn unit(context: &OrderContext<'_>) -> Outcome {
    at_most(
        "price_e4",
        context.signal.price_e4.into(),
        context.gate.limits().unit_price_e4_max,
        "unit_price_e4_max",
    )
}
"""
    ),
    "rust/core/src/risk/rules/mod.rs": both(
        before("mod exposure;\n", "mod dear;\n"),
        before("    order(35, ", "    always(33, 'F', \"price of a unit\", dear::unit),\n"),
    ),
    "rust/core/src/risk/limits.rs": before(
        "    /// Units of one instrument, long or short", "    unit_price_e4_max: R 33, CRORE_E4, CRORE_E4;\n"
    ),
    "python/kitev3/risk.py": before("    halted: tuple", "    unit_price_e4_max: int | None = 10_00_000_0000\n"),
    "tests/risk/reference_account.py": both(
        lambda old: old.replace(" 32, 35,", " 32, 33, 35,", 1),
        before("    35: (", '    33: ("unit_price_e4_max",),\n'),
    ),
    "tests/risk/reference_rules.py": before(
        "    def r35(",
        """    def r33(self) -> bool:
        return self.signal.price_e4 <= self.limit("unit_price_e4_max")

""",
    ),
    "tests/risk/test_dear.py": new(
        """import pytest
from doubles.account import FUTURE, LAST_E4, WIDE, Desk, order
from kitev3._core import risk_rules


@pytest.mark.parametrize(("over_e4", "refused"), [(0, []), (1, ["R33"])])
def test_a_unit_may_cost_what_the_limit_says_and_no_more(over_e4: int, refused: list[str]) -> None:
    desk = Desk(limits={**WIDE.limits(), "unit_price_e4_max": LAST_E4[FUTURE] - over_e4})

    judged = desk.judge(order(FUTURE)).verdict.refused

    assert [rule for rule, *_ in risk_rules() if judged >> int(rule[1:]) & 1] == refused
"""
    ),
}
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


@pytest.mark.parametrize(
    ("what", "name", "edits"),
    [
        ("An indicator", "change", INDICATOR),
        ("A rule of the gate", "dear", RULE),
        ("A topic", "heard", TOPIC),
        ("A service", "echo", ECHO),
    ],
)
def test_the_list_names_what_is_changed_and_no_more(what: str, name: str, edits: Mapping[str, Edit]) -> None:
    assert listed(what, name) == set(edits)


@pytest.fixture
def copy() -> Iterator[Path]:
    """The repository with one more of each; in one place, so that the compiler finds its work again."""
    contributed = HOUSE / "target" / "contributed"
    contributed.mkdir(parents=True, exist_ok=True)
    with (contributed / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # for another run of the suite in this folder
        house = contributed / "house"
        shutil.rmtree(house, ignore_errors=True)
        for folder in ("python", "services", "tests", "rust", "docs"):
            shutil.copytree(HOUSE / folder, house / folder, symlinks=True, ignore=LEFT_OUT)
        for name in ("pyproject.toml", "CONTRIBUTING.md", "Cargo.toml", "Cargo.lock"):
            shutil.copy2(HOUSE / name, house / name)
        for edits in (INDICATOR, RULE, TOPIC, ECHO):
            for path, edit in edits.items():
                file = house / path
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(edit(file.read_text() if file.exists() else ""))
        build(house, contributed / "build")
        hashed = run(house, "-c", "from kitev3.contracts import BY_TOPIC; print(hex(BY_TOPIC['echo.heard'].schema))")
        schemas = house / "python" / "kitev3" / "schemas.py"
        schemas.write_text(schemas.read_text().replace("HASH", hashed.strip()))
        yield house


LEFT_OUT = shutil.ignore_patterns("__pycache__", "node_modules", "_core.*.so")


def build(house: Path, target: Path) -> None:
    """The copy's core, as quickly as it compiles."""
    quick = ("profile.dev.opt-level=0", "profile.dev.package.'*'.opt-level=0", "profile.dev.debug=false")
    words = ("cargo", "build", "--quiet", "--locked", "--package", "kitev3-py", "--target-dir", str(target))
    done = subprocess.run(
        [*words, *(word for setting in quick for word in ("--config", setting))],
        cwd=house,
        env=os.environ | {"PYO3_PYTHON": sys.executable},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    suffix = sysconfig.get_config_var("EXT_SUFFIX")
    shutil.copy(target / "debug" / "lib_core.so", house / "python" / "kitev3" / f"_core{suffix}")


def run(house: Path, *words: str) -> str:
    """A command of the copy's own library."""
    environment = os.environ | {"PYTHONPATH": str(house / "python")}
    words = (sys.executable, *words)
    done = subprocess.run(words, cwd=house, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@pytest.mark.timeout(1800)  # the build, on a slow machine
def test_one_of_each_is_added_by_the_lists_built_and_its_tests_hold(copy: Path) -> None:
    new_ones = ("indicators/test_change.py", "risk/test_dear.py", "services/test_echo.py")
    tests = [f"tests/{name}" for name in (*new_ones, "test_contracts.py")]

    said = run(copy, "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", *tests)
    listing = run(copy, "-c", "from kitev3.system.cli import main; main()", "ls")

    assert "100%" in said
    assert "echo.heard" in listing
    assert run(copy, "-c", "import kitev3; print(kitev3.__file__)").startswith(str(copy))
