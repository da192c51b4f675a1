"""Brings a deployment's page up on its cluster, and ends.

``python -m fanfold.workflows.live.page_process FOLDER HOST PORT NODE``: a process of its own,
so that whatever goes wrong with the page goes wrong beside what trades.
"""

import os
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from fanfold.distributed.live_head import Cluster, await_head, cluster_of, entrance, source_folder
from fanfold.distributed.live_hosts import connected_to
from fanfold.domain.place import home
from fanfold.errors import FanfoldError, JobError, LiveError
from fanfold.live.folder import UMASK, Folder
from fanfold.serving.application import NAME, build
from fanfold.serving.ports import address_of
from fanfold.serving.started import load, serves_at, start
from fanfold.workflows.live.serve import KeptUp

MODULE: Final = "fanfold.workflows.live.page_process"

HEAD_S: Final = 180.0
"""How long a head may take to come up, in several tries [s]."""

NICE: Final = 10
"""How far it stands back behind what trades; what it starts does not."""

_WORDS: Final = 5
_POLL_S: Final = 0.1


def bring_up(folder: Folder, host: str, port: int, node: str) -> None:
    """Start Ray Serve on a deployment's cluster, with the deployment's application.

    Args:
        folder: Of the deployment, whose cluster has been noted.
        host: Where the page listens, if Serve does not run yet.
        port: Its port.
        node: Resource of the node that it must be on, "" for any.

    Raises:
        JobError: There is no cluster, or Serve does not start.
    """
    if _has_own_head(folder):
        os.environ |= entrance(folder)  # Ray reads it when it is imported
        load()
    cluster = _cluster_that_is_up(folder)
    with connected_to(folder, cluster):
        own = cluster.head is not None
        route = "/" if own else f"/{folder.name}"  # there may be others on it
        before = serves_at()
        environ = {} if own else {"FANFOLD_HOME": str(home()), "PYTHONPATH": source_folder()}
        arguments = {
            "deployment": folder.name,
            "url": f"{before or address_of(host, port)}{route.rstrip('/')}/",
            "alone": not before,
        }
        made = build(KeptUp, arguments, node=node, environ=environ)
        start(made, NAME if own else f"{NAME}-{folder.name}", route, host=host, port=port)


def _has_own_head(folder: Folder) -> bool:
    """Whether it is a head of our own, which may still be coming up."""
    cluster = cluster_of(folder)
    return cluster is not None and cluster.head is not None


def _cluster_that_is_up(folder: Folder) -> Cluster:
    """The deployment's; where its head failed to start, whoever started it tries again."""
    until = time.monotonic() + HEAD_S
    while True:
        cluster = cluster_of(folder)
        try:
            if cluster is not None:
                return await_head(folder, cluster)
        except JobError:
            if time.monotonic() > until:
                raise
        if time.monotonic() > until:
            raise LiveError(f"{folder.name} must have a cluster to show a page on, has none")
        time.sleep(_POLL_S)


def main(words: Sequence[str]) -> int:
    """The command; 0 where the application is on its way."""
    if len(words) != _WORDS or not Path(words[1]).is_dir():
        sys.stderr.write(f"usage: python -m {MODULE} FOLDER HOST PORT NODE\n")
        return 2
    os.umask(UMASK)
    os.nice(NICE)
    try:
        bring_up(Folder(Path(words[1])), words[2], int(words[3]), words[4])
    except FanfoldError as error:
        sys.stderr.write(f"fanfold: {error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv))
