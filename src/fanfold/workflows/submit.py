"""A job sent to a cluster that runs already, and followed until it ends.

The job there is the command that would have run here, with the same settings: equal
settings give equal bits. A loopback address is taken as this machine: then results, the
tracking store and the trial ledger are the ones that a run here would use, and the job
goes on where a stopped one was.
"""

import ipaddress
import json
import os
import re
import shlex
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast
from urllib.parse import urlsplit

from fanfold.distributed import JobRequest, JobServer, JobState, checked_address
from fanfold.domain.place import home
from fanfold.errors import ConfigError, JobError
from fanfold.settings import Settings, read_settings
from fanfold.tracking import ledger_folder, tracking_uri
from fanfold.workflows.close import Show, job_folder

POLL_SECONDS = 1.0
"""Between two looks at a job [s]."""

START_SECONDS_MAX = 900.0
"""How long a job may wait for a place on the cluster and for its files [s]."""

FOLLOW_SECONDS_MAX = 30 * 86_400.0
"""How long a job is followed [s]."""

MISSED_LOOKS_MAX = 10
"""Looks in a row that may fail before a job is no longer followed."""

EXCLUDES = (
    *(".git", ".venv*", "venv", ".uv", "node_modules", "/mlruns", "/runs", ".fanfold"),
    *("__pycache__", ".*_cache", ".hypothesis", ".ipynb_checkpoints", "*.egg-info"),
    *(".env", "*.pem", "*.key", "*.secret"),
)
"""What stays here: environments, results, caches, and keys."""

LOCAL_SCHEMES = ("", "sqlite", "file")
"""Of addresses that name a file of this machine."""

RAYS_OWN_LINE = re.compile(r"^\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d+\s|^Running entrypoint for job ")
"""Of a job's log: what Ray wrote, not the job."""

MISSING_MODULE = re.compile(r"No module named '([\w.]+)'")

PREFIX = "fanfold: "


def submit_job(
    config: Path,
    *,
    address: str,
    overrides: Sequence[str] = (),
    wait: bool = False,
    folder: Path | None = None,
    say: Show,
    warn: Show,
) -> dict[str, Any]:
    """Run a job on a cluster; the files of the working folder travel with it.

    Args:
        config: The configuration, in the working folder.
        address: Of the cluster's dashboard, such as "http://127.0.0.1:8265".
        overrides: Changes as "a.b=value".
        wait: Whether to follow the job until it ends.
        folder: Where tables and reports go, on the cluster; by default as the settings say.
        say: Shows a line of the result.
        warn: Shows a line about the work itself.

    Returns:
        `status` and `submission_id`, and what the job itself ends with: `result_hash`,
        `metrics`, `artifacts`, `mlflow_run_id`, `seconds`. Without waiting the status is
        "submitted", and "running" where Ctrl-C ended the waiting; `follow` says how to
        look at the job then.

    Raises:
        ConfigError: The settings, the address, the token or the size of the files are not
            what they must be; nothing was sent.
        JobError: The cluster is not to be reached, or the job failed there.
    """
    settings, address = read_settings(config, overrides), checked_address(address)
    request = request_of(settings, config, overrides, address=address, folder=folder)
    if not is_loopback(address) and not (folder or settings.folder).is_absolute():
        warn("tables and reports stay in the job's own folder there, and a new job begins anew")
    server = JobServer(address)
    server.submit(request)
    name = request.submission_id
    follow = f"ray job logs --address {address} --follow {name}"
    if not wait:
        say(f"job     {name}")
        say(f"follow  {follow}")
        return {"status": "submitted", "submission_id": name, "follow": follow}
    warn(f"job {name}")
    try:
        return {**Following(server, name, say, warn).result(), "submission_id": name}
    except KeyboardInterrupt:
        warn(f"{name} still runs; follow it: {follow}")
        return {"status": "running", "submission_id": name, "follow": follow}


def request_of(
    settings: Settings,
    config: Path,
    overrides: Sequence[str],
    *,
    address: str,
    folder: Path | None = None,
) -> JobRequest:
    """What a cluster is asked to run.

    Raises:
        ConfigError: The configuration does not travel, the tracking store is out of the
            cluster's reach, or something carries a password.
    """
    here = Path.cwd()
    if not config.absolute().is_relative_to(here):
        raise ConfigError(f"a configuration must lie in {here} to be sent, {config} does not")
    changes = [*overrides, "run.address=null"]
    place = folder or settings.folder
    if is_loopback(address):
        place = place.absolute()
    changes.append(f"folder={json.dumps(str(place))}")
    for change in changes:
        _check_no_password(change, "--set")
    words = ["-m", "fanfold.cli", "run", config.absolute().relative_to(here).as_posix(), "--json"]
    words += [word for change in changes for word in ("--set", change)]
    return JobRequest(
        submission_id=f"{job_folder(settings).name}-{_now()}",
        entrypoint=f"{_python(address)} {shlex.join(words)}",
        folder=here,
        excludes=(*EXCLUDES, *_results_within(here, settings)),
        env=_env(settings, here, address),
    )


def is_loopback(address: str) -> bool:
    """Whether an address is one of this machine's own."""
    host = urlsplit(address).hostname or ""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _python(address: str) -> str:
    """Of the cluster; here it is this one, also where its folder is in nobody's PATH."""
    if not is_loopback(address):
        return "python"
    return f'"$(command -v {shlex.quote(sys.executable)} || echo python)"'


def _env(settings: Settings, here: Path, address: str) -> dict[str, str]:
    env = {"RAY_USAGE_STATS_ENABLED": "0", "MLFLOW_DISABLE_TELEMETRY": "true"}
    if "RAY_AUTH_MODE" in os.environ:
        env["RAY_AUTH_MODE"] = os.environ["RAY_AUTH_MODE"]
    if (here / "src" / "fanfold").is_dir():
        env["PYTHONPATH"] = "src"
    if is_loopback(address):
        env["FANFOLD_HOME"] = str(home())
        env["FANFOLD_LEDGER"] = str(ledger_folder())
    if settings.track.enabled:
        env["MLFLOW_TRACKING_URI"] = _tracking_uri(address)
    return env


def _tracking_uri(address: str) -> str:
    uri = tracking_uri()
    if not is_loopback(address) and urlsplit(uri).scheme in LOCAL_SCHEMES:
        raise ConfigError(
            f"MLFLOW_TRACKING_URI must name a server that the cluster at {address} reaches, "
            f"was {uri}; or leave tracking out: --no-track"
        )
    _check_no_password(uri, "MLFLOW_TRACKING_URI")
    return uri


def _check_no_password(text: str, name: str) -> None:
    """A job's command and environment are shown on the cluster's pages."""
    if re.search(r"://[^/@\s]*:[^/@\s]*@", text):
        raise ConfigError(
            f"{name} must carry no password, did: name it on the cluster, as in "
            "MLFLOW_TRACKING_PASSWORD or PGPASSWORD"
        )


def _results_within(here: Path, settings: Settings) -> Iterator[str]:
    place = settings.folder.absolute()
    if place.is_relative_to(here) and place != here:
        yield f"/{place.relative_to(here).as_posix()}"


def _now() -> str:
    return datetime.now(UTC).strftime("%Y%m%d-%H%M%S-%f")


@dataclass(slots=True)
class Following:
    """A job that is looked at until it ends.

    Attributes:
        server: Where it runs.
        name: Its submission id.
        say: Shows a line of its result.
        warn: Shows a line about the work itself.
        pause: Waits so many seconds.
        now: A clock that only goes forward [s].
    """

    server: JobServer
    name: str
    say: Show
    warn: Show
    pause: Callable[[float], None] = time.sleep
    now: Callable[[], float] = time.monotonic
    _shown: int = field(default=0, init=False)

    def result(self) -> dict[str, Any]:
        """What the job ends with.

        Raises:
            JobError: It failed, was stopped, or can no longer be followed.
        """
        began, missed = self.now(), 0
        while self.now() - began < FOLLOW_SECONDS_MAX:
            try:
                state = self.server.state(self.name)
                log = self.server.log(self.name)
            except JobError:
                missed += 1
                if missed > MISSED_LOOKS_MAX:
                    raise
            else:
                missed = 0
                ended = state.status not in ("PENDING", "RUNNING")
                self._show(log, whole=ended)
                if ended:
                    return ended_with(self.name, state, log)
                if state.status == "PENDING" and self.now() - began > START_SECONDS_MAX:
                    raise JobError(f"{self.name} must begin in time, did not: {state.message}")
            self.pause(POLL_SECONDS)
        raise JobError(f"{self.name} must end in time, still runs")

    def _show(self, log: str, *, whole: bool) -> None:
        """Show the lines that are new; one that is still being written waits."""
        lines = log.splitlines() if whole else log.split("\n")[:-1]
        for line in lines[self._shown :]:
            if line.startswith(PREFIX):
                self.warn(line.removeprefix(PREFIX))
            elif not RAYS_OWN_LINE.match(line) and _result_in(line) is None:
                self.say(line)
        self._shown = len(lines)


def ended_with(name: str, state: JobState, log: str) -> dict[str, Any]:
    """The result that stands at the end of a job's log.

    Raises:
        JobError: There is none, for the job failed.
    """
    lines = [line for line in log.splitlines() if line.strip() and not RAYS_OWN_LINE.match(line)]
    found = next((one for line in reversed(lines) if (one := _result_in(line))), None)
    if state.status == "STOPPED":
        raise JobError(f"{name} must run to its end, was stopped")
    if found is not None and found["status"] != "failed":
        return found
    if found is not None:
        raise JobError(f"{name} failed: {found.get('error', '')}")
    missing = MISSING_MODULE.search(log)
    if missing is not None:
        raise JobError(
            "the Python that started the cluster must have fanfold installed with all it needs, "
            f"has no module {missing[1]!r}"
        )
    said = lines[-1] if lines else " ".join(state.message.split())
    raise JobError(f"{name} must end with its result, ended {state.status.lower()}: {said}")


def _result_in(line: str) -> dict[str, Any] | None:
    """The object that `fanfold run --json` ends with, if the line is one."""
    if not line.startswith("{"):
        return None
    try:
        read = json.loads(line)
    except json.JSONDecodeError:
        return None
    content = cast("dict[str, Any]", read) if isinstance(read, dict) else {}
    return content if "status" in content else None
