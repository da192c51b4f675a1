"""How an order came to be: `fanfold live trace`."""

import click

from fanfold.cli.context import Context, common, guarded

_deployment = click.option(
    "--deployment", metavar="NAME", help="Which one; may be left out where there is one."
)


@click.command()
@click.argument("order_or_id")
@_deployment
@common
def trace(order_or_id: str, deployment: str | None, *, as_json: bool, debug: bool) -> None:
    """Show every step from a tick to its fills, with the instants of each.

    Named by an order, as `fanfold live status` shows it, or by a trace's id, as it stands in
    the components' lines; the first eight letters of an id suffice. It reads the lines, the
    tapes and the journal of the deployment, whether it is up or down.

    \b
    Examples:
      fanfold live trace ff-2a97516c-8d1f0a5c42e9b7703c5d11aa90be
      fanfold live trace 6f0c2b9e --json
    """  # noqa: D301  (click reads the escape itself)

    def work(context: Context) -> None:
        from fanfold.workflows.live.deployments import deployment_named
        from fanfold.workflows.live.traced import trace_lines, trace_of

        content = trace_of(deployment_named(deployment), order_or_id)
        for line in trace_lines(content):
            context.say(line)
        context.end(content)

    guarded(work, as_json=as_json, debug=debug)
