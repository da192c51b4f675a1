"""The local exchange: `fanfold venue`, and what a running one says of itself."""

import json
from pathlib import Path
from typing import Any, Final, cast

import click

from fanfold.cli.context import Context, common, guarded

_PLACES: Final = {
    "host": "host",
    "port": "port",
    "replay": "replay.source",
    "start": "replay.start",
    "end": "replay.end",
    "begin": "replay.begin",
    "basis": "replay.basis",
    "timeframe": "replay.timeframe",
    "stamp": "replay.stamp",
    "calendar": "replay.calendar",
    "simulate": "replay.simulate",
    "spread_bps": "replay.spread_bps",
    "speed": "speed",
    "seed": "seed",
    "fees": "fees",
    "requests_per_minute": "requests_per_minute",
    "journal": "journal",
}
"""Where the values of options stand among the settings."""

_LISTS: Final = {"symbols": "replay.symbols", "kinds": "replay.kinds"}
"""The same of options with several values, by comma."""

_DEFAULT_PORT: Final = 8765


def _keys(command: Any) -> Any:
    with_secret = click.option("--secret", envvar="FANFOLD_VENUE_SECRET", help="Its secret.")
    with_key = click.option(
        "--key", envvar="FANFOLD_VENUE_KEY", help="Key of the account: made up, never a live one."
    )
    return with_key(with_secret(command))


@click.group(invoke_without_command=True)
@click.option("--config", type=click.Path(path_type=Path), help="YAML file of settings.")
@click.option("--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting.")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@click.option(
    "--port",
    type=click.IntRange(0, 65_535),
    help=f"Port; 0: a free one.  [default: {_DEFAULT_PORT}]",
)
@click.option("--replay", metavar="sample|PATH", help="The sample, a store or a file of bars.")
@click.option("--symbols", help="Only these, by comma.")
@click.option("--start", help="First session of the data, or an ISO instant.")
@click.option("--end", help="Last session, or an ISO instant.")
@click.option("--begin", help="Where the clock begins; what is before is history.")
@click.option("--basis", type=click.Choice(["raw", "split", "total_return"]), help="Of bars.")
@click.option("--timeframe", help="Of a store: which bars, such as 1min.")
@click.option("--stamp", type=click.Choice(["start", "end", "session"]), help="Of a file's bars.")
@click.option("--calendar", help="Of a file or ticks: XNYS, or 24/7 for coins.")
@click.option("--kinds", help="bars, or of a store: trades,quotes.  [default: bars]")
@click.option("--simulate", metavar="MODEL", help="Replay a path of a model of prices: gbm …")
@click.option("--spread-bps", type=float, help="Spread around prices of bars.  [default: 2]")
@click.option(
    "--speed",
    metavar="X|max",
    help="Times real time; max: as clients follow.  [default: 1]",
)
@click.option("--skip-nights", is_flag=True, help="Skip 5 minutes and more without prices.")
@click.option("--seed", type=click.IntRange(min=0), help="Of all that is drawn.  [default: 0]")
@_keys
@click.option("--cash", help="Cash that the account begins with.  [default: 100000]")
@click.option(
    "--requests-per-minute",
    type=click.IntRange(min=1),
    help="Of an account, to trade; the broker's is 200.  [default: 1000000]",
)
@click.option("--fees", type=click.Choice(["paper", "live"]), help="Which are charged.")
@click.option("--journal", type=click.Path(path_type=Path), help="File of the venue's memory.")
@click.option("--fault", "faults", multiple=True, metavar="JSON", help="Goes wrong; repeatable.")
@click.option("--allow-remote", is_flag=True, help="Let other machines connect.")
@common
@click.pass_context
def venue(
    context: click.Context,
    /,
    config: Path | None,
    overrides: tuple[str, ...],
    *,
    as_json: bool,
    debug: bool,
    **options: Any,
) -> None:
    """Run a local exchange that speaks Alpaca's protocol.

    It replays real or simulated prices under a clock of its own, takes orders, keeps accounts
    and sends streams, so that a client is rehearsed without an account anywhere. One line of
    JSON says where it is, once it is ready; it stops on SIGTERM or Ctrl-C. What it answered
    is in its journal: the same command goes on where it was, also after a crash.

    \b
    Examples:
      fanfold venue --replay sample
      fanfold venue --replay market --timeframe 1min --symbols AAPL,SPY --speed 60 --skip-nights
      fanfold venue --replay sample --speed max --key PKME --secret made-up --port 9000
      fanfold venue --fault '{"kind": "disconnect", "probability": 0.001}'
      fanfold venue status --port 9000 --key PKME --secret made-up

    \b
    While it runs, with the same keys:
      GET  /_venue/        a page that shows it, for browsers
      POST /_venue/clock   {"advance_s": 60}, {"until": "2012-03-01T20:00:00Z"}: go on, then stand
                           {"speed": 60}, {"speed": "max"}, {"speed": 0}
      POST /_venue/faults  {"kind": "lose", "probability": 0.1}; see fanfold venue faults
      POST /_venue/halts   {"symbol": "AAPL", "on": true}

    \b
    With alpaca-py, at the addresses of that line:
      TradingClient(key, secret, url_override=rest_url)
      StockHistoricalDataClient(key, secret, url_override=rest_url)
      StockDataStream(key, secret, url_override=market_data_url)
      TradingStream(key, secret, url_override=trade_updates_url)
    """  # noqa: D301  (click reads the escape itself)
    if context.invoked_subcommand is not None:
        return

    def work(shown: Context) -> None:
        from fanfold.settings import read_settings
        from fanfold.venue.run import run
        from fanfold.venue.settings import VenueSettings

        settings = read_settings(config, [*overrides, *_changes(options)], VenueSettings)
        done = run(settings, lambda content: click.echo(json.dumps(content)))
        shown.end({"status": "stopped", **done})

    guarded(work, as_json=as_json, debug=debug)


@venue.command()
@click.option("--host", default="127.0.0.1", show_default=True, help="Where it listens.")
@click.option("--port", type=click.IntRange(1, 65_535), default=_DEFAULT_PORT, show_default=True)
@_keys
@common
def status(
    host: str, port: int, key: str | None, secret: str | None, *, as_json: bool, debug: bool
) -> None:
    """Show a running venue: its clock, accounts, orders, clients and what goes wrong.

    \b
    Examples:
      fanfold venue status
      fanfold venue status --port 9000 --key PKME --secret made-up --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.venue.settings import LOCAL_KEY, LOCAL_SECRET
        from fanfold.venue.status import status_lines, status_of

        place = f"[{host}]" if ":" in host else host
        content = status_of(f"http://{place}:{port}", key or LOCAL_KEY, secret or LOCAL_SECRET)
        for line in status_lines(content):
            context.say(line)
        context.end({"status": "ok", **content})

    guarded(work, as_json=as_json, debug=debug)


@venue.command()
@common
def faults(*, as_json: bool, debug: bool) -> None:
    """Show what can go wrong on purpose, and the parameters of each kind.

    They are given with --fault, among the settings, or to a running venue as JSON: POST adds
    one at /_venue/faults, DELETE takes one away at /_venue/faults/ID, or all.

    \b
    Examples:
      fanfold venue faults
      fanfold venue --fault '{"kind": "rest_504_after", "probability": 0.05}'
      fanfold venue --fault '{"kind": "lose", "endpoint": "trading", "count": 3}'
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.venue.faults.reading import described

        kinds = described()
        for kind in kinds:
            context.say(f"{kind['kind']:<24} {kind['does']}")
            for name, what in kind["parameters"].items():
                context.say(f"    {name:<20} {what}")
        context.end({"status": "ok", "kinds": kinds})

    guarded(work, as_json=as_json, debug=debug)


def _changes(options: dict[str, Any]) -> list[str]:
    """Options as changes of settings; what was not given changes nothing."""
    left_out = (None, False, ())
    given = {
        name: value for name, value in options.items() if not any(value is out for out in left_out)
    }
    changes = [f"{place}={_text(given[name])}" for name, place in _PLACES.items() if name in given]
    for name, place in _LISTS.items():
        if name in given:
            chosen = [one.strip() for one in given[name].split(",") if one.strip()]
            changes.append(f"{place}={json.dumps(chosen)}")
    changes += [f"{name}=true" for name in ("allow_remote", "skip_nights") if name in given]
    account = {name: given[name] for name in ("key", "secret", "cash") if name in given}
    if account:
        changes.append(f"accounts={json.dumps([account])}")
    if "faults" in given:
        changes.append(f"faults={json.dumps([_fault(text) for text in given['faults']])}")
    return changes


def _fault(text: str) -> dict[str, Any]:
    """A fault as it was typed."""
    from fanfold.errors import ConfigError

    try:
        fault = json.loads(text)
    except (ValueError, RecursionError):
        fault = None
    if not isinstance(fault, dict):
        raise ConfigError(
            "--fault must be a JSON object such as "
            f'{{"kind": "disconnect", "probability": 0.001}}, was {text[:80]!r}'
        )
    return cast("dict[str, Any]", fault)


def _text(value: Any) -> str:
    """A value as YAML; a number that was typed stays a number."""
    text = str(value)
    return text if text.replace(".", "", 1).isdigit() else json.dumps(text)
