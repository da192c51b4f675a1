"""The way to MLflow: where it is, and how to speak to it without its chatter.

MLflow is imported here and nowhere else, when the first run is recorded: it takes
seconds, and a result must be on the screen before that.
"""

import fcntl
import os
import re
import warnings
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from fanfold.errors import FanfoldError, JobError

SQLITE = "sqlite:///"
SETTINGS = {
    "MLFLOW_LOGGING_LEVEL": "WARNING",  # the first run announces every migration
    "MLFLOW_SUPPRESS_PRINTING_URL_TO_STDOUT": "true",
    "MLFLOW_ENABLE_ARTIFACTS_PROGRESS_BAR": "false",
    "MLFLOW_DISABLE_TELEMETRY": "true",  # nothing about a run leaves the machine
}
"""Set unless the user has set them."""


def tracking_uri(folder: Path | None = None) -> str:
    """Where runs are recorded, as an absolute address.

    Args:
        folder: A folder of its own for database and artifacts; by default
            `MLFLOW_TRACKING_URI`, or `mlruns` in the working folder.

    Returns:
        An address for MLflow. A job on a cluster works in a folder that is thrown
        away, so a relative database becomes absolute here.
    """
    chosen = os.environ.get("MLFLOW_TRACKING_URI", "") if folder is None else ""
    if not chosen:
        database = (folder or Path("mlruns")).expanduser().absolute() / "mlflow.db"
        return f"{SQLITE}{database.as_posix()}"
    database = database_file(chosen)
    return chosen if database is None else f"{SQLITE}{database.as_posix()}"


def database_file(uri: str) -> Path | None:
    """The file of a local database; None where a server keeps the runs."""
    if not uri.startswith(SQLITE):
        return None
    return Path(uri.removeprefix(SQLITE).partition("?")[0]).absolute()


@contextmanager
def speaking(uri: str, purpose: str) -> Generator[Any]:
    """A client of the store at `uri`, quiet, whose failures are one clear line.

    Args:
        uri: What `tracking_uri` gave.
        purpose: What is being done, for the message of a failure.

    Raises:
        JobError: MLflow could not do its part.
    """
    for name, value in SETTINGS.items():
        os.environ.setdefault(name, value)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            from mlflow import MlflowClient

            with _opening_alone(database_file(uri)):
                client: Any = MlflowClient(tracking_uri=uri)
                client.search_experiments(max_results=1)  # makes the tables where they lack
            yield client
    except FanfoldError:
        raise
    except Exception as error:
        raise JobError(
            f"{purpose} at {_masked(uri)} must work, was stopped by {_said(error)}"
        ) from error


@contextmanager
def _opening_alone(database: Path | None) -> Generator[None]:
    """Two processes that make the tables of one new database get in each other's way."""
    if database is None:
        yield
        return
    database.parent.mkdir(parents=True, exist_ok=True)
    with (database.parent / f"{database.name}.lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # let go when the file closes, whatever happens
        yield


def _said(error: Exception) -> str:
    lines = str(error).split("\n")
    return f"{type(error).__name__}: {_masked(lines[0].strip())}"


def _masked(text: str) -> str:
    return re.sub(r"//[^/@\s]+@", "//***@", text)  # an address may carry a password
