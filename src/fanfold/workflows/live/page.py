"""A deployment's page: begun beside what trades, which waits for it nowhere."""

import os
import subprocess
import sys
import time
from typing import Any, Final
from urllib.parse import urlsplit

from fanfold.distributed.live_head import Cluster
from fanfold.errors import FanfoldError
from fanfold.live.folder import Folder
from fanfold.live.plan import Plan
from fanfold.live.settings import LiveSettings
from fanfold.serving.access import FILE, TOKEN_VARIABLE, owner_token
from fanfold.serving.noted import Page, forget_page, noted_page, trouble_of
from fanfold.serving.ports import free_port

MODULE: Final = "fanfold.workflows.live.page_process"
"""What brings the application up on a cluster: a process that ends when it has."""

READY_S: Final = 60.0
"""How long a command waits for the page when all else is up [s]."""

_POLL_S: Final = 0.1
_LOG: Final = "page.err"


class Begun:
    """A page that is on its way.

    Args:
        process: That brings it up, or shows it; None where nothing is on its way.
        trouble: Why nothing is; "" where nothing was to be.
    """

    def __init__(self, process: subprocess.Popen[bytes] | None = None, trouble: str = "") -> None:
        self._process = process
        self._trouble = trouble
        self.is_wanted = process is not None or trouble != ""

    def trouble(self, folder: Folder) -> str:
        """Why there will be no page; "" where there may be one."""
        if self._process is not None and self._process.poll():
            return _last_line(folder)
        return self._trouble

    def end(self) -> None:
        """Let nothing more come up."""
        if self._process is not None and self._process.poll() is None:
            self._process.kill()
            self._process.wait()


def begin_page(folder: Folder, settings: LiveSettings) -> Begun:
    """Start the page of a deployment whose hosts have been begun.

    Whatever goes wrong here is told by what is returned: trading does without a page.
    """
    page = settings.page
    if not page.enabled:
        forget_page(folder)
        return Begun()
    try:
        port = free_port(page.host, page.port, _port_before(folder))
        if settings.host.hosts == "processes":
            from fanfold.serving.plain import start

            return Begun(start(folder, page.host, port))
        forget_page(folder)
        return Begun(_brought_up(folder, settings, port))
    except (FanfoldError, OSError) as error:
        return Begun(trouble=str(error))


def await_page(folder: Folder, begun: Begun) -> dict[str, Any]:
    """Where the page is, and whether it answers, once it does or cannot.

    Returns:
        `page`: "up", "none", or "down: " and why; `url` where there is one.
    """
    if not begun.is_wanted:
        return {"page": "none"}
    until = time.monotonic() + READY_S
    while True:
        found = page_of(folder)
        if found["page"] == "up":
            return found
        if trouble := begun.trouble(folder):
            return found | {"page": f"down: {trouble}"}
        if time.monotonic() > until:
            return found | {"page": f"down: not up within {READY_S:g} s; it goes on"}
        time.sleep(_POLL_S)


def page_of(folder: Folder) -> dict[str, Any]:
    """Where the page is, without a token, and whether it answers; as `await_page`."""
    page = noted_page(folder)
    if page is None or not page.pid:
        return {"page": "none"}
    trouble = trouble_of(page)
    return {"page": f"down: {trouble}" if trouble else "up", "url": page.url}


def with_token(folder: Folder, plan: Plan, url: str) -> str:
    """The page's address with a new token of the owner behind it.

    It stands after the "#", which no browser sends. For real money, and where the environment
    holds the token, the address comes without one.

    Raises:
        DataError: The file of tokens cannot be read.
    """
    if plan.settings.broker.at == "live" or os.environ.get(TOKEN_VARIABLE):
        return url
    return f"{url}#token={owner_token(folder.path / FILE)}"


def end_page(folder: Folder, cluster: Cluster | None) -> str:
    """End the page: a process of its own, or an application on somebody's cluster.

    One on a head of our own ends with that.

    Args:
        folder: Of the deployment.
        cluster: That its actors were on.

    Returns:
        What became of it.
    """
    page = noted_page(folder)
    if page is None or not page.pid:
        return "none"
    try:
        if not page.application:
            from fanfold.serving.plain import stop

            return stop(folder)
        if cluster is not None and cluster.head is None:
            _end_application(folder, cluster, page)
    except FanfoldError as error:
        return f"runs on: {error}"
    finally:
        forget_page(folder)
    return "stopped"


def _end_application(folder: Folder, cluster: Cluster, page: Page) -> None:
    from fanfold.distributed.live_hosts import connected_to
    from fanfold.serving.started import end

    with connected_to(folder, cluster):
        end(page.application, alone=page.alone)


def _brought_up(folder: Folder, settings: LiveSettings, port: int) -> subprocess.Popen[bytes]:
    log = folder.logs / _LOG
    with log.open("wb") as written:
        os.fchmod(written.fileno(), 0o600)
        return subprocess.Popen(  # noqa: S603  (our own command)
            [
                *(sys.executable, "-m", MODULE, str(folder.path)),
                *(settings.page.host, str(port), settings.host.node),
            ],
            stdin=subprocess.DEVNULL,
            stdout=written,
            stderr=written,
            start_new_session=True,
        )


def _port_before(folder: Folder) -> int:
    """The port of the page before this one, where open tabs look for it."""
    page = noted_page(folder)
    return 0 if page is None else urlsplit(page.url).port or 0


def _last_line(folder: Folder) -> str:
    try:
        said = (folder.logs / _LOG).read_text(errors="replace").strip().splitlines()[-1:]
    except OSError:
        said = []
    return said[0].removeprefix("fanfold: ") if said else "it ended and said nothing"
