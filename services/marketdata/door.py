"""Which broker marketdata listens to, and where it is."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from pathlib import Path

from kitev3.broker.readonly import ReadOnlyKite
from kitev3.calendar import read
from kitev3.runtime.registry import spec
from kitev3.runtime.service import Asked, Context
from kitev3.services.marketdata.config import MarketdataConfig
from kitev3.services.marketdata.driver import Feed
from kitev3.services.marketdata.subscription import Wanted
from kitev3.system.profile import Profile
from kitev3.system.runfolder import RunFolder

KITE_REST = "https://api.kite.trade"
KITE_SOCKET = "wss://ws.kite.trade"


def feed(context: Context, config: MarketdataConfig) -> Feed:
    """The feed of the profile's account: Kite itself, or the exchange that runs in this run folder."""
    profile = context.whole()
    folder = RunFolder(context.run_dir)
    rest, socket = KITE_REST, KITE_SOCKET
    if profile.account == "kitesim":
        address = folder.read_run().exchange
        rest, socket = f"http://{address}", f"ws://{address}/"
    asked = (one for name in profile.enabled for one in _asks(name, profile))
    return Feed(
        config,
        api_key=profile.api_key,
        token_file=Path(profile.token_file) if profile.token_file else folder.token,
        reader=lambda token: ReadOnlyKite(api_key=profile.api_key, access_token=token, root=rest),
        url=socket,
        today=date.fromisoformat(context.session),
        kept=context.run_dir / "instruments",
        wanted=Wanted(config.instruments, config.bars, asked, read(profile.calendar)),
    )


def _asks(name: str, profile: Profile) -> Iterable[Asked]:
    declared = spec(name)
    return declared.asks(profile.settings(name, declared.config))
