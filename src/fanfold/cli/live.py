"""Live trading: `fanfold live up | status | kill | resume | down | serve | token`."""

import getpass
import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click

from fanfold.cli.context import FAILURE, Context, common, guarded
from fanfold.cli.live_page import serve, token
from fanfold.cli.trace import trace

WATCH_S: Final = 2.0
"""Time between two looks of `status --watch` [s]."""

_deployment = click.option(
    "--deployment", metavar="NAME", help="Which one; may be left out where there is one."
)


@click.group()
def live() -> None:
    """Trade: at a local venue, in a paper account, or with real money.

    A deployment is one strategy on one account: processes that watch the market, decide,
    check and send orders, and one that watches them. They outlive the command that started
    them. `up` shows the address of its page.

    \b
    A first one, with no account anywhere:
      fanfold live up configs/live_paper.yaml
      fanfold live status --watch
      fanfold live down
    """  # noqa: D301  (click reads the escape itself)
    os.umask(0o077)  # whatever is written, and whoever is started from here on


@live.command()
@click.argument("config", type=click.Path(path_type=Path))
@click.option(
    "--set", "overrides", multiple=True, metavar="A.B=VALUE", help="Change one setting; repeatable."
)
@click.option("--fresh", is_flag=True, help="Begin anew; what there was is put aside.")
@click.option("--address", help="Ray cluster to run on; one of our own is started by default.")
@click.option("--check", "only_check", is_flag=True, help="Say what it would be; connect to none.")
@common
def up(
    config: Path,
    overrides: tuple[str, ...],
    address: str | None,
    *,
    fresh: bool,
    only_check: bool,
    as_json: bool,
    debug: bool,
) -> None:
    """Bring up the deployment that a YAML file describes, and wait until it is armed.

    The address that it shows opens its page: keep it, what follows the # may act. After a crash
    the same command goes on where it was. Keys of an account come from the
    environment, APCA_API_KEY_ID and APCA_API_SECRET_KEY, or the file that FANFOLD_SECRETS
    names; real money takes live.broker.at=live and live.broker.real_money=true beside them.

    \b
    Examples:
      fanfold live up configs/live_paper.yaml
      fanfold live up configs/live_paper.yaml --set live.host.hosts=processes --json
      fanfold live up configs/live_paper.yaml --set live.broker.at=paper --check
      fanfold live up configs/live_paper.yaml --set deployment=second --fresh
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.settings import read_settings
        from fanfold.settings.live import LiveJob
        from fanfold.workflows.live.up import check
        from fanfold.workflows.live.up import up as bring_up

        job = read_settings(config, overrides, LiveJob)
        if only_check:
            content = check(job)
            addresses = content["addresses"] or {"venue": "started on this machine"}
            for name, where in addresses.items():
                context.say(f"{name:<18} {where}")
        else:
            content = bring_up(job, context.warn, fresh=fresh, address=address)
            _show_up(context, content)
        context.end(content)
        if content["status"] == "halted":
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@live.command()
@_deployment
@click.option("--watch", is_flag=True, help=f"Look again every {WATCH_S:g} s, until Ctrl-C.")
@common
def status(deployment: str | None, *, watch: bool, as_json: bool, debug: bool) -> None:
    """Show components, gate, positions, open orders, equity, latencies and latches.

    It reads files and asks each process; whatever is down is shown as down.

    \b
    Examples:
      fanfold live status
      fanfold live status --watch
      fanfold live status --deployment second --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.page import page_of
        from fanfold.workflows.live.status import status_lines, status_of

        folder = deployment_named(deployment)
        while True:
            content = status_of(folder) | page_of(folder)
            if watch and sys.stdout.isatty():
                click.clear()
            for line in status_lines(content):
                context.say(line)
            context.end(content)
            if not watch:
                return
            time.sleep(WATCH_S)

    guarded(work, as_json=as_json, debug=debug)


@live.command()
@_deployment
@click.option("--reason", default="by hand", show_default=True, help="What is written down.")
@common
def kill(deployment: str | None, reason: str, *, as_json: bool, debug: bool) -> None:
    """Stop trading at once: halt, cancel all own orders, flatten all own positions.

    It works with every process dead. Positions that are not the deployment's are left alone.
    The halt stays until fanfold live resume.

    \b
    Examples:
      fanfold live kill
      fanfold live kill --deployment second --reason "the news"
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.stop import kill as kill_all

        content = kill_all(deployment_named(deployment), getpass.getuser(), reason)
        context.say(f"{content['deployment']} is halted: fanfold live resume lets it go on")
        for name in ("cancelled", "open", "queued", "left", "troubles"):
            context.say(f"{name:<10} {_listed(content.get(name)) or 'none'}")
        context.end(content)
        if content.get("flat") is False:
            context.warn("NOT FLAT: see above")
            sys.exit(FAILURE)

    guarded(work, as_json=as_json, debug=debug)


@live.command()
@_deployment
@click.option("--code", "codes", multiple=True, help="Code of a latch, as shown; repeatable.")
@common
def resume(deployment: str | None, codes: tuple[str, ...], *, as_json: bool, debug: bool) -> None:
    """Let a halted deployment go on, in two steps: see what halted it, then say its code.

    \b
    Examples:
      fanfold live resume
      fanfold live resume --code 5f2a91c0
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.resume import ask_to_resume
        from fanfold.workflows.live.resume import resume as reset_all

        folder = deployment_named(deployment)
        if codes:
            content = reset_all(folder, codes, getpass.getuser())
            context.say(f"{', '.join(content['reset'])} reset; {content['status']}")
        else:
            content = ask_to_resume(folder)
            for latch in content["latches"]:
                context.say(f"{latch['name']}: {latch['reason']} ({latch['by']})")
                context.say(f"  to go on: fanfold live resume --code {latch['code']}")
            context.say(f"codes are good for {content['good_for_s']} s")
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


@live.command()
@_deployment
@click.option("--flatten", is_flag=True, help="Cancel and flatten first, as kill does.")
@common
def down(deployment: str | None, *, flatten: bool, as_json: bool, debug: bool) -> None:
    """Stop a deployment in order, and the page, venue and cluster that were started for it.

    Positions and orders at the broker stay as they are, unless --flatten; what stays is said.

    \b
    Examples:
      fanfold live down
      fanfold live down --flatten --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.stop import down as bring_down
        from fanfold.workflows.live.stop import what_stays

        folder = deployment_named(deployment)
        content = bring_down(folder, getpass.getuser(), context.warn, flatten=flatten)
        context.say(f"{content['deployment']} is down; {what_stays(content)}")
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


live.add_command(serve)
live.add_command(token)
live.add_command(trace)


def _listed(values: Sequence[str | Sequence[Any]] | None) -> str:
    return ", ".join(
        one if isinstance(one, str) else " ".join(map(str, one)) for one in values or ()
    )


def _show_up(context: Context, content: dict[str, Any]) -> None:
    from fanfold.workflows.live.status import shown_state

    for name, one in content["components"].items():
        context.say(f"{name:<12} {shown_state(name, one['state']):<9} pid {one['pid']}")
    if content["page"] == "up":
        context.say(f"page         {content['url']}")
    elif content["page"] != "none":
        context.warn(f"trading without a page, which is {content['page']}")
    if content["latches"]:
        context.warn(f"halted by {', '.join(content['latches'])}: see fanfold live resume")
    context.say(f"{content['deployment']} is {content['status']}: fanfold live status --watch")
