"""``kitev3-proc NAME``: one service as an OS process: configuration, initialisation, running, shutdown.

    kitev3-proc marketdata --config demo --run-dir run/demo

Exit codes: 0 after SIGTERM; 1 a bug of ours, named in the log with the event that it died of; 2 refused: configuration,
a second instance, a tape that is not what was written. What exits with 2 is not started again by itself.
"""

from __future__ import annotations

import argparse
import ctypes
import gc
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from types import FrameType

from kitev3._core import RecoveryError, TapeCorrupt
from kitev3.account import approvals
from kitev3.bus.loop import Loop, LoopTiming
from kitev3.bus.requests import Requests
from kitev3.bus.topology import base
from kitev3.bus.transport import PolledTransport, Transport
from kitev3.bus.zmq_transport import ZmqTransport
from kitev3.calendar import IST
from kitev3.contracts import BY_TOPIC, Start
from kitev3.errors import ConfigError
from kitev3.runtime.clock import MarketClock, datetime_ns
from kitev3.runtime.fingerprint import fingerprint, library
from kitev3.runtime.registry import spec as declared
from kitev3.runtime.runner import Runner
from kitev3.runtime.service import AsyncDriver, Context, ServiceSpec
from kitev3.system import profile as configuration
from kitev3.system.hugepages import collapse
from kitev3.system.log import LOG, log_to
from kitev3.system.placement import pin, shorten_time_slice
from kitev3.system.private import UMASK
from kitev3.system.profile import BEGINS_RUN, Profile
from kitev3.system.runfolder import RunFolder, default_run_dir

REFUSED = 2
FAILED = 1
INTERPRETER_S = 50e-6
"""How long a loop that has something in hand waits while another thread, the broker's, computes in Python."""
PR_SET_PDEATHSIG = 1
SYSTEM_OPTIONS = ("--config", "--run-dir", "--start")


def main(argv: Sequence[str] = ()) -> None:
    """The command. *argv* comes before what stands on the command line."""
    os.umask(UMASK)
    words = [*argv, *sys.argv[1:]]
    alone = stands_alone(words)
    sys.exit(alone(words[1:]) if alone is not None else run(parse(words)))


def stands_alone(
    words: Sequence[str], environment: Mapping[str, str] = os.environ
) -> Callable[[Sequence[str]], int] | None:
    """How to run a service that is of use outside a system, unless a profile or a run folder puts it into one."""
    if not words or words[0] not in configuration.known_services():
        return None
    if "KITEV3_PARENT" in environment or any(word.partition("=")[0] in SYSTEM_OPTIONS for word in words):
        return None
    return declared(words[0]).alone


def parse(argv: Sequence[str]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="kitev3-proc",
        description="Run one service in the foreground. `kitev3 up` does this for all services of a profile.",
        epilog="example: kitev3-proc marketdata --config demo --run-dir run/demo",
    )
    parser.add_argument("name", help="the service: " + ", ".join(configuration.known_services()))
    parser.add_argument("--config", default="demo", metavar="FILE", help="a profile's name or .toml file (demo)")
    parser.add_argument("--run-dir", type=Path, metavar="DIR", help="KITEV3_RUN_DIR, or run/<profile>")
    parser.add_argument("--start", action="store_true", help="begin at once, without waiting for `kitev3 start`")
    arguments, unknown = parser.parse_known_args(argv)
    if unknown:
        known = arguments.name in configuration.known_services() and declared(arguments.name).alone is not None
        form = f"; {' and '.join(SYSTEM_OPTIONS)} make {arguments.name} part of a system: alone it runs without them"
        parser.error(f"unrecognized arguments: {' '.join(unknown)}{form if known else ''}")
    return arguments


def run(arguments: argparse.Namespace, environment: Mapping[str, str] = os.environ) -> int:
    """Runs a service to its end; the exit code."""

    def live() -> int:
        follow_parent(environment)
        spec = declared(arguments.name)
        profile = configuration.load(arguments.config, environment=environment)
        run_dir = (arguments.run_dir or default_run_dir(profile.name, environment)).resolve()
        return Process(spec, profile, RunFolder(run_dir, environment), starts=arguments.start).run()

    return refusing(arguments.name, live)


def refusing(name: str, live: Callable[[], int]) -> int:
    """The exit code of *live*; what would refuse the next start as well is said in one line, with exit code 2."""
    try:
        return live()
    except (ConfigError, TapeCorrupt, RecoveryError, BlockingIOError) as error:
        print(f"{name}: {error}", file=sys.stderr)
        return REFUSED


def follow_parent(environment: Mapping[str, str]) -> None:
    """Has the kernel end us when our supervisor dies, and ends now if it already has."""
    parent = environment.get("KITEV3_PARENT")
    if parent is None:
        return
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
    if os.getppid() != int(parent):
        raise ConfigError(f"the supervisor with pid {parent} is gone")


def context_of(profile: Profile, run_dir: Path) -> Context:
    """Where a profile's services find themselves."""
    start = profile.start or datetime.now(UTC)
    return Context(
        profile=profile.name,
        mode=profile.mode,
        account=profile.account_id,
        seed=profile.seed,
        run_dir=run_dir,
        session=start.astimezone(IST).date().isoformat(),
        start_ns=datetime_ns(start),
        settings=profile,
    )


class Process:
    """One service of a profile, from its lock to its last word."""

    def __init__(
        self,
        spec: ServiceSpec,
        profile: Profile,
        folder: RunFolder,
        *,
        starts: bool = False,
        running: Collection[str] | None = None,
    ) -> None:
        """*running*: the services of the system, when they are not the profile's."""
        self.spec, self.profile, self.folder = spec, profile, folder
        self.running = profile.enabled if running is None else running
        self.config = profile.settings(spec.name, spec.config)
        self.context = replace(context_of(profile, folder.path), approval_key=approvals.taken())
        self.starts = starts
        self._parent = os.getppid() if "KITEV3_PARENT" in os.environ else 0
        folder.check_sockets((spec.name,))
        folder.make()
        log_to(folder.log(spec.name), spec.name)
        self.log = LOG

    def run(self) -> int:
        """Blocks until a signal; the exit code."""
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # no KeyboardInterrupt of ours comes up in others' code
        pin(self.profile, self.spec.name)
        bus = self.profile.bus
        transport = ZmqTransport(
            self.spec,
            self.running,
            self.folder.sockets,
            self.folder.path / "tape" / self.spec.name,
            high_water=bus.high_water,
            answer_ms=bus.answer_ms_max if bus.fetch == "request" else None,
        )
        runner = self._runner(transport)
        try:
            return self._live(runner, transport)
        except (ConfigError, TapeCorrupt, RecoveryError):
            raise
        except Exception as error:
            self._report(runner, error)
            return FAILED
        finally:
            self.folder.leave(self.spec.name)

    def _live(self, runner: Runner, transport: PolledTransport) -> int:
        runner.recover()
        transport.open()
        requests = Requests(
            runner,
            missing=lambda: self._missing(runner, transport),
            build=library(),
            more_counters=lambda: {"push_full": transport.left_to_tape},
        )
        bus = self.profile.bus
        timing = LoopTiming(heartbeat_ms=bus.heartbeat_ms, hello_ms=bus.hello_ms, drain_ms=bus.drain_ms)
        loop = Loop(runner, transport, timing, answer=requests.answer, each_second=self._check_parent)
        self._obey_signals(loop)
        runner.begin(begins_run=BEGINS_RUN in os.environ)
        runner.open()  # what is heard from here on may ask something of the driver
        for link in transport.links:
            runner.join(link.source)
        self.log.info("begun", epoch=runner.runtime.epoch, seq=runner.runtime.seq, recovered=runner.runtime.recovered)
        if self.starts and runner.runtime.phase == 0:
            self._start(runner)
        # What lives now lives to the end: the collector need not walk over it again and again.
        gc.collect()
        gc.freeze()
        if self.profile.service(self.spec.name).cpu is not None:
            collapse()
            shorten_time_slice(loop=not isinstance(runner.driver, AsyncDriver))
        sys.setswitchinterval(INTERPRETER_S)
        loop.run()
        runner.close()
        transport.close()
        self.log.info("ended")
        return 0

    def _runner(self, transport: Transport) -> Runner:
        about = {
            "build": fingerprint(self.spec, self.config),
            "schemas": {topic: BY_TOPIC[topic].schema for topic in (*self.spec.hears, *self.spec.says)},
            "settings": self.profile.effective({self.spec.name: self.config}),
        }
        if self.spec.name in approvals.HOLDERS:
            about["approvals"] = approvals.name_of(approvals.key_of(self.context))
        return Runner(
            self.spec,
            self.context,
            self.config,
            clock=time.monotonic_ns,
            transport=transport,
            about=about,
        )

    def _missing(self, runner: Runner, transport: PolledTransport) -> tuple[str, ...]:
        """The senders of which nothing has been heard yet, and what the handler itself still waits for."""
        connected = {base(source) for source in runner.runtime.connected}
        senders = tuple(link.source for link in transport.links if link.source not in connected)
        return senders + runner.handler.waits_for

    def _start(self, runner: Runner) -> None:
        """What `kitev3 start` would send."""
        start = self.profile.start or datetime.now(UTC)
        now_ns = time.monotonic_ns()
        reached_ns = max(datetime_ns(start), runner.runtime.market_ns(now_ns))
        runner.control(MarketClock.at_speed(reached_ns, now_ns, self.profile.speed).payload())
        runner.control(Start(self.context.session))

    def _obey_signals(self, loop: Loop) -> None:
        def stop(number: int, frame: FrameType | None) -> None:
            loop.stop()

        signal.signal(signal.SIGTERM, stop)
        # A Ctrl-C goes to all of a terminal's processes; under a supervisor it is he who ends us, in order.
        signal.signal(signal.SIGINT, signal.SIG_IGN if self._parent else stop)

    def _check_parent(self) -> None:
        if self._parent and os.getppid() != self._parent:
            os.kill(os.getpid(), signal.SIGTERM)

    def _report(self, runner: Runner, error: Exception) -> None:
        """The last line of the log: what it died of."""
        topic, source, event_id = runner.runtime.in_hand or ("", "", "")
        self.log.critical(
            "handler raised" if event_id else "died",
            error=f"{type(error).__name__}: {error}",
            event_id=event_id,
            topic=topic,
            source=source,
            trace=traceback.format_exc(),
        )
        print(f"{self.spec.name}: {type(error).__name__}: {error}", file=sys.stderr)


if __name__ == "__main__":
    main()
