"""What the exchange alone is told: its command line, and the same as TOML."""

from __future__ import annotations

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Literal

import msgspec
from kitev3.services.kitesim.access import LOOPBACK, Access, read_addresses
from kitev3.services.kitesim.applications import Account, check_accounts, read_accounts
from kitev3.services.kitesim.faults.catalogue import read_faults, read_file
from kitev3.services.kitesim.faults.fault import Fault
from kitev3.services.kitesim.rules import list_rules, read_rules, read_words
from kitev3.system import settings
from kitev3.system.profile import SPEED_MAX
from kitev3.system.settings import location

USER = "KS0001"


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """The exchange alone. A key of the TOML file is an option of the command line with ``_`` for ``-``."""

    listen: str = "127.0.0.1:8787"
    market: str = "synthetic"
    universe: Literal["full", "house"] = "full"
    hours: Literal["", "plain", "dated", "always-open"] = ""  # the profile's own: dated, in legacy always-open
    profile: Literal["strict-2026", "legacy"] = "strict-2026"
    seed: Annotated[int, msgspec.Meta(ge=0)] = 1
    speed: Annotated[float, msgspec.Meta(gt=0, le=SPEED_MAX)] = 1.0  # market seconds in a second
    clock: str = ""
    calendar: str = location()  # a file of dated rows that are laid over the shipped ones
    frame_ms: int = 1000
    api_key: str = "kitesim"
    api_secret: str = ""
    access_token: str = ""
    user: str = USER
    account: tuple[Mapping[str, Any], ...] = ()  # of the TOML file alone: [[account]], beside the one above
    redirect_url: str = ""
    postback_url: str = ""
    postback_anywhere: bool = False
    renewable: bool = False
    static_ip: tuple[str, ...] = ()  # from where orders may come; none: in strict-2026 loopback, in legacy anywhere
    login_end: str = ""  # the rule of that name
    page: bool = True  # the operator's, where the address is this machine's alone
    state: str = ""
    admin: str = ""
    faults: str = ""
    rule: tuple[str, ...] = ()  # name=value; before those of `rules`
    rules: Mapping[str, Any] = field(default_factory=dict)  # of the TOML file alone: [rules]
    fault: tuple[Mapping[str, Any], ...] = ()  # of the TOML file alone: [[fault]]

    @property
    def kept_hours(self) -> str:
        """The hours that the exchange keeps."""
        return self.hours or ("always-open" if self.profile == "legacy" else "dated")

    @property
    def access(self) -> Access:
        """From where orders may come. ConfigError says what is wrong."""
        return Access(addresses=read_addresses(self.static_ip) or (None if self.profile == "legacy" else LOOPBACK))

    @property
    def all_rules(self) -> dict[str, Any]:
        """Those of the file, then those of the command line. ConfigError says what is wrong."""
        login = {"login_end": self.login_end} if self.login_end else {}
        words = read_rules(self.profile, login | read_words(self.rule), "rule")
        return read_rules(self.profile, self.rules) | words

    @property
    def accounts(self) -> tuple[Account, ...]:
        """The application of the options themselves, then those beside it. ConfigError says what is wrong."""
        named = {name: getattr(self, name) for name in settings.keys(Account)}
        first = settings.read(Account, named, "account", {})
        accounts = (first, *read_accounts(self.account))
        check_accounts(accounts, anywhere=self.postback_anywhere)
        return accounts

    def all_faults(self) -> tuple[Fault, ...]:
        """Those of this file, then those of the other. ConfigError says what is wrong."""
        return read_faults(list(self.fault)) + (read_file(Path(self.faults)) if self.faults else ())


class RuleList(argparse.Action):
    """Prints the rules and ends."""

    def __init__(self, option_strings: Sequence[str], dest: str, **settings: Any) -> None:
        super().__init__(option_strings, dest, nargs=0, **settings)

    def __call__(self, parser: argparse.ArgumentParser, *_: Any) -> None:
        """When the option is met."""
        print("\n".join(list_rules()))
        parser.exit()


EXAMPLES = """\
examples:
  kitev3-proc kitesim
  kitev3-proc kitesim --profile legacy --market frozen --api-key K --api-secret S --access-token T
  kitev3-proc kitesim --clock 2026-11-23T15:00 --speed 10             the end of an expiry day, in a few minutes
  kitev3-proc kitesim --admin 127.0.0.1:8788 --rule open_frames=true  with faults to switch, and a rule set
  kitev3-proc kitesim --state ~/kitesim                               orders survive a restart

With --config or --run-dir it is a service of a system instead, with the profile's market and clock."""


def parser() -> argparse.ArgumentParser:
    """The command line. What is not given is not in the result."""
    line = argparse.ArgumentParser(
        prog="kitev3-proc kitesim",
        description="A local exchange that speaks Kite Connect v3: REST and WebSocket on one port, pretended money.",
        epilog=EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        argument_default=argparse.SUPPRESS,
    )
    line.add_argument(
        "--settings",
        metavar="FILE",
        help="TOML with these options as keys and [[account]] for more users; the command line goes first",
    )
    line.add_argument("--listen", metavar="HOST:PORT", help="port 0 takes a free one (127.0.0.1:8787)")
    line.add_argument(
        "--market",
        help="synthetic, frozen, a CSV of time and value or of minute bars, plain or gzipped, or a folder with"
        " marketdata's tape (synthetic)",
    )
    line.add_argument("--universe", help="full: some 3,150 instruments; house: some twenty (full)")
    line.add_argument("--hours", help="dated, plain or always-open (dated; in the profile legacy always-open)")
    line.add_argument("--profile", help="strict-2026 or legacy (strict-2026)")
    line.add_argument("--seed", type=int)
    line.add_argument("--speed", type=float, help="market seconds in a second (1)")
    line.add_argument("--clock", metavar="YYYY-MM-DDTHH:MM", help="market time of the start, IST")
    line.add_argument(
        "--calendar", metavar="FILE", help="dated rows that are laid over the shipped ones: docs/calendar.md"
    )
    line.add_argument("--frame-ms", type=int, help="market time between two frames (1000)")
    line.add_argument("--api-key", help="(kitesim)")
    line.add_argument("--api-secret", help="a random one unless given")
    line.add_argument("--access-token", help="a random one unless given")
    line.add_argument("--user", help=f"({USER})")
    line.add_argument("--redirect-url", help="where the login leads; a page of its own unless given")
    line.add_argument("--postback-url", help="where updates of orders are posted; nowhere unless given")
    line.add_argument("--postback-anywhere", action="store_true", help="also at another machine")
    line.add_argument("--renewable", action="store_true", help="a login gives a refresh token too")
    line.add_argument(
        "--static-ip",
        action="append",
        metavar="ADDRESS",
        help="orders come from there alone; again for another (loopback; in the profile legacy from anywhere)",
    )
    line.add_argument("--login-end", metavar="HH:MM", help="market time at which tokens die: the rule login_end")
    line.add_argument(
        "--rule",
        action="append",
        metavar="NAME=VALUE",
        help="a rule that is not the profile's; again for another. --rules lists them, docs/kitesim-rules.md explains",
    )
    line.add_argument("--rules", action=RuleList, help="print every rule with its values in the profiles, and end")
    line.add_argument("--no-page", dest="page", action="store_false", help="without the operator's page at /_sim")
    line.add_argument("--state", metavar="DIR", help="the exchange's memory: with it orders survive a restart")
    line.add_argument("--admin", metavar="127.0.0.1:PORT", help="where faults are switched; off unless given")
    line.add_argument("--faults", metavar="FILE", help="TOML of [[fault]]: those from the beginning")
    return line


def read_options(arguments: Sequence[str]) -> Options:
    """The options of a command line and of the file that it names. ConfigError names the culprit."""
    given = vars(parser().parse_args(arguments))
    file = given.pop("settings", "")
    table = settings.toml(Path(file), f"settings: {file}") if file else {}
    filed = settings.read(Options, table, f"settings: {file}", {})
    # Each of them was checked where it was written; so an error below is the command line's.
    return settings.read(Options, _plain(filed) | given, "command line", {})


def _plain(options: Options) -> dict[str, Any]:
    fields = settings.keys(Options)
    values = {name: getattr(options, name) for name in fields}
    own = {"fault": list(options.fault), "account": list(options.account), "rules": dict(options.rules)}
    return values | own
