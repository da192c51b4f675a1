"""What every request passes: its shape, its keys, what goes wrong on purpose, its rate."""

from fanfold.venue.server.gate.gate import middlewares
from fanfold.venue.server.gate.keys import ACCOUNT, OWN_ROOM, plain_path

__all__ = ["ACCOUNT", "OWN_ROOM", "middlewares", "plain_path"]
