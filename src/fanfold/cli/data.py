"""Commands on market data: what is at hand, what is odd about it, how it looks."""

import sys
from pathlib import Path
from typing import Any

import click

from fanfold.cli.context import FAILURE, Context, common, guarded
from fanfold.cli.ingest import ingest

KINDS = ["bars", "trades", "quotes", "actions", "listings", "members"]


@click.group()
def data() -> None:
    """Get market data into a store, and look at what is there."""


data.add_command(ingest)


@data.command("list")
@click.option(
    "--store",
    "--folder",
    "store",
    metavar="DIR|URL",
    help="A store; the local one and the packaged sample by default.",
)
@common
def list_(store: str | None, *, as_json: bool, debug: bool) -> None:
    """List what a store holds: symbols, period, basis, calendar and what was set aside.

    \b
    Examples:
      fanfold data list
      fanfold data list --store market --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.data.listed import list_lines

        lines, content = list_lines(store)
        for line in lines:
            context.say(line)
        context.end({"status": "ok", **content})

    guarded(work, as_json=as_json, debug=debug)


@data.command()
@click.option("--store", metavar="DIR|URL", help="A store; the local one by default.")
@click.option("--symbols", help="Which assets, by comma.")
@click.option("--timeframe", help="Only bars of this one: 1min, 1D …")
@click.option(
    "--severity",
    type=click.Choice(["info", "warning", "error"]),
    default="info",
    show_default=True,
    help="Only findings that are at least so bad.",
)
@click.option(
    "--html", type=click.Path(path_type=Path, dir_okay=False), help="Write the report as a page."
)
@click.option("--strict", is_flag=True, help="Exit code 1 if there is an error.")
@common
def check(
    store: str | None,
    symbols: str | None,
    timeframe: str | None,
    severity: str,
    html: Path | None,
    *,
    strict: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Look for what is odd in stored bars, trades and quotes.

    Gaps against the calendar, runs that do not move, outliers, splits that look unadjusted,
    times that look shifted, symbols that end before the others; and of what came in: rows
    that were set aside, that came twice, that were out of order. An error cannot be true of
    a market; a warning seldom is.

    \b
    Examples:
      fanfold data check --store market
      fanfold data check --store market --symbols AAPL --severity warning --html check.html
      fanfold data check --store market --strict --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.data import checked as report

        chosen = None if symbols is None else [one.strip() for one in symbols.split(",") if one]
        name, views = report.check(store, symbols=chosen, timeframe=timeframe, severity=severity)
        for line in report.check_lines(name, views):
            context.say(line)
        content = report.check_content(name, views)
        if html is not None:
            content["artifacts"] = [str(report.write_page(html, name, views))]
            context.say(f"report  {html}")
        context.end(content)
        if strict and any(view.counts["error"] for view in views):
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@data.command()
@click.argument("symbol")
@click.option("--store", metavar="DIR|URL", help="A store; the local one by default.")
@click.option("--kind", type=click.Choice(KINDS), default="bars", show_default=True)
@click.option("--timeframe", help="Of bars: 1D, or the only one that there is.")
@click.option("--start", help="First day, or an ISO instant.")
@click.option("--end", help="Last day, or an ISO instant.")
@click.option(
    "--basis",
    type=click.Choice(["raw", "split", "total_return"]),
    help="Show prices adjusted; as stored by default.",
)
@click.option("--limit", type=click.IntRange(min=1), default=10, show_default=True, help="Rows.")
@common
def show(symbol: str, *, as_json: bool, debug: bool, **options: Any) -> None:
    """Show the first and last rows of a symbol, and what is known of it.

    \b
    Examples:
      fanfold data show AAPL --store market
      fanfold data show AAPL --store market --basis total_return --start 2014-06-01
      fanfold data show IBM --store market --kind trades --limit 20 --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.data.shown import show as shown

        lines, content = shown(symbol, options.pop("store"), **options)
        for line in lines:
            context.say(line)
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)
