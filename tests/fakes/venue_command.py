"""The venue's command where it is refused."""

from click.testing import CliRunner

from fanfold.cli import main

HELD = "PLANTED-1f9a"
"""A secret that must show nowhere."""


def ended(*options: str) -> tuple[int, str]:
    """Exit code, and what is said, of a command that is refused."""
    done = CliRunner().invoke(main, ["venue", *options])
    assert done.stdout == ""
    assert "Traceback" not in done.stderr
    assert HELD not in done.stderr
    return done.exit_code, done.stderr.splitlines()[-1]
