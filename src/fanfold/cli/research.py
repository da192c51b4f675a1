"""Commands that look at what was run: reports, trials, audits, sealed holdouts."""

import sys
from pathlib import Path
from typing import Literal

import click

from fanfold.cli.context import FAILURE, Context, common, guarded


@click.command()
@click.argument("runs", metavar="RUN [RUN ...]", nargs=-1, required=True)
@click.option("--folder", type=click.Path(path_type=Path), help="Where the report goes.")
@click.option("--pdf", is_flag=True, help="Print it as PDF beside it; needs Chromium.")
@common
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

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@click.argument("query", default="")
@click.option("--run", "run_name", help="A tracked run: its id, the start of it, or its name.")
@click.option("--table", type=click.Path(path_type=Path), help="A Parquet file, or a folder.")
@click.option("--columns", help="Which columns, by comma.")
@click.option("--sort", help="A column, lowest first; with - before it, highest first.")
@click.option("--limit", type=click.IntRange(min=1), default=20, show_default=True)
@common
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

    guarded(work, as_json=as_json, debug=debug)


@click.group()
def audit() -> None:
    """Ask whether a strategy is what it seems."""


@audit.command()
@click.argument("target")
@click.option("--param", "params", multiple=True, metavar="NAME=VALUE", help="Repeatable.")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option("--source", help="Data: the sample by default, or a file, or a store.")
@click.option("--symbols", help="Which assets, by comma.")
@click.option("--start", help="First session.")
@click.option("--end", help="Last session.")
@click.option("--cuts", type=click.IntRange(min=0, max=10_000), default=24, show_default=True)
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@common
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

    guarded(work, as_json=as_json, debug=debug)


@audit.command()
@click.argument("session")
@click.option("--bars", help="Final bars: a store, a file or the sample; the broker's by default.")
@click.option(
    "--stamp",
    type=click.Choice(["start", "end", "session"]),
    help="What timestamps of a file of bars mark, where they are no plain dates.",
)
@click.option("--no-track", is_flag=True, help="Leave MLflow out.")
@common
def parity(
    session: str,
    bars: str | None,
    stamp: Literal["start", "end", "session"] | None,
    *,
    no_track: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Compare what was decided and earned live with the backtest.

    SESSION is a deployment's name or folder. Its recorded inputs go through the engine again
    and must give the same decisions, bit for bit: exit code 1 if any differs. The vendor's
    final bars show which decisions would have been others, and the difference in money is
    split into data, refusals, timing, fill price and fees.

    \b
    Examples:
      fanfold audit parity paper-sma
      fanfold audit parity paper-sma --bars market --json
      fanfold audit parity paper-sma --bars minutes.csv --stamp start
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.parity import parity_job

        closed = parity_job(session, final=bars, stamp=stamp, track=not no_track)
        for line in closed.lines:
            context.say(line)
        for problem in closed.problems:
            context.warn(problem)
        context.end(closed.content)
        if closed.status == "different":
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@click.argument("study")
@common
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

    guarded(work, as_json=as_json, debug=debug)
