"""A page as paper, printed by the browser that the machine has.

No library draws a page as a browser does, so the browser is asked. It gets a profile
of its own that is thrown away, and no way to reach a network.
"""

import os
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path

from fanfold.errors import JobError

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
"""Names under which Chromium is found, in this order."""
PDF_SECONDS_MAX = 120.0
"""Longest time that printing may take [s]."""
DRAWING_MS_MAX = 20_000
"""Time that the page has to draw its figures, by the page's own clock [ms]."""
SILENT = (
    "--headless",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--disable-sync",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-default-apps",
    "--no-first-run",
    "--no-default-browser-check",
    "--host-resolver-rules=MAP * ~NOTFOUND",
    "--no-pdf-header-footer",
)


def write_pdf(html: Path) -> Path:
    """Print a page as PDF beside it.

    Args:
        html: A page as `write_report` or `write_comparison` wrote it.

    Returns:
        The PDF: the page's path with another suffix.

    Raises:
        JobError: There is no Chromium, it took too long, or it wrote nothing.
    """
    browser = found_browser()
    target = html.with_suffix(".pdf")
    with tempfile.TemporaryDirectory(prefix="fanfold-pdf-") as place:
        printed = Path(place) / "printed.pdf"
        said = _print(
            [
                browser,
                *SILENT,
                *(["--no-sandbox"] if _is_root() else []),
                f"--user-data-dir={Path(place) / 'profile'}",
                f"--virtual-time-budget={DRAWING_MS_MAX}",
                f"--print-to-pdf={printed}",
                f"{html.absolute().as_uri()}#paper",
            ]
        )
        if not printed.is_file() or printed.stat().st_size == 0:
            raise JobError(f"{browser} must print {html} as PDF, wrote nothing{said}")
        try:
            shutil.move(printed, target)
        except OSError as error:
            message = f"a PDF must be writable at {target}, was not: {error.strerror}"
            raise JobError(message) from error
    return target


def found_browser() -> str:
    """The Chromium of this machine.

    Raises:
        JobError: There is none on the PATH.
    """
    for name in BROWSERS:
        found = shutil.which(name)
        if found is not None:
            return found
    raise JobError(
        f"a PDF needs Chromium on the PATH ({', '.join(BROWSERS)}), there is none;"
        " on Debian: apt-get install chromium"
    )


def _print(command: list[str]) -> str:
    """Run the browser to its end; the last line that it said, for a message."""
    with subprocess.Popen(  # noqa: S603  (the browser by its full path, no shell)
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,  # so that all of its processes can be ended at once
    ) as process:
        try:
            _, errors = process.communicate(timeout=PDF_SECONDS_MAX)
        except subprocess.TimeoutExpired:
            os.killpg(process.pid, signal.SIGKILL)
            raise JobError(
                f"a PDF must be printed within {PDF_SECONDS_MAX:g} s, {command[0]} was not done"
            ) from None
    lines = errors.decode(errors="replace").strip().splitlines()
    return f" and said: {lines[-1][:200]}" if lines else ""


def _is_root() -> bool:
    # Chromium refuses its sandbox to root, as in containers; for others it stays on.
    return os.geteuid() == 0
