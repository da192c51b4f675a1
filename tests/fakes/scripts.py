"""Users' scripts run as `python FILE` runs them, but in this process, which has the libraries.

Each costs seconds of imports in a process of its own. One of each kind stays there, so that
a script which leans on what the tests have imported is seen.
"""

import contextlib
import io
import runpy
import sys
import warnings
from pathlib import Path

import pytest


def printed_here(script: Path, folder: Path, *words: str) -> str:
    """What a script prints with these words after its name, in a folder."""
    said = io.StringIO()
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(said),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")  # as for users: most kinds are not shown to them
        patch.chdir(folder)
        patch.setattr(sys, "argv", [str(script), *words])
        runpy.run_path(str(script), run_name="__main__")
    return said.getvalue()
