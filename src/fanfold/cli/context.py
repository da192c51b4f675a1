"""What every command has: how it speaks, how it ends, which options it takes."""

import json
import logging
import signal
import sys
from collections.abc import Callable
from typing import Any, NoReturn

import click

from fanfold.errors import FanfoldError, InputError

BAD_INPUT = 2
FAILURE = 1
STOPPED = 130


class Context:
    """What every command has: how to speak, and how to fail."""

    def __init__(self, *, as_json: bool, debug: bool) -> None:
        self.as_json = as_json
        self.debug = debug

    def say(self, line: str) -> None:
        """Show a line of the result: on stdout, or on stderr when that is for JSON."""
        click.echo(line, err=self.as_json)

    @staticmethod
    def warn(line: str) -> None:
        """Show a line about the work itself."""
        click.echo(f"fanfold: {line}", err=True)

    def end(self, content: dict[str, Any]) -> None:
        """Print the one JSON object, as the last line."""
        if self.as_json:
            click.echo(json.dumps(content))

    def fail(self, error: Exception) -> NoReturn:
        """One line and an exit code; the traceback only when it was asked for."""
        if self.debug:
            raise error
        message = " ".join(str(error).split()) or type(error).__name__
        code = BAD_INPUT if isinstance(error, InputError) else FAILURE
        self.end({"status": "failed", "error": message})
        self.warn(message)
        sys.exit(code)


def common(command: Callable[..., None]) -> Callable[..., None]:
    """Options that every command takes."""
    with_debug = click.option("--debug", is_flag=True, help="Show tracebacks.")(command)
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout."
    )(with_debug)


def guarded(work: Callable[[Context], None], *, as_json: bool, debug: bool) -> None:
    """Do a command's work; whatever ends it early ends in one line and an exit code."""
    context = Context(as_json=as_json, debug=debug)
    _log_to_stderr()
    signal.signal(signal.SIGTERM, _interrupt)  # a stopped cluster job ends like Ctrl-C
    try:
        work(context)
    except FanfoldError as error:
        context.fail(error)
    except Exception as error:  # a fault of ours: told as such, with its traceback
        context.end({"status": "failed", "error": f"{type(error).__name__}: {error}"})
        raise
    except KeyboardInterrupt:
        context.end({"status": "stopped"})
        context.warn("stopped; what was finished is kept, the same command goes on from there")
        sys.exit(STOPPED)


def _interrupt(_number: int, _frame: object) -> NoReturn:
    raise KeyboardInterrupt


def _log_to_stderr() -> None:
    """What takes long says so: compiling, on a first run."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("fanfold: %(message)s"))
    logger = logging.getLogger("fanfold")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)
