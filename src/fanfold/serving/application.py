"""The Ray Serve application: one replica that shows a deployment and keeps it up.

It owns the actors without holding them: they are detached, so that replacing the replica, its
proxy or Serve's controller touches none of them. A new replica finds them as they are.
"""

import logging
import os
import threading
import time
from collections.abc import Callable
from typing import Any, Final, Protocol

from fanfold.distributed.live_hosts import NODE_SHARE
from fanfold.errors import FanfoldError, LiveError
from fanfold.live.folder import UMASK
from fanfold.live.logs import described

NAME: Final = "live"
"""Name of the application, where a cluster has one."""

ROUND_S: Final = 1.0
"""Time between two looks at what is to be kept up [s]."""

SILENT_S: Final = 300.0
"""A keeper that has not finished a round for so long stands still [s]; bringing a deployment up
is one round."""

LISTENERS_MAX: Final = 64
"""Requests that a replica answers at once; each page that is open is one."""

WAITING_MAX: Final = 64
"""Requests that may wait in the proxy beyond those; more are refused with 503."""

HEALTH_PERIOD_S: Final = 2.0
HEALTH_TIMEOUT_S: Final = 10.0
"""How often Serve asks whether the replica is well, and how long it may take to say so [s]."""

END_S: Final = 2.0
"""How long a replica that ends waits for its requests [s]: an open page never ends by itself."""

_log = logging.getLogger(__name__)


class Keeper(Protocol):
    """What a replica shows and keeps up."""

    def app(self) -> Any:
        """The ASGI application that shows it."""
        ...

    def round(self) -> None:
        """Look once, and mend what is missing.

        Raises:
            FanfoldError: It could not, which is written down; the next round tries again.
        """
        ...


Opens = Callable[[dict[str, Any], str], Keeper]
"""Makes a keeper of the application's arguments and its name."""


class Replica:
    """What runs in the one replica.

    Args:
        opens: A function that every process can import.
        arguments: What it gets.
    """

    def __init__(self, opens: Opens, arguments: dict[str, Any]) -> None:
        os.umask(UMASK)  # whatever it writes is its owner's
        self._keeper = opens(arguments, str(_serve().get_replica_context().app_name))
        self._ended = threading.Event()
        self._round_at = time.monotonic()
        self._thread = threading.Thread(target=self._keep, name="keeper", daemon=True)
        self._thread.start()

    def __serve_build_asgi_app__(self) -> Any:
        return self._keeper.app()

    def check_health(self) -> None:
        """Serve's question; a replica that does not keep its deployment up is replaced.

        Raises:
            LiveError: The keeper has ended, or stands still.
        """
        silent_s = time.monotonic() - self._round_at
        if not self._thread.is_alive() or silent_s > SILENT_S:
            raise LiveError(
                f"the keeper must finish a round in {SILENT_S:g} s, took {silent_s:.0f}"
            )

    def __del__(self) -> None:
        """End what is this replica's own: no actor."""
        self._ended.set()

    def _keep(self) -> None:
        said = ""
        while True:
            try:
                self._keeper.round()
                trouble = ""
            except FanfoldError as error:
                trouble = str(error)
            except Exception as error:  # Ray's own, where its head is away: it comes back
                trouble = described(error)
            if trouble and trouble != said:
                _log.warning("not kept up: %s", trouble)
            said = trouble
            self._round_at = time.monotonic()
            if self._ended.wait(ROUND_S):
                return


def build(
    opens: Opens,
    arguments: dict[str, Any],
    *,
    node: str = "",
    environ: dict[str, str] | None = None,
) -> Any:
    """The application, to be run by Ray Serve.

    Args:
        opens: A function that every process can import.
        arguments: What it gets.
        node: Resource of the node that the replica must be on, "" for any.
        environ: What the replica has in its environment beside the cluster's own.

    Returns:
        What `serve.run` and `serve deploy` take.
    """
    serve = _serve()
    options: dict[str, Any] = {"num_cpus": 0}
    if node:
        options["resources"] = {node: NODE_SHARE}
    if environ:
        options["runtime_env"] = {"env_vars": environ}
    deployment = serve.deployment(
        name="Live",
        num_replicas=1,  # it looks and tells: a second one would say all twice
        max_surge_percent=100,  # a new one answers before the old one ends
        max_ongoing_requests=LISTENERS_MAX,
        max_queued_requests=WAITING_MAX,
        health_check_period_s=HEALTH_PERIOD_S,
        health_check_timeout_s=HEALTH_TIMEOUT_S,
        graceful_shutdown_timeout_s=END_S,
        graceful_shutdown_wait_loop_s=END_S / 4,
        ray_actor_options=options,
    )
    return deployment(serve.ingress()(Replica)).bind(opens, arguments)


def _serve() -> Any:
    from ray import serve as untyped

    return untyped
