"""The file around a page: its head, its style, its two scripts, its policy."""

import base64
import hashlib
import json
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

from fanfold.errors import JobError
from fanfold.reporting.html.markup import Markup, tag, together


def document(title: str, body: Markup, figures: Mapping[str, Any], *, scripted: bool) -> str:
    """One self-contained HTML file as text.

    Plotly's script is put in once, figures are plain values beside it, and the page
    itself forbids the browser to load anything or to run any script but its own.

    Args:
        title: For the window.
        body: What is shown.
        figures: By the id of the box that they are drawn in.
        scripted: Whether anything on the page needs the page's own script.
    """
    scripts: list[str] = []
    if figures:
        from plotly.offline import get_plotlyjs

        scripts.append(get_plotlyjs())
    if figures or scripted:
        scripts.append(_own("page.js"))
    allowed = " ".join(f"'sha256-{_digest(script)}'" for script in scripts) or "'none'"
    policy = (
        f"default-src 'none'; script-src {allowed}; style-src 'unsafe-inline';"
        " img-src data: blob:; base-uri 'none'; form-action 'none'"
    )
    values = json.dumps(figures, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    head = together(
        [
            Markup('<meta charset="utf-8">'),
            Markup(f'<meta http-equiv="Content-Security-Policy" content="{policy}">'),
            Markup('<meta name="viewport" content="width=device-width, initial-scale=1">'),
            Markup('<meta name="color-scheme" content="light dark">'),
            tag("title", title),
            tag("style", Markup(_own("page.css"))),
        ]
    )
    data = tag(
        "script", Markup(values.replace("<", "\\u003c")), type="application/json", id="figures"
    )
    tail = together([data, *(tag("script", Markup(script)) for script in scripts)])
    page = tag(
        "html", tag("head", head), tag("body", body, tail if scripts else Markup()), lang="en"
    )
    return f"<!doctype html>\n{page}\n"


def written(path: Path, text: str) -> Path:
    """Write a page; missing folders are made.

    Raises:
        JobError: The file could not be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise JobError(f"a report must be writable at {path}, was not: {error.strerror}") from error
    return path


def _own(name: str) -> str:
    return (files("fanfold.reporting") / "assets" / name).read_text(encoding="utf-8")


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
