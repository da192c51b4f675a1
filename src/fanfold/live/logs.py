"""What a process writes down of itself: a JSON object a line, in files of bounded size.

Errors are written as their type and their text. A traceback could show what a variable
held, and the account's keys are taken out of every line, whoever put them there.
"""

import json
import logging
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Final

from fanfold.alpaca import credentials_found
from fanfold.errors import ConfigError
from fanfold.live.folder import Folder
from fanfold.live.trace import LOGGER

FILE_BYTES: Final = 10_000_000
"""Size at which a file of lines is put aside [bytes]."""

FILES: Final = 4
"""Files that are kept beside the current one."""

TRACE_ENDING: Final = ".trace.jsonl"
"""What the files end in that hold the steps of traces."""

TEXT_CHARACTERS_MAX: Final = 4_000
"""Longest text of a line."""

_HIDDEN: Final = "(hidden)"
_SECRET_CHARACTERS_MIN: Final = 4


class _Lines(logging.Formatter):
    """A line of JSON, without secrets."""

    def __init__(self, component: str, incarnation: int) -> None:
        super().__init__()
        self._component = component
        self._incarnation = incarnation
        self._secrets = _secrets()

    def format(self, record: logging.LogRecord) -> str:
        line = {
            "at": int(record.created * 1e9),
            "level": record.levelname.lower(),
            "component": self._component,
            "incarnation": self._incarnation,
            "where": record.name,
            "text": self._without_secrets(record.getMessage())[:TEXT_CHARACTERS_MAX],
        }
        if record.exc_info and record.exc_info[1] is not None:
            line["error"] = self._without_secrets(described(record.exc_info[1]))
        # Of a step on the way from a tick to its fills: see `fanfold.live.trace`.
        line |= record.__dict__.get("fields", {})
        return json.dumps(line)

    def _without_secrets(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _HIDDEN)
        return text


def log_to_file(folder: Folder, component: str, incarnation: int) -> None:
    """Write what fanfold has to say into the component's file, from now on.

    Steps of traces go into a file of their own, ``<component>.trace.jsonl``.
    """
    form = _Lines(component, incarnation)
    for name, file in (("fanfold", f"{component}.jsonl"), (LOGGER, f"{component}{TRACE_ENDING}")):
        handler = RotatingFileHandler(
            folder.logs / file, maxBytes=FILE_BYTES, backupCount=FILES, delay=name == LOGGER
        )
        handler.setFormatter(form)
        logger = logging.getLogger(name)
        for old in logger.handlers:
            old.close()
        logger.handlers[:] = [handler]
        logger.setLevel(logging.INFO)
        logger.propagate = False


def described(error: BaseException) -> str:
    """An error as its type and text, in one line."""
    return " ".join(f"{type(error).__name__}: {error}".split())[:TEXT_CHARACTERS_MAX]


def place_of(error: BaseException) -> str:
    """Where an error was raised: file and line, and nothing of what was there."""
    trace = error.__traceback__
    if trace is None:
        return "nowhere"
    while trace.tb_next is not None:
        trace = trace.tb_next
    return f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"


def _secrets() -> tuple[str, ...]:
    try:
        keys = credentials_found()
    except ConfigError:  # said elsewhere, by whoever needs them
        return ()
    found = () if keys is None else (keys.secret.reveal(), keys.key_id.reveal())
    return tuple(text for text in found if len(text) >= _SECRET_CHARACTERS_MIN)
