"""The command that gets market data into a store."""

import sys
from typing import Any, NoReturn

import click

from fanfold.cli.context import Context, common, guarded
from fanfold.errors import ConfigError

EXAMPLES = """Get market data into a store: from files, or from a service.

    Doing it again changes nothing; a stopped one goes on where it was. Rows that cannot be
    true are set aside with their reason, and everything odd is counted: see `fanfold data
    check`. A symbol that fails keeps no other out: exit code 2 if you can mend it, 1 if the
    source failed.

    \b
    Keys come from the environment: ALPACA_API_KEY and ALPACA_SECRET_KEY, POLYGON_API_KEY.
    Dates are days in UTC, both included.

    \b
    Examples:
      fanfold data ingest --from prices.csv --symbol AAPL --store market
      fanfold data ingest --from 'minutes/*.parquet' --timeframe 1min --stamp start
      fanfold data ingest --from mine.csv --map close=Last --map ts=Day --zone Europe/Berlin
      fanfold data ingest --from yahoo --symbols AAPL,MSFT --start 2000-01-01 --store market
      fanfold data ingest --from alpaca --symbols-file sp500.txt --timeframe 1min --start 2024-01-02
      fanfold data ingest --from alpaca --symbols BTC/USD --calendar 24/7 --store s3://bucket/market
      fanfold data ingest --from polygon --symbols SPY --kind trades --start 2024-05-01T13:30Z
    """


@click.command(help=EXAMPLES)
@click.option(
    "--from",
    "source",
    multiple=True,
    required=True,
    metavar="SOURCE",
    help="alpaca, yahoo, polygon or sample; or a file, folder (with those in it) or pattern, "
    "repeatable.",
)
@click.option("--store", metavar="DIR|URL", help="Where to: a folder or s3://…; the local store.")
@click.option("--symbols", help="Which assets, by comma.")
@click.option("--symbols-file", metavar="FILE", help="A text file of symbols, one a line.")
@click.option("--start", help="First day, or an ISO instant.")
@click.option("--end", help="Last day, or an ISO instant; now by default.")
@click.option(
    "--timeframe", help="1min, 15min, 1h, 1D, 1W …: of services 1D, of files as they show."
)
@click.option(
    "--kind",
    type=click.Choice(["bars", "trades", "quotes", "actions", "listings", "members"]),
    help="Of services bars by default, of files what their columns tell.",
)
@click.option(
    "--basis",
    type=click.Choice(["raw", "split", "total_return"]),
    help="What prices are adjusted for; of services raw by default, where they have it.",
)
@click.option("--feed", help="Of the service: iex or sip for alpaca.")
@click.option(
    "--map",
    "columns",
    multiple=True,
    metavar="OURS=THEIRS",
    help="What a file calls a column; repeatable.",
)
@click.option("--date-format", metavar="FORMAT", help="Of a file's times: %d.%m.%Y …")
@click.option("--delimiter", metavar="SIGN", help="Between cells of a CSV file.")
@click.option("--decimal", metavar="SIGN", help="Before the decimals of a CSV file.")
@click.option("--zone", metavar="ZONE", help="Time zone of a file's times: America/New_York.")
@click.option(
    "--stamp", type=click.Choice(["start", "end", "session"]), help="What a file's times mark."
)
@click.option(
    "--calendar",
    multiple=True,
    metavar="NAME|SYMBOL=NAME",
    help="XNYS, 24/7 …: for all, or for a symbol, repeatable.",
)
@click.option("--symbol", metavar="NAME", help="Whose a file without a column of symbols is.")
@click.option("--universe", metavar="NAME", help="Of which universe a file of members is.")
@click.option("--strict", is_flag=True, help="Refuse a symbol that has an error in its rows.")
@click.option("--replace", is_flag=True, help="Forget what is stored of a symbol first.")
@click.option("--refresh", is_flag=True, help="Ask again for what was fetched before.")
@click.option(
    "--workers", type=click.IntRange(min=0), help="Processors; 0 runs in this process, no Ray."
)
@click.option("--address", help="Ray cluster to run on, which must see the files and the store.")
@common
def ingest(*, as_json: bool, debug: bool, **options: Any) -> None:
    """Get market data into a store; see `EXAMPLES`."""

    def work(context: Context) -> None:
        from fanfold.workflows.data.ingest_plan import Asked

        if options["store"] is not None and not options["store"].strip():
            raise ConfigError("store must be a folder or a URL such as s3://bucket/folder, was ''")
        symbols, calendar = options.pop("symbols"), options.pop("calendar")
        asked = Asked(
            symbols=None if symbols is None else tuple(symbols.split(",")),
            columns=_pairs(options.pop("columns"), "--map", "close=Last"),
            calendar=_calendar(calendar),
            **options,
        )
        ingest_and_show(context, asked)

    guarded(work, as_json=as_json, debug=debug)


def ingest_and_show(context: Context, asked: Any) -> NoReturn:
    """Ingest, show what became of it, and exit by that."""
    from fanfold.workflows.data.ingest import ingest as run
    from fanfold.workflows.data.ingest_lines import exit_code, ingest_lines

    done = run(asked)
    for line in ingest_lines(done):
        context.say(line)
    context.end(done.plain())
    sys.exit(exit_code(done))


def _pairs(texts: tuple[str, ...], option: str, example: str) -> dict[str, str]:
    pairs: dict[str, str] = {}
    for text in texts:
        name, equals, value = (part.strip() for part in text.partition("="))
        if not equals or not name or not value or name in pairs:
            raise ConfigError(f"{option} must look like {example}, each name once, was {text!r}")
        pairs[name] = value
    return pairs


def _calendar(texts: tuple[str, ...]) -> str | dict[str, str] | None:
    """One for all, or by symbol."""
    if not texts:
        return None
    if len(texts) == 1 and "=" not in texts[0]:
        return texts[0]
    return _pairs(texts, "--calendar", "XNYS or BTCUSD=24/7")
