"""The page of a deployment in the foreground, for whoever wants to see it now."""

import os
from collections.abc import Callable
from typing import Any

from fanfold.errors import ConfigError
from fanfold.live.folder import UMASK, Folder
from fanfold.live.plan import read_plan
from fanfold.live.settings import LOOPBACK
from fanfold.serving.access import FILE, TOKEN_VARIABLE, tokens_in
from fanfold.serving.plain import listening, run, url_of
from fanfold.workflows.live.desk import app_of


def serve_here(
    folder: Folder,
    host: str,
    port: int,
    tell: Callable[[dict[str, Any]], None],
    say: Callable[[str], None],
) -> None:
    """Serve a deployment's page until it is stopped.

    Args:
        folder: Of the deployment.
        host: Address to listen at; one beyond this machine needs `live.page.names`.
        port: 0 for a free one.
        tell: Told where it is, as plain values.
        say: Told the same in lines.

    Raises:
        InputError: The address or the port cannot be had, or the plan cannot be read.
    """
    os.umask(UMASK)
    if host not in LOOPBACK and not read_plan(folder).settings.page.names:
        raise ConfigError(
            f"host must be one of {', '.join(LOOPBACK)}, was {host}; another one needs "
            "live.page.names, by which the page may be asked"
        )
    app, listens = app_of(folder), listening(host, port)
    url = url_of(listens)
    tell({"status": "serving", "deployment": folder.name, "url": url})
    say(f"{folder.name} is shown at {url} until Ctrl-C")
    if not os.environ.get(TOKEN_VARIABLE) and not tokens_in(folder.path / FILE):
        say("nobody has a token yet: fanfold live token add NAME")
    run(app, listens)
