"""The `fanfold` command: thin, quick to answer, one line when something is wrong."""

import json
import logging
import sys
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any, NoReturn

import click

from fanfold import __version__
from fanfold.errors import FanfoldError, InputError

BAD_INPUT = 2
FAILURE = 1


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


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Options that every command takes."""
    with_debug = click.option("--debug", is_flag=True, help="Show tracebacks.")(command)
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout."
    )(with_debug)


def _guarded(work: Callable[[Context], None], *, as_json: bool, debug: bool) -> None:
    context = Context(as_json=as_json, debug=debug)
    _log_to_stderr()
    try:
        work(context)
    except FanfoldError as error:
        context.fail(error)
    except KeyboardInterrupt:
        context.warn("stopped; what was finished is kept, the same command goes on from there")
        sys.exit(130)


def _log_to_stderr() -> None:
    """What takes long says so: compiling, on a first run."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("fanfold: %(message)s"))
    logger = logging.getLogger("fanfold")
    logger.handlers[:] = [handler]
    logger.setLevel(logging.INFO)


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fanfold")
def main() -> None:
    """Backtests by the thousand, and the same code on live markets.

    \b
    Start with:
      fanfold run configs/demo.yaml        sweep three strategies over real data
      fanfold run configs/backtest.yaml    run one strategy once
      fanfold run configs/execution.yaml   the same with a desk's orders, costs and limits
      fanfold data list                    what data is at hand
    """  # noqa: D301  (click reads the escape itself)


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option(
    "--workers", type=click.IntRange(min=0), help="Processors; 0 runs in this process, no Ray."
)
@click.option("--address", help="Ray cluster to run on; a local one is started by default.")
@click.option("--no-track", is_flag=True, help="Do not write to MLflow.")
@_common
def run(
    config: Path,
    overrides: tuple[str, ...],
    workers: int | None,
    address: str | None,
    *,
    no_track: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Run the job that a YAML file describes.

    \b
    Examples:
      fanfold run configs/sweep.yaml --workers 0
      fanfold run configs/backtest.yaml --set strategy.params.fast=20 --no-track
      fanfold run configs/sweep.yaml --set data.symbols='[IBM]' --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.settings import read_settings
        from fanfold.workflows.close import run_job

        changes = [*overrides]
        if workers is not None:
            changes.append(f"run.workers={workers}")
        if address is not None:
            changes.append(f"run.address={json.dumps(address)}")
        if no_track:
            changes.append("track.enabled=false")
        closed = run_job(read_settings(config, changes), context.say, context.warn)
        context.say(f"{closed.seconds:.1f} s")
        context.end(asdict(closed))
        if closed.status == "incomplete":
            sys.exit(FAILURE)

    _guarded(work, as_json=as_json, debug=debug)


@main.command()
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where the report goes.")
@click.option("--pdf", is_flag=True, help="Print it as PDF beside it; needs Chromium.")
@_common
def report(
    runs: tuple[str, ...], folder: Path | None, *, pdf: bool, as_json: bool, debug: bool
) -> None:
    """Draw the report of a tracked run, or a page that compares several.

    A run is named by its id, the start of it, or its name.

    \b
    Examples:
      fanfold report 3f2a
      fanfold report 3f2a 81bc --pdf
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.report import report_job

        files = report_job(runs, folder, pdf=pdf)
        for file in files:
            context.say(f"report  {file}")
        context.end({"status": "ok", "artifacts": [str(file) for file in files]})

    _guarded(work, as_json=as_json, debug=debug)


@main.group()
def data() -> None:
    """Look at the data at hand."""


@data.command("list")
@click.option(
    "--folder", type=click.Path(path_type=Path), help="A store; the local one by default."
)
@_common
def list_(folder: Path | None, *, as_json: bool, debug: bool) -> None:
    """List the datasets of a store: symbols, period, basis and what was set aside."""

    def work(context: Context) -> None:
        from fanfold.workflows.data import list_lines

        lines, content = list_lines(folder)
        for line in lines:
            context.say(line)
        context.end({"status": "ok", "datasets": content})

    _guarded(work, as_json=as_json, debug=debug)


if __name__ == "__main__":
    main()
