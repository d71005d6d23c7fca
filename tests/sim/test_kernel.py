"""Native services on the kernel, its disk in memory: the tapes are those that they leave under Python's runners."""

from __future__ import annotations

from pathlib import Path

from kitev3._core import Kernel, NativeHandler, TapeReader, recorded_inputs
from kitev3.bus.topology import links
from kitev3.contracts import BY_TOPIC
from kitev3.runtime.service import ServiceSpec
from kitev3.runtime.setup import SEGMENT_BYTES, join_of
from kitev3.schemas import older
from kitev3.services.execution.service import SERVICE as EXECUTION
from kitev3.services.marketdata.service import SERVICE as MARKETDATA
from kitev3.services.risk_portfolio.service import SERVICE as RISK_PORTFOLIO
from kitev3.services.strategy.service import SERVICE as STRATEGY
from sim.whole import MONO_NS, WholeSystem

HUNG_UP = (EXECUTION, RISK_PORTFOLIO, STRATEGY, MARKETDATA)
"""As the whole system hangs them up."""
STOPPED = (MARKETDATA, STRATEGY, RISK_PORTFOLIO, EXECUTION)
NATIVE = (RISK_PORTFOLIO, MARKETDATA)
LATCH = "world.latch"  # seen by a watch, when it next looks


def hang_up(kernel: Kernel, system: WholeSystem, spec: ServiceSpec, tapes: Path) -> None:
    """A native service as it is; another as its tape plays it."""
    context = system.context
    config = system.profile.settings(spec.name, spec.config)
    handler = spec.handler(context, config) if spec in NATIVE else None
    assert handler is None or isinstance(handler, NativeHandler)
    heard, said = [BY_TOPIC[topic] for topic in spec.hears], [BY_TOPIC[topic] for topic in spec.says]
    kernel.hang_up(
        service=spec.name,
        account=context.account,
        mode=context.mode,
        day=context.session,
        start_ns=context.start_ns,
        subscriptions=[(c.topic, [c.schema, *older(c.topic)], c.bulk, join_of(c), c.after or None) for c in heard],
        publications=[(c.topic, c.schema, c.dense, c.worker or None, c.after or None) for c in said],
        sequence_modes=[(link.source, link.mode) for link in links(spec.name, spec.hears, own=spec.hears_own)],
        recorded=tapes / spec.name,
        handler=handler,
        about=b"{}",
        timers=list(spec.timers_of(config).items()),
    )


class Inputs:
    """What came to each service from outside the run, in its order."""

    def __init__(self, kernel: Kernel, tapes: Path, date: str) -> None:
        self.kernel = kernel
        read = {spec.name: recorded_inputs(tapes / spec.name, date) for spec in HUNG_UP}
        self.left = {name: list(inputs) for name, (inputs, _) in read.items()}
        self.end_ns = max(end_ns for _, end_ns in read.values())

    def show(self, name: str) -> None:
        """The latch is a watch's to see."""
        while self.left[name] and self.left[name][0][2] == LATCH:
            mono_ns, _, topic, payload = self.left[name].pop(0)
            self.kernel.show(name, mono_ns, topic, payload)

    def tell(self, name: str) -> None:
        """What the world says now, until the next command."""
        self.show(name)
        while self.left[name] and not (first := self.left[name][0])[1] and first[0] == self.kernel.now_ns:
            self.kernel.world(name, first[2], first[3])
            self.left[name].pop(0)
            self.show(name)

    def command(self, name: str) -> None:
        mono_ns, is_command, topic, payload = self.left[name].pop(0)
        assert (is_command, mono_ns) == (True, self.kernel.now_ns)
        self.kernel.control(name, topic, payload)
        self.show(name)
        self.kernel.run()


def play(kernel: Kernel, tapes: Path, date: str) -> None:
    """The day again, as the whole system runs it."""
    inputs = Inputs(kernel, tapes, date)
    for spec in HUNG_UP:
        inputs.tell(spec.name)
    kernel.open()
    for _ in ("clock", "start", "arm"):
        for spec in HUNG_UP:
            inputs.command(spec.name)
    kernel.run()
    while any(inputs.left.values()):
        kernel.advance_to(min(left[0][0] for left in inputs.left.values() if left))
        for spec in STOPPED:
            inputs.tell(spec.name)
            kernel.run()
            if (left := inputs.left[spec.name]) and left[0][0] == kernel.now_ns:
                inputs.command(spec.name)
    kernel.advance_to(inputs.end_ns)
    kernel.close()


def test_marketdata_and_the_gate_leave_the_same_tapes_on_the_kernel(tmp_path: Path) -> None:
    system = WholeSystem("synthetic", tmp_path)
    system.start()
    system.run(5_000)
    system.stop()
    tapes = tmp_path / "tape"
    kernel = Kernel(MONO_NS, segment_bytes=SEGMENT_BYTES)
    for spec in HUNG_UP:
        hang_up(kernel, system, spec, tapes)

    play(kernel, tapes, system.context.session)

    assert system.status("risk_portfolio")["approved"] > 0
    for spec in HUNG_UP:
        folder = tmp_path / "played" / spec.name
        folder.mkdir(parents=True)
        for name, content in kernel.files(spec.name).items():
            (folder / name).write_bytes(content)
        assert records(folder) == records(tapes / spec.name), spec.name
        if spec in NATIVE:
            assert tape_files(folder) == tape_files(tapes / spec.name), spec.name


def records(folder: Path) -> list[tuple[int, int, bytes]]:
    """All but the first SNAPSHOT, in which one that is played keeps no state."""
    return [(kind, mono_ns, content) for number, kind, mono_ns, content in TapeReader(folder) if number]


def tape_files(folder: Path) -> dict[str, bytes]:
    return {path.name: path.read_bytes() for path in sorted(folder.glob("*.tape"))}
