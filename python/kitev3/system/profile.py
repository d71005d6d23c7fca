"""Configuration: defaults, then a profile's TOML file, then the environment, then the command line; read at the door.

A profile states only what differs from the defaults. Below the door everything is a frozen dataclass or an argument.
An unknown key is an error that names the file, the key and the nearest known one: a limit with a typing error in its
name must never be a limit that silently does not exist.

    profile = load("demo", overrides={"seed": 7})
    risk = profile.settings("risk", Limits)                     # any table as any frozen dataclass
    mine = profile.settings("marketdata", SERVICE.config)

``KITEV3_<TABLE>_<KEY>`` overrides a table's key and ``KITEV3_<KEY>`` one of the profile itself. A text setting takes
the variable as it stands, any other reads it as a TOML value (``KITEV3_BUS_HEARTBEAT_MS=500``, ``KITEV3_SPEED=60``).
"""

from __future__ import annotations

import dataclasses
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from ipaddress import ip_address
from pathlib import Path
from types import MappingProxyType
from typing import Annotated, Any, Literal, TypeAlias, TypeVar

import msgspec

from kitev3 import calendar
from kitev3.account.secret import NAMES as SECRETS
from kitev3.account.secret import refuse_secrets
from kitev3.errors import ConfigError
from kitev3.system import settings
from kitev3.system.settings import Count, location

Mode: TypeAlias = Literal["live", "paper", "sim", "backtest"]
Broker: TypeAlias = Literal["kitesim", "zerodha"]
T = TypeVar("T")

LIBRARY = Path(__file__).parents[1]
PROFILES = LIBRARY / "profiles"
SERVICES = LIBRARY / "services"
PREFIX = "KITEV3_"
ELSEWHERE = ("RUN_DIR", "PARENT", "BEGINS_RUN", "CORES", "DATA", "APPROVAL_FD")
"""Variables that are no settings: the run folder, the supervisor's pid, whether its run begins, and its cores, where
tests find real days, and the end of the pipe that holds the key of approvals."""
BEGINS_RUN = f"{PREFIX}BEGINS_RUN"
SPEED_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class ServiceSettings:
    """What every service's table may say; a service's own settings are the fields of a subclass."""

    enabled: bool = True
    cpu: Annotated[int, msgspec.Meta(ge=0)] | None = None  # pinned to this core; None: wherever the kernel likes


@dataclass(frozen=True, slots=True, kw_only=True)
class BusConfig:
    """How the processes talk. Machine time throughout: what waits for a socket never follows the market's clock."""

    fetch: Literal["file", "request"] = "file"  # what is missing of a source: from its tape's file, or asked of it
    high_water: Count = 100_000  # messages a socket holds before PUB drops and PUSH is left to the tape
    heartbeat_ms: Count = 1_000
    hello_ms: Count = 50  # between heartbeats until control.start, so that hearers find their senders quickly
    drain_ms: Count = 10  # the gate and execution look at their SUB at least this often
    answer_ms_max: Count = 1_000  # a source that has not answered by then does not answer
    stop_ms_max: Count = 2_000  # SIGTERM drains and ends within this


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """A way to run the whole system: which services, on which account, with which market, under which settings.

    The services that run are those whose table the profile has, unless the table says ``enabled = false``.
    """

    name: str
    mode: Mode = "sim"
    account: Broker = "kitesim"
    user_id: Annotated[str, msgspec.Meta(pattern="^[A-Za-z0-9]{1,16}$")] = "KS0001"
    api_key: str = "kitesim"  # names the application to the broker; no secret
    token_file: str = location()  # of the access token, mode 0400; empty: `token` in the run folder
    exchange: str = location("127.0.0.1:0")  # where kitesim listens; port 0 takes a free one
    market: str = "synthetic"  # or frozen, or the path of a CSV of time and value
    calendar: str = location()  # a file of dated rows that are laid over the shipped ones; its content is on the tape
    seed: Annotated[int, msgspec.Meta(ge=0, le=2**63 - 1)] = 1
    speed: Annotated[float, msgspec.Meta(ge=0.001, le=SPEED_MAX)] = 1.0  # market seconds in a second of the machine's
    fresh: bool = False  # each run begins with an empty folder; what an earlier one left is put aside
    arm: bool = False  # lets entries pass by itself after the start; only against kitesim on this machine
    start: datetime | None = None  # market time of the session's start; None: the market's own 09:15, or now
    bus: BusConfig = BusConfig()
    file: Path = field(default=Path("<defaults>"), metadata={"tape": False})
    tables: Mapping[str, Mapping[str, Any]] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, metadata={"tape": False}
    )
    variables: Mapping[str, str] = field(
        default_factory=lambda: MappingProxyType({}), repr=False, metadata={"tape": False}
    )

    @property
    def enabled(self) -> tuple[str, ...]:
        """The services that this profile runs."""
        services = known_services()
        return tuple(name for name in self.tables if name in services and self.service(name).enabled)

    @property
    def account_id(self) -> str:
        """``<broker>-<user_id>``: names what must be true once per account."""
        return f"{self.account}-{self.user_id}"

    def cores(self, name: str, machine: frozenset[int]) -> frozenset[int]:
        """The cores of *machine* that a service may run on: its own one if it is pinned, else all that nobody is
        pinned to. Where the order path shares one core, waking the next process costs a twentieth of what it costs
        across cores, unless something else is in its way. An empty name: everything that is no service.
        """
        pinned = frozenset(core for other in self.enabled if (core := self.service(other).cpu) is not None) & machine
        rest = machine - pinned
        if not rest:
            return machine  # a machine with one core, or with all of them taken: the kernel knows best
        mine = self.service(name).cpu if name else None
        return frozenset((mine,)) if mine in machine else rest

    def service(self, name: str) -> ServiceSettings:
        """The settings that every service has; its own are left to the process that knows their types."""
        mine = settings.keys(ServiceSettings)
        table = {key: value for key, value in self._table(name).items() if key in mine}
        variables = {key: row for key, row in self._variables(name).items() if key in mine}
        return settings.read(ServiceSettings, table, self._where(name), variables)

    def settings(self, table: str, kind: type[T]) -> T:
        """A table as the frozen dataclass *kind*. A service's need not have the common settings itself.

        Raises ConfigError naming file, table and key for an unknown key or a value of another type.
        """
        common = (
            settings.keys(ServiceSettings).keys() - settings.keys(kind).keys() if table in known_services() else set()
        )
        given = {key: value for key, value in self._table(table).items() if key not in common}
        variables = {key: row for key, row in self._variables(table).items() if key not in common}
        return settings.read(kind, given, self._where(table), variables)

    def effective(self, tables: Mapping[str, Any] = MappingProxyType({})) -> dict[str, Any]:
        """What this run is, as plain sorted data for the tape's EPOCH record: less folders, addresses and secrets.

        Args:
            tables: the tables that the process has read (name -> dataclass); they are added under their names.
        """
        mine: dict[str, Any] = settings.plain(self)
        mine |= {"market": Path(self.market).name, "calendar": calendar.read(self.calendar).sha256}
        return dict(sorted((mine | settings.plain(tables)).items()))

    def _table(self, name: str) -> Mapping[str, Any]:
        return self.tables.get(name, {})

    def _where(self, table: str) -> str:
        return f"{self.file}: [{table}]"

    def _variables(self, table: str) -> dict[str, tuple[str, str]]:
        """The environment's say on one table. One whose name begins another's (risk, risk_portfolio) yields to it."""
        start = _variable(table, "")
        longer = tuple(_variable(other, "") for other in known_tables() if other.startswith(f"{table}_"))
        mine = {name: text for name, text in self.variables.items() if name.startswith(start)}
        return {
            name.removeprefix(start).lower(): (name, text)
            for name, text in mine.items()
            if not (longer and name.startswith(longer))
        }


OWN = settings.keys(Profile).keys() - {"name", "bus", "file", "tables", "variables"}
"""The settings that stand in a profile outside any table."""


def load(
    profile: str | Path,
    *,
    environment: Mapping[str, str] | None = None,
    overrides: Mapping[str, Any] = MappingProxyType({}),
) -> Profile:
    """A profile by its name, or by the path of a ``.toml`` file.

    Args:
        environment: where KITEV3_* variables are looked up; the process's own unless given.
        overrides: settings of the profile itself, from the command line, text as a variable holds it; None is none.
    """
    variables = {n: v for n, v in (os.environ if environment is None else environment).items() if n.startswith(PREFIX)}
    _check_variables(variables)
    file = find(profile)
    given = settings.toml(file, str(file))
    refuse_secrets(given, str(file))
    _check_names(given, str(file))
    hints = settings.keys(Profile)
    read = settings.read(
        Profile,
        {key: value for key, value in given.items() if key in OWN} | {"name": file.stem},
        str(file),
        {key: (name, variables[name]) for key in OWN if (name := _variable("", key)) in variables},
    )
    tables = {key: MappingProxyType(value) for key, value in given.items() if key not in OWN}
    read = dataclasses.replace(read, file=file, tables=MappingProxyType(tables), variables=MappingProxyType(variables))
    wanted = {}
    for key, value in overrides.items():
        hint = settings.known(key, hints, "command line")
        if value is not None:
            value = settings.from_text(value, hint) if isinstance(value, str) else value
            wanted[key] = settings.convert(value, hint, f"command line: {key}")
    return _agree(dataclasses.replace(read, bus=read.settings("bus", BusConfig), **wanted))


def find(profile: str | Path) -> Path:
    """The file of a profile: one of the package's by its name, or any path that ends in ``.toml``."""
    text = str(profile)
    if text.endswith(".toml"):
        return Path(text)
    names = sorted(p.stem for p in PROFILES.glob("*.toml"))
    if text not in names:
        near = settings.nearest(text, names)
        raise ConfigError(
            f"no profile {text!r}{near or '.'} There are {', '.join(names)}, or give the path of a .toml file"
        )
    return PROFILES / f"{text}.toml"


def known_services() -> tuple[str, ...]:
    """All services: the folders that hold a ``service.py``. Nothing is imported."""
    return tuple(sorted(p.parent.name for p in SERVICES.glob("*/service.py")))


def known_tables() -> tuple[str, ...]:
    """The tables that a profile may have."""
    return ("bus", "risk", *known_services())


def _check_names(given: Mapping[str, Any], file: str) -> None:
    tables = known_tables()
    for key, value in given.items():
        settings.known(key, dict.fromkeys((*OWN, *tables)), file)
        if isinstance(value, Mapping) != (key in tables):
            raise ConfigError(f"{file}: {key}: is {'a table' if key in tables else 'one value'}, write it as such")


def _check_variables(names: Iterable[str]) -> None:
    """A variable that nothing would read is as dangerous as an unknown key; one that holds a secret, more so."""
    alone = {_variable("", key) for key in (*OWN, *ELSEWHERE)}
    starts = tuple(_variable(table, "") for table in known_tables())
    for name in names:
        if name.lower().endswith(tuple(f"_{secret}" for secret in SECRETS)):
            raise ConfigError(f"environment: {name}: a secret goes into a file of mode 0400 that token_file names")
        if name not in alone and not name.startswith(starts):
            raise ConfigError(f"environment: no setting {name!r}{settings.nearest(name, (*alone, *starts))}")


def _variable(table: str, key: str) -> str:
    return (f"{PREFIX}{table}_{key}" if table else f"{PREFIX}{key}").upper()


def _agree(profile: Profile) -> Profile:
    """What no single setting can say: they must fit each other."""
    if profile.account == "kitesim" and profile.mode == "live":
        raise ConfigError(f"{profile.file}: mode: nothing on kitesim is live; use sim")
    if profile.account != "kitesim" and profile.mode == "sim":
        raise ConfigError(f'{profile.file}: mode: sim needs account = "kitesim"')
    if profile.arm and (profile.account != "kitesim" or profile.mode != "sim" or not _is_loopback(profile.exchange)):
        raise ConfigError(f"{profile.file}: arm: only pretended money on this machine arms by itself; use `kitev3 arm`")
    if profile.mode in ("live", "paper") and profile.speed != 1:
        raise ConfigError(f"{profile.file}: speed: a real market runs at speed 1, not {profile.speed:g}")
    if profile.start is not None and profile.start.tzinfo is None:
        raise ConfigError(f"{profile.file}: start: needs its time zone, as in 2026-11-19T09:20:00+05:30")
    if profile.mode == "live":
        raise ConfigError(f"{profile.file}: mode: live is not open yet, no order leaves for a broker; use sim")
    if profile.mode == "paper":
        prices = "kitesim's prices are simulated" if profile.account == "kitesim" else "its orders would be real"
        raise ConfigError(f"{profile.file}: mode: paper is not open yet, {prices}; use sim")
    return profile


def _is_loopback(address: str) -> bool:
    try:
        return ip_address(address.rpartition(":")[0].strip("[]")).is_loopback
    except ValueError:
        return False  # a name may point anywhere
