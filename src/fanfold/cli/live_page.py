"""The live page by itself, and who may open it: `fanfold live serve | token`."""

from typing import Final

import click

from fanfold.cli.context import Context, common, guarded

PORT_MAX: Final = 65_535

_deployment = click.option(
    "--deployment", metavar="NAME", help="Which one; may be left out where there is one."
)


@click.command()
@_deployment
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen at.")
@click.option(
    "--port", type=click.IntRange(0, PORT_MAX), default=0, help="Its port; a free one by default."
)
@common
def serve(deployment: str | None, host: str, port: int, *, as_json: bool, debug: bool) -> None:
    """Show a deployment's page from this terminal, until Ctrl-C.

    It shows a deployment that is down too, and can stand beside the page that runs with it.
    Trading goes on when it ends.

    \b
    Examples:
      fanfold live serve
      fanfold live serve --deployment second --port 8080
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.page_here import serve_here

        serve_here(deployment_named(deployment), host, port, context.end, context.say)

    guarded(work, as_json=as_json, debug=debug)


@click.group()
def token() -> None:
    """Say who may open a deployment's page and ask its API.

    A token has a name, which stands in the audit log, and a role: view looks, trade acts too.
    It is shown once, when it is made; what is kept is its hash. FANFOLD_API_TOKEN in the
    environment of the page takes the place of them all.
    """


@token.command("list")
@_deployment
@common
def list_(deployment: str | None, *, as_json: bool, debug: bool) -> None:
    """Show names and roles of all tokens.

    \b
    Example:
      fanfold live token list
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.tokens import listed

        content = listed(deployment)
        for one in content["tokens"]:
            context.say(f"{one['name']:<20} {one['role']:<6} made {one['made']}")
        if not content["tokens"]:
            context.say("there are none: fanfold live token add NAME")
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


@token.command()
@click.argument("name")
@click.option("--role", type=click.Choice(["view", "trade"]), default="view", show_default=True)
@_deployment
@common
def add(name: str, role: str, deployment: str | None, *, as_json: bool, debug: bool) -> None:
    """Make a token, and show it this once.

    \b
    Examples:
      fanfold live token add phone
      fanfold live token add desk --role trade --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.tokens import added

        _show(context, added(deployment, name, role))

    guarded(work, as_json=as_json, debug=debug)


@token.command()
@click.argument("name")
@_deployment
@common
def rotate(name: str, deployment: str | None, *, as_json: bool, debug: bool) -> None:
    """Make a new token in place of one; the old one is refused from now on.

    \b
    Example:
      fanfold live token rotate owner
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.tokens import rotated

        _show(context, rotated(deployment, name))

    guarded(work, as_json=as_json, debug=debug)


@token.command()
@click.argument("name")
@_deployment
@common
def revoke(name: str, deployment: str | None, *, as_json: bool, debug: bool) -> None:
    """Refuse a token from now on; pages that are open with it end.

    \b
    Example:
      fanfold live token revoke phone
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.tokens import revoked

        content = revoked(deployment, name)
        context.say(f"{name} is refused from now on")
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)


def _show(context: Context, content: dict[str, str]) -> None:
    context.say(f"{content['name']} may {content['role']}; its token is shown this once:")
    context.say(content["token"])
    context.end(content)
