"""One session of a profile: every process up, the market started, everything drained, the summary written.

    processes, ready, clock, start (hearers first, the market last), armed on kitesim, …, stop (the market first)

A session ends after its seconds, at the market's end, at a signal, or when a service has given up; however it ends,
what is on its way is finished first and every process is waited for.
"""

from __future__ import annotations

import asyncio
import itertools
import signal
import time
from collections.abc import Iterable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

from kitev3.account.account import account_folder
from kitev3.account.arming import arm
from kitev3.account.latch import Latch, LatchState
from kitev3.calendar import IST
from kitev3.contracts import WORDS_MAX, Start, Stop
from kitev3.control import Command, Control, Health
from kitev3.errors import ConfigError, Refused
from kitev3.runtime.clock import NS, MarketClock, datetime_ns, machine_ns
from kitev3.runtime.registry import markets, spec, start_order, stop_order
from kitev3.system.preflight import Plan
from kitev3.system.private import write_whole
from kitev3.system.resources import cpu_s, resident_mb
from kitev3.system.restarts import Death
from kitev3.system.summary import ProcessUse, Summary, Tally, unheard
from kitev3.system.supervisor import Supervisor
from kitev3.system.table import Row, View, note

READY_S_MAX = 60.0  # a start takes some seconds; on a small machine that is busy, many
READY_ASK_S = 0.05
LOOK_S = 1.0  # how often a running system is asked and shown
SILENT_S_MAX = 3.0  # without an answer; seen at a look, which waits for answers itself: HALTED within 4 s
HEALTH_MS_MAX = 500  # a process that is slower than this is shown as silent, not waited for
DRAIN_S_MAX = 10.0  # of one service: what takes longer is said to be stuck
DRAIN_ASK_S = 0.02
STILL_S = 0.1  # longer than a frame of the exchange's takes through a socket on this machine
LATE_MS_MIN = 500  # of machine time by which a market that slow hearers hold up is called late
END_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


class Session:
    """Runs a plan once. Every step is a method, in the order in which they happen."""

    def __init__(self, plan: Plan, view: View) -> None:
        self.plan, self.view = plan, view
        self.profile = plan.profile
        self.names = tuple(plan.commands)
        self.troubles: list[str] = []  # what makes the exit code 1
        self.market = next(iter(markets(self.names)), "")
        self.tally = Tally(self.names)
        self.control = Control(plan.folder)
        self.rows = [Row(name) for name in self.names]
        self.clock: MarketClock | None = None
        self._start_ns = datetime_ns(plan.start)
        self._answered_s: dict[str, float] = {}
        self._silent: set[str] = set()
        self._end = asyncio.Event()
        self._why = ""
        self._cpu_s: dict[int, float] = {}
        self._resident_mb: dict[str, float] = {}
        self._seconds = 0.0
        self._lost = 0
        self._drained: set[str] = set()
        self._complete = False

    async def run(self) -> None:
        """The whole session; ConfigError when a service refuses before the market has started."""
        loop = asyncio.get_running_loop()
        self.supervisor = Supervisor(
            self.plan.folder,
            self.plan.commands,
            self.plan.environment,
            stop_s_max=self.profile.bus.stop_ms_max / 1000 + 1,
            died=self._died,
            asked=lambda name: spec(name).asked(self.plan.folder.path),
        )
        loop.set_exception_handler(self._failed)
        # What we were told to ignore, by nohup or a shell's &, stays ignored.
        ends = [number for number in END_SIGNALS if signal.getsignal(number) is not signal.SIG_IGN]
        for number in ends:
            loop.add_signal_handler(number, self._finish, number.name)
        try:
            for name in self.names:
                self.supervisor.start(name)
            await self._until_ready()
            await self._start()
            await self._watch()
            await self._stop()
            await self._end_processes()
        except ConfigError:
            raise
        except Exception:
            self._halt()  # a bug of ours: nobody looks after the services from here on
            raise
        finally:
            await self.supervisor.close()
            self.control.close()
            for number in ends:
                loop.remove_signal_handler(number)
        self.summary = self._summed_up()

    # --- start --------------------------------------------------------------------------------------------------------

    async def _until_ready(self) -> None:
        """Asks everyone every 50 ms; what is missing after a minute is named."""
        until = time.monotonic() + READY_S_MAX
        while not self._end.is_set():
            healths = await self._healths()
            self._refuse_early()
            late = {name: healths.get(name) for name in self.names if not _is_ready(healths.get(name))}
            if not late:
                # Where an earlier run of this folder had come to: no market time comes twice.
                self._start_ns = max(self._start_ns, *(health.market_ns for health in healths.values()))
                return
            if time.monotonic() > until:
                raise ConfigError("not ready: " + "; ".join(_lateness(name, health) for name, health in late.items()))
            await self._wait(READY_ASK_S)

    def _refuse_early(self) -> None:
        """Before the start a service that refuses, or gives up, is a start that never was."""
        for name, why in self.supervisor.given_up().items():
            raise ConfigError(f"{name} {why}")

    async def _start(self) -> None:
        if self._end.is_set():
            return
        self.supervisor.begins_run = False
        self.clock = MarketClock.at_speed(self._start_ns, machine_ns(), self.profile.speed)
        await self._send(self.names, self.clock.payload())
        for name in start_order(self.names):
            await self._send((name,), Start(self.plan.session))
        if self.profile.arm:
            await self._arm()

    async def _arm(self) -> None:
        by = f"profile {self.profile.name}"
        try:
            failed = await asyncio.to_thread(arm, self.control, self.names, self._account(), by, over_held=False)
        except Refused as refused:
            self.view.say(str(refused))
            return
        self._count_failed("arm", failed)
        if not failed:
            self.view.say(f"armed by {by}: {self.profile.account} on {self.profile.exchange}")

    # --- while it runs ------------------------------------------------------------------------------------------------

    async def _watch(self) -> None:
        """Asks and shows once a second until something ends the session."""
        assert self.clock is not None or self._end.is_set()
        begin = time.monotonic()
        until = begin + self.plan.seconds_max if self.plan.seconds_max is not None else None
        looks = itertools.count(begin, LOOK_S)
        while not self._end.is_set():
            await self._look(time.monotonic() - begin)
            if self.tally.status(self.market).get("ended") or (until is not None and time.monotonic() >= until):
                break
            now = time.monotonic()
            then = next(look for look in looks if look > now)  # what answering took is no longer waited for
            await self._wait((then if until is None else min(then, until)) - now)
        self._seconds = time.monotonic() - begin

    async def _look(self, seconds: float) -> None:
        healths = await self._healths()
        self._notice_silence(healths)
        self._count_cpu()
        down = self.supervisor.given_up()
        for row in self.rows:
            restarts = len(self.supervisor.pids[row.name]) - 1
            row.update(healths.get(row.name), self.supervisor.pid(row.name), restarts, row.name in down, machine_ns())
        for news in self.tally.news():
            self.view.say(news)
        self.view.show(self.rows, self.tally.lines(live=True), self._market_time(), seconds)
        await self._start_again(healths)

    async def _start_again(self, healths: Mapping[str, Health]) -> None:
        """A service that died before its start was on its tape hears it now; any other has it on its tape."""
        assert self.clock is not None
        for name, health in healths.items():
            if health.state == "ready" and health.ready and not self._end.is_set():
                await self._send((name,), self.clock.payload())
                await self._send((name,), Start(self.plan.session))

    def _notice_silence(self, healths: Mapping[str, Health]) -> None:
        """Whatever keeps a service of the order path from answering: without it no order may leave."""
        now_s = time.monotonic()
        for name in (name for name in self.names if spec(name).order_path):
            if name in healths:
                self._answered_s[name] = now_s
                self._silent.discard(name)
            elif now_s - self._answered_s.setdefault(name, now_s) >= SILENT_S_MAX and name not in self._silent:
                self._silent.add(name)
                self._halt()
                how = "is silent" if self.supervisor.pid(name) is not None else "is gone"
                self.view.say(f"{name} {how} for {SILENT_S_MAX:.0f} s: HALTED; `kitev3 arm` once it answers")
                self._trouble(f"{name} {how} for {SILENT_S_MAX:.0f} s")

    def _died(self, death: Death) -> None:
        row = self.supervisor.restarts[death.service]
        if not row.given_up:
            self.view.say(f"{death.service} died ({death.how}) and comes back")
            return
        self.view.say(f"{death.service} stays down: {row.given_up}")
        self._trouble(f"{death.service} {row.given_up}")
        if self.clock is not None or spec(death.service).order_path:
            # Before the start nothing has traded: a typing error costs a helper nothing, the order path no alarm.
            self._halt(held=self.clock is not None)
        self._finish(f"{death.service} stays down")

    def _failed(self, loop: asyncio.AbstractEventLoop, context: Mapping[str, Any]) -> None:
        """An error that nobody was there to hear: it ends the session, HALTED."""
        error = context.get("exception")
        what = f"{type(error).__name__}: {error}" if error is not None else str(context["message"])
        self._trouble(f"up failed: {what}")
        self._halt()
        self._finish(what)
        loop.default_exception_handler(dict(context))

    def _halt(self, *, held: bool = True) -> None:
        """No order may leave a system that has lost a part: the latch first, it needs nobody's answer."""
        if not self._account().is_dir():
            return  # no account has been opened yet, so nothing could be armed
        latch = Latch(self._account())
        latch.lower(LatchState.HALTED, held=held)
        latch.close()

    # --- the end ------------------------------------------------------------------------------------------------------

    async def _stop(self) -> None:
        """The market first, then along the stream; each has finished before the next is asked to."""
        if self.clock is None:
            return
        for name in stop_order(self.names):
            if self.supervisor.pid(name) is not None:
                await self._send((name,), Stop(self._why[:WORDS_MAX] or "the session is over"))
                await self._until_drained(name)
            if name == self.market:
                for hearer in (other for other in self.names if spec(other).rank == spec(name).rank + 1):
                    await self._until_still(hearer)
        healths = await self._until_heard()
        lost = unheard(healths, self.names)
        for (hearer, topic), count in lost.items():
            self._trouble(f"{hearer} never heard {count} of {topic}")
        self._lost = sum(lost.values())
        heard = self._drained - {hearer for hearer, _ in lost}
        self._complete = all(name in heard for name in self.names if spec(name).complete)

    async def _until_drained(self, name: str) -> None:
        until, last = time.monotonic() + DRAIN_S_MAX, ""
        while time.monotonic() < until:
            health = (await self._healths((name,))).get(name)
            last = (note(health) or f"it is {health.state}") if health is not None else "does not answer"
            if health is None and self.supervisor.pid(name) is None:
                return  # it has ended already; what it lacks shows in the count of what was not heard
            if health is not None and health.state == "stopped":
                self._drained.add(name)
                return
            await asyncio.sleep(DRAIN_ASK_S)
        self._trouble(f"{name} did not finish within {DRAIN_S_MAX:.0f} s: {last}")

    async def _until_still(self, name: str) -> None:
        """Until what the market has sent last has been read off the socket: when nothing more comes for a moment."""
        until, before = time.monotonic() + DRAIN_S_MAX, -1
        while time.monotonic() < until:
            health = (await self._healths((name,))).get(name)
            now = -1 if health is None else health.seq + sum(health.counters.values())
            if health is None or now == before:
                return
            before = now
            await asyncio.sleep(STILL_S)

    async def _until_heard(self) -> dict[str, Health]:
        """Everyone's health once everything said has been applied, or when waiting longer brings nothing."""
        until = time.monotonic() + DRAIN_S_MAX
        while True:
            healths = await self._healths()
            if not unheard(healths, self.names) or time.monotonic() > until:
                return healths
            await asyncio.sleep(DRAIN_ASK_S)

    async def _end_processes(self) -> None:
        self._count_cpu()
        for name in self.names:
            if (pid := self.supervisor.pid(name)) is not None:
                self._resident_mb[name] = resident_mb(pid)
        for name in sorted(stop_order(self.names), key=lambda name: name == self.market):  # the others to their end
            self._count_cpu()
            await self.supervisor.stop(name)

    def _summed_up(self) -> Summary:
        for trouble in self.tally.troubles():
            self._trouble(trouble)
        pids = {name: self.supervisor.pids[name] or [0] for name in self.names}
        processes = {
            name: ProcessUse(
                pid=mine[-1],
                rss_mb=round(self._resident_mb.get(name, 0.0), 1),
                cpu_s=round(sum(self._cpu_s.get(pid, 0.0) for pid in mine), 2),
                restarts=len(mine) - 1,
            )
            for name, mine in pids.items()
        }
        summary = Summary(
            profile=self.profile.name,
            mode=self.profile.mode,
            market=Path(self.profile.market).name,
            speed=self.profile.speed,
            seed=self.profile.seed,
            started=self.plan.started.isoformat(timespec="milliseconds"),
            seconds=round(self._seconds, 3),
            exit=1 if self.troubles else 0,
            messages_lost=self._lost,
            complete=self._complete,
            processes=processes,
            figures=self.tally.figures(),
            gaps_seen=self.tally.counter("gaps_seen"),
            gaps_filled=self.tally.counter("gaps_filled"),
        )
        write_whole(self.plan.folder.summary, summary.written() + b"\n")
        return summary

    # --- what all steps use -------------------------------------------------------------------------------------------

    def _finish(self, why: str) -> None:
        self._why = self._why or why
        self._end.set()

    def _trouble(self, what: str) -> None:
        if what not in self.troubles:
            self.troubles.append(what)

    async def _wait(self, seconds: float) -> None:
        """Sleeps, or less when the session is to end."""
        try:
            async with asyncio.timeout(seconds):
                await self._end.wait()
        except TimeoutError:
            return

    async def _healths(self, names: Iterable[str] | None = None) -> dict[str, Health]:
        running = [name for name in (names or self.names) if self.supervisor.pid(name) is not None]
        healths = await asyncio.to_thread(self.control.health, running, HEALTH_MS_MAX)
        self.tally.add(healths)
        return healths

    async def _send(self, names: Iterable[str], command: Command) -> None:
        failed = await asyncio.to_thread(self.control.send, tuple(names), command, "up")
        self._count_failed(type(command).__name__.lower(), failed)

    def _count_failed(self, deed: str, failed: Mapping[str, str]) -> None:
        for name, why in failed.items():
            self.view.say(f"{name}: {deed}: {why}")
            self._trouble(f"{name}: {deed}: {why}")

    def _account(self) -> Path:
        profile = self.profile
        return account_folder(profile.account, profile.user_id, self.plan.folder.path, self.plan.environment)

    def _count_cpu(self) -> None:
        for name in self.names:
            pid = self.supervisor.pid(name)
            if pid is not None:
                self._cpu_s[pid] = max(self._cpu_s.get(pid, 0.0), cpu_s(pid))

    def _market_time(self) -> str:
        assert self.clock is not None
        at = datetime.fromtimestamp(self.clock.at_ns(machine_ns()) / NS, IST)
        lag_ms = self.tally.status(self.market).get("market_lag_ms", 0)
        return f"{at:%Y-%m-%d %H:%M:%S}{lateness(lag_ms, self.profile.speed)}"


def lateness(market_lag_ms: int, speed: float) -> str:
    """By how much the market is behind its clock, once that is more than its own rhythm: its hearers are slow."""
    if market_lag_ms <= speed * LATE_MS_MIN:
        return ""
    return f" ({market_lag_ms / 1000:,.0f} s behind: its hearers are slow)"


def _is_ready(health: Health | None) -> bool:
    return health is not None and health.ready


def _lateness(name: str, health: Health | None) -> str:
    if health is None:
        return f"{name} does not answer"
    missing = ", ".join(health.missing)
    return f"{name} is {health.state}" + (f" and waits for {missing}" if missing else "")
