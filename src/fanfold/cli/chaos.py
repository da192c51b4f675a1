"""The command that disturbs a deployment on purpose."""

import sys
from typing import Any

import click

from fanfold.cli.context import FAILURE, Context, common, guarded


@click.group()
def chaos() -> None:
    """Disturb a paper deployment on purpose, and see whether it holds."""


@chaos.command()
@click.option("--seed", type=click.IntRange(min=0), default=0, show_default=True)
@click.option("--days", type=click.IntRange(1, 80), default=2, show_default=True, help="Sessions.")
@click.option(
    "--faults",
    type=click.IntRange(0, 100_000),
    default=300,
    show_default=True,
    help="Faults in all; from 36 on every kind comes at least once.",
)
@click.option(
    "--hosts",
    type=click.Choice(["processes", "ray"]),
    default="processes",
    show_default=True,
    help="What the components run in.",
)
@click.option(
    "--minutes",
    type=click.IntRange(1, 390),
    default=None,
    help="End after so many minutes of the first session.",
)
@click.option("--keep", is_flag=True, help="Leave the deployment's folder where it is.")
@common
def run(
    seed: int,
    days: int,
    faults: int,
    hosts: str,
    minutes: int | None,
    *,
    keep: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Run a deployment on replayed days while everything goes wrong.

    A venue on this machine replays real days of the sample, with a half day, a change of the
    clocks (from 15 days on) and a split overnight (from 3 days on). Faults of every kind are
    drawn from the seed: of the venue, and SIGKILL and SIGSTOP of each component. At every
    check no order may be doubled or lost, positions and cash must equal the venue's and
    limits must hold; the kill switch is pulled once, and the record is replayed at the end.
    Exit code 1 if anything does not hold; the same seed does the same again.

    \b
    Examples:
      fanfold chaos run --seed 7
      fanfold chaos run --seed 7 --days 30 --faults 1000 --hosts ray --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from tqdm import tqdm

        from fanfold.workflows.live.chaos import run_chaos

        def shown(minutes: Any, count: int) -> Any:
            return tqdm(minutes, total=count, unit="min", disable=not sys.stderr.isatty())

        found = run_chaos(
            seed=seed, days=days, fault_count=faults, hosts=hosts, say=context.warn, keep=keep,
            minutes=minutes, progress=shown,
        )  # fmt: skip
        for line in chaos_lines(found):
            context.say(line)
        context.end(found)
        if found["status"] != "ok":
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


def chaos_lines(found: dict[str, Any]) -> list[str]:
    """What a person reads."""
    figures = found["metrics"]
    lines = [
        f"seed {found['seed']}, {found['days']} days, {found['faults']} faults, "
        f"{found['checks']} checks, {found['seconds']:g} s: {found['status']}",
        *(f"  {name:<22}{value}" for name, value in figures.items()),
    ]
    lines += [f"  {one}" for one in found["complaints"]]
    if found["complaints"]:
        lines.append(f"again: {found['again']}; what is left is in {found['folder']}")
    return lines
