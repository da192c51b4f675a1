"""Jobs for a cluster that runs already: what is sent, and what is heard of them.

Ray's own client speaks, for it knows the token. Here it gets what it lacks: time limits,
and failures that are one clear line.
"""

import logging
import os
from collections import Counter
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, cast
from urllib.parse import urlsplit

from fanfold.errors import ConfigError, FanfoldError, JobError

CONNECT_SECONDS_MAX = 10.0
"""How long a job server may take to be reached [s]."""

REQUEST_SECONDS_MAX = 60.0
"""How long a job server may be silent while it answers [s]."""

UPLOAD_BYTES_MAX = 100 * 2**20
"""Files that Ray takes for a job, together and uncompressed [bytes]."""

UPLOAD_FILES_MAX = 20_000
"""Files that are looked at for a job [files]."""

LARGEST_NAMED = 3
"""Files and folders that are named when all are too large together."""

MIB = 2**20

RULING_ADDRESSES = ("RAY_API_SERVER_ADDRESS", "RAY_ADDRESS")
"""In the environment Ray lets them overrule the address that was asked for."""

CHATTY = (
    "ray.dashboard.modules.dashboard_sdk",
    "ray._private.runtime_env.packaging",
    "ray._private.runtime_env.working_dir",
)
"""Loggers that tell of every ignored folder."""

Status = Literal["PENDING", "RUNNING", "STOPPED", "SUCCEEDED", "FAILED"]


@dataclass(frozen=True, slots=True, kw_only=True)
class JobRequest:
    """What a job server is asked to run.

    Attributes:
        submission_id: Its name on the cluster, used once.
        entrypoint: Shell command.
        folder: Its files travel to the cluster; the command is started in their copy.
        excludes: What stays here, as in a .gitignore; so does what .gitignore and
            .rayignore name.
        env: Environment variables. They are shown on the cluster's pages: no secrets.
    """

    submission_id: str
    entrypoint: str
    folder: Path
    excludes: Sequence[str]
    env: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class JobState:
    """How far a job has come.

    Attributes:
        status: Ray's word for it.
        message: Ray's explanation.
    """

    status: Status
    message: str


class JobServer:
    """The job server of a cluster.

    The token, where the cluster asks for one, is Ray's affair: RAY_AUTH_MODE=token, with
    RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token.

    Args:
        address: Of the cluster's dashboard, such as "http://127.0.0.1:8265".

    Raises:
        ConfigError: The address is none, or the token is missing or wrong.
        JobError: Nobody answers.
    """

    def __init__(self, address: str) -> None:
        self.address = checked_address(address)
        with _speaking(self.address):
            self._client = _client(self.address)

    def submit(self, request: JobRequest) -> None:
        """Send a job with its files.

        Raises:
            ConfigError: The files are too large.
            JobError: The job server did not take it.
        """
        check_upload(request.folder, request.excludes)
        with _speaking(self.address):
            self._client.submit_job(
                submission_id=request.submission_id,
                entrypoint=request.entrypoint,
                runtime_env={
                    "working_dir": str(request.folder),
                    "excludes": list(request.excludes),
                    "env_vars": dict(request.env),
                },
            )

    def state(self, submission_id: str) -> JobState:
        """How far a job has come.

        Raises:
            JobError: The job server did not say.
        """
        with _speaking(self.address):
            info = self._client.get_job_info(submission_id)
            return JobState(cast("Status", str(info.status.value)), info.message or "")

    def log(self, submission_id: str) -> str:
        """All that a job has written so far.

        Raises:
            JobError: The job server did not say.
        """
        with _speaking(self.address):
            return self._client.get_job_logs(submission_id)


def checked_address(address: str) -> str:
    """The address of a cluster's dashboard, without a slash at its end.

    Raises:
        ConfigError: It is none.
    """
    parts = urlsplit(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username:
        raise ConfigError(
            "address must be that of a cluster's dashboard, such as "
            f"http://127.0.0.1:8265, was {address!r}"
        )
    return address.rstrip("/")


def check_upload(folder: Path, excludes: Sequence[str]) -> None:
    """Refuse to send what a cluster would not take.

    Args:
        folder: What is to be sent.
        excludes: What stays here, as in a .gitignore.

    Raises:
        ConfigError: There are too many files, or they are too large together.
    """
    sizes = _sizes(folder, excludes)
    total = sum(sizes.values())
    if total < UPLOAD_BYTES_MAX:
        return
    within: Counter[str] = Counter()
    for path, size in sizes.items():
        within[path.parts[0]] += size
    named = ", ".join(
        f"{name} {size / MIB:,.0f}" for name, size in within.most_common(LARGEST_NAMED)
    )
    raise ConfigError(
        f"the files of {folder} must be below {UPLOAD_BYTES_MAX // MIB} MiB to be sent, were "
        f"{total / MIB:,.0f} ({named}); name in .rayignore what the job does not need"
    )


def _sizes(folder: Path, excludes: Sequence[str]) -> dict[Path, int]:
    """Bytes of each file that Ray would send; found by Ray's own rules."""
    from ray._private import ray_constants
    from ray._private.runtime_env import packaging

    constants, rules = cast("Any", ray_constants), cast("Any", packaging)
    found: dict[Path, int] = {}

    def note(path: Path) -> None:
        if path.is_file():
            found[path.relative_to(folder)] = path.stat().st_size
        if len(found) > UPLOAD_FILES_MAX:
            raise ConfigError(
                f"{folder} must hold at most {UPLOAD_FILES_MAX:,} files to be sent: name in "
                ".rayignore what the job does not need"
            )

    _hush()
    patterns = [*constants.get_runtime_env_default_excludes(), *excludes]
    all_files = os.environ.get(constants.RAY_RUNTIME_ENV_IGNORE_GITIGNORE, "0") == "1"
    stays = [rules._get_excludes(folder, patterns)]  # noqa: SLF001  (Ray states no other way)
    try:
        rules._dir_travel(folder, stays, note, include_gitignore=not all_files)  # noqa: SLF001
    except OSError as error:
        raise ConfigError(f"the files of {folder} must be readable, were not: {error}") from None
    return found


def _client(address: str) -> Any:
    from ray.job_submission import JobSubmissionClient

    base: Any = JobSubmissionClient

    def ask(self: Any, *request: Any, **options: Any) -> Any:
        limits = (CONNECT_SECONDS_MAX, REQUEST_SECONDS_MAX)
        return base._do_request(self, *request, timeout=limits, **options)  # noqa: SLF001

    _hush()
    bounded: Any = type("BoundedClient", (base,), {"_do_request": ask})
    ruling = {name: os.environ.pop(name) for name in RULING_ADDRESSES if name in os.environ}
    try:
        return bounded(address)
    finally:
        os.environ.update(ruling)


def _hush() -> None:
    for name in CHATTY:
        logging.getLogger(name).setLevel(logging.ERROR)


@contextmanager
def _speaking(address: str) -> Generator[None]:
    """Turn what Ray's client raises into one line."""
    from ray.exceptions import AuthenticationError
    from requests.exceptions import ConnectionError as Unreachable
    from requests.exceptions import Timeout

    try:
        yield
    except FanfoldError:
        raise
    except AuthenticationError as error:
        raise ConfigError(_token_text(address, str(error))) from error
    except Timeout as error:
        raise JobError(f"a job server must answer at {address} in time, did not") from error
    except (ConnectionError, Unreachable) as error:
        raise JobError(f"a job server must answer at {address}, did not") from error
    except Exception as error:  # Ray raises RuntimeError, requests and JSON raise their own
        raise JobError(f"the job server at {address} must answer, said: {_line(error)}") from error


def _token_text(address: str, said: str) -> str:
    if "Forbidden" in said:
        return (
            f"the token for the cluster at {address} must be the cluster's own, was another: "
            "see RAY_AUTH_TOKEN, RAY_AUTH_TOKEN_PATH or ~/.ray/auth_token"
        )
    return (
        f"the cluster at {address} must be shown its token, was not: set RAY_AUTH_MODE=token, and "
        "RAY_AUTH_TOKEN_PATH or RAY_AUTH_TOKEN where the token is not in ~/.ray/auth_token"
    )


def _line(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())
