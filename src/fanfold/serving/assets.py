"""The live page's own files: all that a browser needs, and nothing from elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

MEDIA_TYPES: Final = {
    ".html": "text/html; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
}
"""What each kind of file is sent as; a file of another kind is not sent."""

_FOLDER: Final = Path(__file__).parent / "page"


@dataclass(frozen=True, slots=True, kw_only=True)
class Asset:
    """A file of the page.

    Attributes:
        content: Its bytes.
        media_type: What a browser must take it for.
    """

    content: bytes
    media_type: str


@cache
def page_assets() -> Mapping[str, Asset]:
    """Each file of the page by where it is asked for, relative to the page's own address.

    "" is the page itself. The others lie below "page/", so that the page also works where it
    is served below a prefix. Read once: a process serves one version.
    """
    found = {
        f"page/{file.name}": Asset(content=file.read_bytes(), media_type=MEDIA_TYPES[file.suffix])
        for file in sorted(_FOLDER.iterdir())
        if file.suffix in MEDIA_TYPES
    }
    return {"": found.pop("page/index.html"), **found}
