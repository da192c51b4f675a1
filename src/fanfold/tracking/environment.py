"""The few facts about a machine that say whether a result can be made again.

A whole environment would carry secrets into a store that others read, so the
facts are named one by one.
"""

import os
import platform
import shutil
import subprocess
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

PACKAGES = ("fanfold", "numpy", "numba", "pandas", "pyarrow", "ray", "mlflow")
GIT_SECONDS_MAX = 5.0
"""A repository on a dead network drive must not hold up a result [s]."""


def environment(folder: Path | None = None) -> dict[str, str]:
    """Versions, machine and commit, as tags.

    Args:
        folder: Where to look for a git repository; the working folder by default.

    Returns:
        Values by name; what is not installed or not in a repository is left out.
    """
    facts = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "cpu_count": str(os.cpu_count() or 1),
    }
    return facts | _package_versions() | _commit(folder or Path.cwd())


def _package_versions() -> dict[str, str]:
    found: dict[str, str] = {}
    for package in PACKAGES:
        try:
            found[f"{package}_version"] = version(package)
        except PackageNotFoundError:
            continue
    return found


def _commit(folder: Path) -> dict[str, str]:
    commit = _git("rev-parse", "--verify", "--quiet", "HEAD", folder=folder)
    if not commit:
        return {}
    changed = _git("status", "--porcelain", "--untracked-files=no", folder=folder)
    return {
        "git_commit": commit,
        "git_changed": "unknown" if changed is None else str(changed != ""),
    }


def _git(*arguments: str, folder: Path) -> str | None:
    program = shutil.which("git")
    if program is None:
        return None
    try:
        answer = subprocess.run(  # noqa: S603 - fixed words, no shell
            [program, *arguments],
            cwd=folder,
            capture_output=True,
            text=True,
            timeout=GIT_SECONDS_MAX,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return answer.stdout.strip() if answer.returncode == 0 else None
