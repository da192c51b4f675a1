"""The `fanfold` command: thin, quick to answer, one line when something is wrong."""

import json
import logging
import signal
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


def _common(command: Callable[..., None]) -> Callable[..., None]:
    """Options that every command takes."""
    with_debug = click.option("--debug", is_flag=True, help="Show tracebacks.")(command)
    return click.option(
        "--json", "as_json", is_flag=True, help="Print one JSON object as the last line of stdout."
    )(with_debug)


def _guarded(work: Callable[[Context], None], *, as_json: bool, debug: bool) -> None:
    context = Context(as_json=as_json, debug=debug)
    _log_to_stderr()
    signal.signal(signal.SIGTERM, _interrupt)  # a stopped cluster job ends like Ctrl-C
    try:
        work(context)
    except FanfoldError as error:
        context.fail(error)
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


@click.group(context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="fanfold")
def main() -> None:
    """Backtests by the thousand, and the same code on live markets.

    \b
    Start with:
      fanfold run configs/demo.yaml        sweep three strategies over real data
      fanfold run configs/backtest.yaml    run one strategy once
      fanfold run configs/execution.yaml   the same with a desk's orders, costs and limits
      fanfold run configs/study.yaml       tune, walk forward and cross-validate each strategy
      fanfold audit lookahead SmaCross     does it look ahead
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
    """Run the job that a YAML file describes: one of configs/, or yours.

    backtest, sweep, tune, walk_forward, cross_validate and study look at the past,
    monte_carlo and stress at what may come and what has.

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


@main.command()
@click.argument("query", default="")
@click.option("--run", "run_name", help="A tracked run: its id, the start of it, or its name.")
@click.option("--table", type=click.Path(path_type=Path), help="A Parquet file, or a folder.")
@click.option("--columns", help="Which columns, by comma.")
@click.option("--sort", help="A column, lowest first; with - before it, highest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@_common
def trials(  # noqa: PLR0917  (click passes its options by name)
    query: str,
    run_name: str | None,
    table: Path | None,
    columns: str | None,
    sort: str | None,
    limit: int,
    *,
    as_json: bool,
    debug: bool,
) -> None:
    """Look trials up: those of a run, of a table, or all that were ever counted.

    A query compares columns: and, or, not, in, numbers, texts. Without --run or --table it
    asks the ledger of all trials.

    \b
    Examples:
      fanfold trials 'sharpe > 1 and fast < 20' --run 3f2a --sort=-sharpe
      fanfold trials --run 3f2a --columns fast,slow,sharpe --limit 5
      fanfold trials 'strategy == "SmaCross"' --sort=-sharpe_per_period
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.trials import trials_job

        chosen = [name.strip() for name in columns.split(",")] if columns else None
        lines, content = trials_job(
            query, run=run_name, table=table, columns=chosen, sort=sort, limit=limit
        )
        for line in lines:
            context.say(line)
        context.end({"status": "ok", **content})

    _guarded(work, as_json=as_json, debug=debug)


@main.group()
def audit() -> None:
    """Ask whether a strategy is what it seems."""


@audit.command()
@click.argument("target")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option("--source", help="Data: the sample by default, or a file, or a store's dataset.")
@click.option("--symbols", help="Which assets, by comma.")
@click.option("--start", help="First session.")
@click.option("--end", help="Last session.")
@click.option("--cuts", type=click.IntRange(min=0, max=10_000), default=24, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@_common
def lookahead(
    target: str,
    params: tuple[str, ...],
    overrides: tuple[str, ...],
    cuts: int,
    seed: int,
    *,
    as_json: bool,
    debug: bool,
    **data: str | None,
) -> None:
    """Find decisions that depend on bars which were not there yet.

    TARGET is a strategy's name, FILE.py:Class, or a configuration. Its decisions are made
    again on bars that end early, and on bars whose later part is another: any that differ
    have looked ahead. Exit code 1 if there are some.

    \b
    Examples:
      fanfold audit lookahead SmaCross --param fast=20 --symbols AAPL,MSFT
      fanfold audit lookahead mine.py:Mine --cuts 100
      fanfold audit lookahead configs/backtest.yaml --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.audit import audit_job, audited

        what = audited(target, params, overrides, data)
        closed = audit_job(cuts=cuts, seed=seed, **what)
        for line in closed.lines:
            context.say(line)
        context.end(closed.content)
        if closed.status != "ok":
            sys.exit(FAILURE)

    _guarded(work, as_json=as_json, debug=debug)


@main.command()
@click.argument("study")
@_common
def unseal(study: str, *, as_json: bool, debug: bool) -> None:
    """Open a study's sealed holdout, once: run what it chose on the bars kept back.

    STUDY is the name that the walk-forward printed, or the start of it. The look is logged;
    a second one is refused.
    """

    def work(context: Context) -> None:
        from fanfold.workflows.unseal import unseal_job

        lines, content = unseal_job(study)
        for line in lines:
            context.say(line)
        context.end(content)

    _guarded(work, as_json=as_json, debug=debug)


@main.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--address", required=True, help="Dashboard of the cluster: http://HOST:8265.")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option("--wait", is_flag=True, help="Follow the job to its end and show its result.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where results go, over there.")
@click.option("--no-track", is_flag=True, help="Do not write to MLflow.")
@_common
def submit(
    config: Path,
    address: str,
    overrides: tuple[str, ...],
    folder: Path | None,
    *,
    wait: bool,
    no_track: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Run a job on a cluster that was started with `ray start`.

    The working folder travels with it. A cluster with token authentication takes the token
    of RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token, with RAY_AUTH_MODE=token.

    \b
    Examples:
      fanfold submit configs/sweep.yaml --address http://127.0.0.1:8265 --wait
      fanfold submit configs/walk_forward.yaml --address http://127.0.0.1:8265
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.submit import submit_job

        content = submit_job(
            config,
            address=address,
            overrides=[*overrides, *(["track.enabled=false"] if no_track else [])],
            wait=wait,
            folder=folder,
            say=context.say,
            warn=context.warn,
        )
        context.end(content)
        sys.exit({"incomplete": FAILURE, "running": STOPPED}.get(content["status"], 0))

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
