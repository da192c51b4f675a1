"""What market data begin with: what is subscribed to, and which step was told last."""

from typing import Final

import msgspec
import numpy as np

from fanfold.alpaca.wire.messages import Subscribe
from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.messages import MARKET_DATA, UNREADABLE
from fanfold.live.plan import Plan

_MARK: Final = f"{MARKET_DATA}.json"


def wanted_by(plan: Plan) -> Subscribe:
    """What a deployment subscribes to.

    Raises:
        ConfigError: Its assets are of two classes: each has a stream of its own.
    """
    classes = sorted({asset.asset_class for asset in plan.assets})
    if len(classes) != 1:
        raise ConfigError(
            f"the assets of a deployment must be of one class, were of {', '.join(classes)}"
        )
    market, symbols = plan.settings.market, plan.symbols
    is_coins = classes == ["crypto"]
    has_bars = market.clock == "bars" and market.bars == "venue"
    return Subscribe(
        trades=symbols,
        quotes=symbols,
        orderbooks=symbols if is_coins and market.depth else (),
        bars=symbols if has_bars else (),
        updated_bars=symbols if has_bars else (),
        statuses=() if is_coins else symbols,
    )


def told_until(folder: Folder) -> int:
    """End of the last step that was told, else of the warm-up's last bar, else 0 [ns UTC]."""
    try:
        return msgspec.json.decode((folder.snapshots / _MARK).read_bytes(), type=int)
    except (OSError, *UNREADABLE):
        pass  # none was told yet, or the file is of no use: the warm-up's end is the safe one
    try:
        with np.load(folder.warm_up, allow_pickle=False) as held:
            ends = held["ts"]
            return int(ends[-1]) if len(ends) else 0
    except (OSError, ValueError, KeyError, EOFError):
        return 0


def note_told(folder: Folder, end: int) -> None:
    """Note the last step that all receivers took.

    It outlasts this process; after a crash of the machine an older one is found, whose steps
    are told again, and receivers know them by their ends.
    """
    beside = folder.snapshots / f".{_MARK}"
    beside.write_bytes(msgspec.json.encode(end))
    beside.replace(folder.snapshots / _MARK)
