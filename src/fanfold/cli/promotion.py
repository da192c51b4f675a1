"""Who may go live: `fanfold audit gates`, `fanfold live promote | deploy | rollback`."""

import getpass
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fanfold.cli.context import FAILURE, Context, common, guarded

if TYPE_CHECKING:
    from fanfold.settings.live import LiveJob

CONFIGS = (".yaml", ".yml")
"""Endings of configurations: whatever else is named is a version."""

_set = click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
_deployment = click.option(
    "--deployment", metavar="NAME", help="Which one; may be left out where there is one."
)
_by = click.option("--by", help="Who says so, in the log; you by default.")


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@_set
@click.option("--no-track", is_flag=True, help="Leave MLflow out.")
@common
def gates(
    config: Path, overrides: tuple[str, ...], *, no_track: bool, as_json: bool, debug: bool
) -> None:
    """Measure whether a live configuration's strategy may trade real money.

    Its version, that is code, parameters, costs and limits, data and seed, goes through all
    gates: the right bars, no look-ahead, a walk-forward, luck, what may come of it, and
    rehearsals at a local venue or in a paper account. What was measured before is taken as it
    is. Bounds stand under `gates:` in the configuration. Exit code 1 if a gate refuses.

    \b
    Examples:
      fanfold audit gates configs/live_paper.yaml
      fanfold audit gates mine.yaml --set gates.data.source=market
      fanfold audit gates mine.yaml --set gates.paper.sessions_min=20 --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.promotion.gates import PASSED, gates_job

        closed = gates_job(_job(config, overrides), context.warn, track=not no_track)
        for line in closed.lines:
            context.say(line)
        for problem in closed.problems:
            context.warn(problem)
        context.end(closed.content)
        if closed.status != PASSED:
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@click.argument("what", metavar="CONFIG|VERSION")
@_set
@common
def promote(what: str, overrides: tuple[str, ...], *, as_json: bool, debug: bool) -> None:
    """Let a version trade real money that has passed its gates.

    The rehearsals are looked up anew, everything else must have been measured by fanfold
    audit gates. A refusal names the gate and how far it is from passing: exit code 1.

    \b
    Examples:
      fanfold live promote mine.yaml
      fanfold live promote 3f9c0d21ab44
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.promotion.promoted import PROMOTED, promote_job, promote_version

        by = getpass.getuser()
        if what.endswith(CONFIGS):
            content = promote_job(_job(Path(what), overrides), by)
        else:
            content = promote_version(what, by)
        _show_promoted(context, content)
        context.end(content)
        if content["status"] != PROMOTED:
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@click.argument("version")
@_deployment
@_by
@common
def deploy(
    version: str, deployment: str | None, by: str | None, *, as_json: bool, debug: bool
) -> None:
    """Put another measured version in a deployment's place, in one step, positions and all.

    A running deployment is stopped in order and brought up with the version, whose goals its
    positions go to. Versions are what fanfold audit gates has measured, of the same symbols;
    where money is real the version must be promoted.

    \b
    Examples:
      fanfold live deploy 3f9c0d21ab44
      fanfold live deploy 3f9c0d21ab44 --deployment real --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.promotion.deployed import deployed

        folder = deployment_named(deployment)
        content = deployed(folder, version, by or getpass.getuser(), context.warn)
        _show_exchanged(context, content)
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@_deployment
@_by
@common
def rollback(deployment: str | None, by: str | None, *, as_json: bool, debug: bool) -> None:
    """Go back to the version before, in one step, positions and all.

    A running deployment is stopped in order and brought up with the version that was promoted
    for it before, or else that it ran before; its positions go to the goals of that version.
    The version that it ran may not trade real money again until it is promoted anew.

    \b
    Examples:
      fanfold live rollback
      fanfold live rollback --deployment real --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.promotion.rollback import rolled_back

        folder = deployment_named(deployment)
        content = rolled_back(folder, by or getpass.getuser(), context.warn)
        if content["withdrawn"]:
            context.say(f"version {content['withdrawn']} may not go live any more")
        _show_exchanged(context, content)
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


def _job(config: Path, overrides: tuple[str, ...]) -> "LiveJob":
    from fanfold.settings import read_settings
    from fanfold.settings.live import LiveJob

    return read_settings(config, overrides, LiveJob)


def _show_exchanged(context: Context, content: dict[str, Any]) -> None:
    params = ", ".join(f"{name}={value}" for name, value in content["params"].items())
    state = content["up"]["status"] if content["runs"] else "down"
    context.say(f"{content['deployment']} is {state}, with {content['strategy']}({params})")


def _show_promoted(context: Context, content: dict[str, Any]) -> None:
    from fanfold.workflows.promotion.gates import lines_of

    for line in lines_of(content):
        context.say(line)
    if content["reason"]:
        context.warn(f"version {content['version']} is refused by {content['reason']}")
    else:
        context.say(
            f"version {content['version']} may trade real money as {content['deployment']}: "
            "fanfold live up with live.broker.at=live and live.broker.real_money=true"
        )
