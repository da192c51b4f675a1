"""Make a virtual environment from a hashed lock, with nothing but Python at hand.

`make` runs this before anything else, with whatever `python3` a machine has, so
it keeps to what old Pythons understand: an unsuitable one then gets a sentence
that says what to do instead of a syntax error. Nothing is written outside this
folder, apart from the installer's own download cache.
"""

import argparse
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NoReturn

OLDEST, NEWEST = (3, 11), (3, 13)
THIS_VERSION = "{}.{}".format(*sys.version_info)
PROJECT_DIR = Path(__file__).resolve().parent.parent
BOOTSTRAP_LOCK = str(PROJECT_DIR / "infra" / "bootstrap.lock")
INSTALLER_DIR = PROJECT_DIR / ".uv"
PLACE_FILE = ".made-in"


def main() -> None:
    """Read the command line, then make or mend the environment."""
    parser = argparse.ArgumentParser(description="Make a virtual environment from a hashed lock.")
    parser.add_argument("folder", help="the environment's folder, such as .venv")
    parser.add_argument("lock", help="the lock that says what it holds")
    parser.add_argument("--project", action="store_true", help="install fanfold itself, editable")
    wanted = parser.parse_args()
    environment_dir, lock_file = PROJECT_DIR / wanted.folder, str(PROJECT_DIR / wanted.lock)
    refuse_unsuitable_python()
    clean_surroundings()
    if has_moved(environment_dir) or version_of(environment_dir) != THIS_VERSION:
        make_venv(environment_dir, "--without-pip")
    if not version_of(INSTALLER_DIR):
        make_venv(INSTALLER_DIR)
    say(f"installing {wanted.lock} into {wanted.folder}")
    python = python_of(environment_dir)
    if not (fetch_uv() and install_by_uv(python, lock_file, project=wanted.project)):
        say("uv could not install it, so pip does: slower, and by pip's own settings")
        install_by_pip(python, lock_file, project=wanted.project)


def refuse_unsuitable_python() -> None:
    """Stop with one sentence unless this Python can run fanfold and make environments."""
    version = ".".join(str(part) for part in sys.version_info[:3])
    if not OLDEST <= sys.version_info[:2] <= NEWEST:
        names = [f"python3.{minor}" for minor in range(NEWEST[1], OLDEST[1] - 1, -1)]
        other = next(filter(shutil.which, names), "/path/to/python3.12")
        stop(
            f"needs Python 3.11 to 3.13, but {sys.executable} is Python {version}. "
            f"Name another: make PYTHON={other}"
        )
    for module in ("venv", "ensurepip"):
        if importlib.util.find_spec(module) is None:
            stop(
                "needs a Python that can make virtual environments, but "
                f"{sys.executable} ({version}) has no module `{module}`. "
                f"On Debian and Ubuntu: apt install python{THIS_VERSION}-venv"
            )


def clean_surroundings() -> None:
    """Drop what would lead pip or uv into another environment."""
    for name in ("VIRTUAL_ENV", "CONDA_PREFIX", "PYTHONHOME", "PYTHONPATH"):
        os.environ.pop(name, None)
    for name in ("PIP_USER", "PIP_TARGET", "PIP_PREFIX"):
        os.environ.pop(name, None)
    os.environ["NO_SQLITE"] = "1"  # builds peewee without its optional C part: no compiler needed
    os.environ["UV_PYTHON_DOWNLOADS"] = "never"
    os.environ["PIP_DISABLE_PIP_VERSION_CHECK"] = "1"


def has_moved(environment_dir: Path) -> bool:
    """Whether it was made in another folder, to which its commands still lead."""
    place_file = environment_dir / PLACE_FILE
    return place_file.exists() and place_file.read_text() != str(environment_dir)


def version_of(environment_dir: Path) -> str:
    """Version of the environment's Python, as in 3.12; empty where it does not run."""
    ask = "import sys; print('{}.{}'.format(*sys.version_info))"
    try:
        return subprocess.check_output([python_of(environment_dir), "-c", ask]).decode().strip()
    except (OSError, subprocess.CalledProcessError):
        return ""


def make_venv(environment_dir: Path, *options: str) -> None:
    """Make an empty environment in place of whatever the folder holds."""
    command = [sys.executable, "-m", "venv", "--clear", *options, str(environment_dir)]
    if subprocess.call(command) != 0:
        stop(f"{sys.executable} could not make a virtual environment in {environment_dir}")
    (environment_dir / PLACE_FILE).write_text(str(environment_dir))


def fetch_uv() -> bool:
    """Whether the pinned uv is there, or could be fetched."""
    pip = [python_of(INSTALLER_DIR), "-m", "pip", "install", "--quiet"]
    return subprocess.call([*pip, "--no-deps", "--require-hashes", "-r", BOOTSTRAP_LOCK]) == 0


def install_by_uv(python: str, lock_file: str, *, project: bool) -> bool:
    """Make the environment hold the lock and nothing else; False where uv failed."""
    uv, options = str(INSTALLER_DIR / "bin" / "uv"), ["--python", python]
    if not sys.stderr.isatty():
        options.append("--quiet")  # the list of packages is the lock; only people want progress
    # What builds is held to its hashes too.
    options += ["--build-constraints", BOOTSTRAP_LOCK]
    if subprocess.call([uv, "pip", "sync", *options, "--require-hashes", lock_file]) != 0:
        return False
    editable = [uv, "pip", "install", *options, "--no-deps", "--editable", str(PROJECT_DIR)]
    return not project or subprocess.call(editable) == 0


def install_by_pip(python: str, lock_file: str, *, project: bool) -> None:
    """Install the lock by pip, which obeys settings that uv does not read."""
    pip = [python_of(INSTALLER_DIR), "-m", "pip", "--python", python, "install", "--no-deps"]
    # pip checks no hash of what builds, so that is installed beforehand.
    steps = [
        [*pip, "--require-hashes", "-r", BOOTSTRAP_LOCK],
        [*pip, "--no-build-isolation", "--require-hashes", "-r", lock_file],
    ]
    if project:
        steps.append([*pip, "--no-build-isolation", "--editable", str(PROJECT_DIR)])
    if any(subprocess.call(step) != 0 for step in steps):
        stop(f"could not install {lock_file}: the lines above say why")


def python_of(environment_dir: Path) -> str:
    """Path of an environment's Python."""
    return str(environment_dir / "bin" / "python")


def say(text: str) -> None:
    """Tell what happens, on the error stream as all progress."""
    sys.stderr.write(f"fanfold: {text}\n")


def stop(text: str) -> NoReturn:
    """End with one line and the exit code for bad input."""
    say(text)
    sys.exit(2)


if __name__ == "__main__":
    main()
