"""Where fanfold keeps what it can make again: compiled code, converted samples."""

import os
from pathlib import Path


def home() -> Path:
    """`FANFOLD_HOME`, or a folder in the user's cache directory."""
    chosen = os.environ.get("FANFOLD_HOME")
    if chosen:
        return Path(chosen).expanduser().absolute()
    cache = os.environ.get("XDG_CACHE_HOME")
    return (Path(cache) if cache else Path.home() / ".cache") / "fanfold"
