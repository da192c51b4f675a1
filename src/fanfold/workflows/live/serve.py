"""A deployment as an application of Ray Serve: shown, and kept up as long as it is there.

``serve deploy cluster/serve.yaml`` names `application`; ``fanfold live up`` starts the same
thing, see `fanfold.workflows.live.page_process`.
"""

import logging
import os
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

from pydantic import BaseModel, ConfigDict, Field

from fanfold.distributed.live_hosts import RayHosts, keep_supervisor, own_address
from fanfold.errors import ConfigError, LiveError
from fanfold.live.folder import Folder
from fanfold.live.logs import log_to_file
from fanfold.live.plan import read_plan
from fanfold.live.registry import is_held
from fanfold.live.supervision import SUPERVISOR
from fanfold.serving.application import build
from fanfold.serving.noted import Page, note_page
from fanfold.settings import check_settings, read_settings
from fanfold.settings.live import LiveJob
from fanfold.workflows.live.changing import Change
from fanfold.workflows.live.hosting import names_for

URL: Final = "http://127.0.0.1:8000/"
"""Where Ray Serve listens if nothing else is said."""

UP_MODULE: Final = "fanfold.workflows.live.up_process"
"""What brings a deployment up on the cluster of its replica."""

UP_S: Final = 270.0
"""How long that may take [s]: below what a round of the replica may."""

AGAIN_S: Final = 60.0
"""Time from one try to bring it up to the next [s]."""

PAGE: Final = "page"
"""Whose lines its replica writes."""

_log = logging.getLogger(__name__)


class Arguments(BaseModel):
    """What the application can be told, in a file for `serve deploy` as well.

    Attributes:
        config: A live configuration, on the machine of the replica; brought up where it is
            not, as `fanfold live up` does.
        set: Changes of single settings, as "a.b=value".
        deployment: In place of a configuration, a deployment that was brought up before.
        url: Where people find the page, which Serve does not know behind another server.
        alone: Whether Serve was started for this application.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    config: str = ""
    set: list[str] = Field(default=[])
    deployment: str = Field(default="", pattern=r"^([a-z0-9][a-z0-9-]{0,39})?$")
    url: str = Field(default=URL, pattern=r"^https?://[^/#?]+(/[^#?]*)?/$")
    alone: bool = False


def application(arguments: dict[str, Any]) -> Any:
    """The application of a deployment.

    Args:
        arguments: As `Arguments`; `config` or `deployment`.

    Raises:
        ConfigError: They are not what they must be.
    """
    asked = _checked(arguments)
    job = _job_of(asked)
    return build(KeptUp, arguments, node="" if job is None else job.live.host.node)


class KeptUp:
    """A deployment that is shown and kept up.

    What is meant to be up is what there is an application for; while a command changes it,
    nothing is done here.

    Args:
        arguments: As `Arguments`.
        name: Of the application.
    """

    def __init__(self, arguments: dict[str, Any], name: str) -> None:
        self._asked = asked = _checked(arguments)
        self._job = _job_of(asked)
        self._folder = Folder.of(asked.deployment if self._job is None else self._job.deployment)
        self._again_at = 0.0
        self._folder.make()
        log_to_file(self._folder, PAGE, os.getpid())
        page = Page(url=asked.url, application=name, pid=os.getpid(), alone=asked.alone)
        note_page(self._folder, page)

    def app(self) -> Any:
        """Its page and API."""
        from fanfold.workflows.live.desk import app_of

        return app_of(self._folder, on_ray=True)

    def round(self) -> None:
        """See that it is up, or bring it up.

        Raises:
            FanfoldError: It is not, and could not be.
        """
        folder = self._folder
        if is_held(folder, SUPERVISOR) or not RayHosts(folder).is_gone(SUPERVISOR):
            keep_supervisor(folder)
        elif folder.plan.is_file() and (self._job is None or self._runs()):
            self._bring_back()
        else:
            self._bring_up()

    def _runs(self) -> bool:
        """Whether any of its components does."""
        names = names_for(read_plan(self._folder))
        return any(is_held(self._folder, name) for name in names)

    def _bring_up(self) -> None:
        """Nothing of it runs: as `fanfold live up` does, unless a command is at it."""
        change = Change(self._folder)
        if time.monotonic() < self._again_at or not change.take():
            return
        change.release()
        if self._job is None:
            raise LiveError(f"{self._folder.name} must be brought up: fanfold live up CONFIG")
        self._again_at = time.monotonic() + AGAIN_S
        _run_up([self._asked.config, own_address(), *self._asked.set])

    def _bring_back(self) -> None:
        """Ray has forgotten its supervisor, whose components are found as they are."""
        change = Change(self._folder)
        if not change.take():
            return
        try:
            _log.warning("the supervisor is gone: it is made anew")
            keep_supervisor(self._folder)
        finally:
            change.release()


def _run_up(words: list[str]) -> None:
    """In a process of its own, since Ray ends what a replica has started with it."""
    try:
        done = subprocess.run(  # noqa: S603  (our own command)
            [sys.executable, "-m", UP_MODULE, *words],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=UP_S,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise LiveError(f"it must come up within {UP_S:g} s, did not") from None
    said = [line.removeprefix("fanfold: ") for line in done.stderr.strip().splitlines()]
    for line in said:
        _log.info("%s", line)
    if done.returncode:
        raise LiveError(said[-1] if said else f"it must come up, ended with {done.returncode}")


def _checked(arguments: dict[str, Any]) -> Arguments:
    asked = check_settings(arguments, "arguments of the application", Arguments)
    if bool(asked.config) == bool(asked.deployment):
        raise ConfigError(
            "arguments of the application must name a config or a deployment, were "
            f"{', '.join(sorted(arguments)) or 'none'}"
        )
    return asked


def _job_of(asked: Arguments) -> LiveJob | None:
    return read_settings(Path(asked.config), asked.set, LiveJob) if asked.config else None
