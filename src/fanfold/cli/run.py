"""Commands that run a job: here, or on a cluster."""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from fanfold.cli.context import FAILURE, STOPPED, Context, common, guarded
from fanfold.cli.ingest import ingest_and_show


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option(
    "--workers", type=click.IntRange(min=0), help="Processors; 0 runs in this process, no Ray."
)
@click.option("--address", help="Ray cluster to run on; a local one is started by default.")
@click.option("--no-track", is_flag=True, help="Do not write to MLflow.")
@common
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
        from fanfold.settings import INGEST, read_settings
        from fanfold.workflows.close import run_job
        from fanfold.workflows.data.ingest_lines import asked_by

        changes = [*overrides]
        if workers is not None:
            changes.append(f"run.workers={workers}")
        if address is not None:
            changes.append(f"run.address={json.dumps(address)}")
        if no_track:
            changes.append("track.enabled=false")
        settings = read_settings(config, changes)
        if settings.job == INGEST:
            ingest_and_show(context, asked_by(settings))
        closed = run_job(settings, context.say, context.warn)
        context.say(f"{closed.seconds:.1f} s")
        context.end(asdict(closed))
        if closed.status == "incomplete":
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@click.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option("--address", required=True, help="Dashboard of the cluster: http://HOST:8265.")
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option("--wait", is_flag=True, help="Follow the job to its end and show its result.")
@click.option("--folder", type=click.Path(path_type=Path), help="Where results go, over there.")
@click.option("--no-track", is_flag=True, help="Do not write to MLflow.")
@common
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

    guarded(work, as_json=as_json, debug=debug)
