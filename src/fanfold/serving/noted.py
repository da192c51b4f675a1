"""Where a deployment's page is, noted in its folder for whoever asks after it."""

import http.client
from typing import Final
from urllib.parse import urlsplit

import msgspec
from msgspec import Struct

from fanfold.live.folder import Folder, write_durably
from fanfold.live.messages import UNREADABLE

ANSWER_S: Final = 2.0
"""How long a page may take to say that it is well [s]."""

_FILE: Final = "page.json"
_WELL: Final = 200


class Page(Struct, frozen=True, kw_only=True):
    """A page that was started.

    Attributes:
        url: Its address, without a token, ending in a slash.
        application: Name of its Ray Serve application, "" for a process of its own.
        pid: Of the process that shows it, 0 where none does any more.
        alone: Whether Ray Serve was started for it, and ends with it.
    """

    url: str
    application: str = ""
    pid: int = 0
    alone: bool = False


def note_page(folder: Folder, page: Page) -> None:
    """Write down where the page is."""
    write_durably(folder.path / _FILE, msgspec.json.encode(page))


def noted_page(folder: Folder) -> Page | None:
    """Where the page was last, None if it was nowhere."""
    try:
        return msgspec.json.decode((folder.path / _FILE).read_bytes(), type=Page)
    except (OSError, *UNREADABLE):
        return None


def forget_page(folder: Folder) -> None:
    """Note that there is no page, but where it was: the next one comes there."""
    page = noted_page(folder)
    if page is not None and page.pid:
        note_page(folder, Page(url=page.url))


def trouble_of(page: Page) -> str:
    """Why a page does not answer; "" where it does."""
    where = urlsplit(page.url)
    secure = where.scheme == "https"
    kind = http.client.HTTPSConnection if secure else http.client.HTTPConnection
    line = kind(where.hostname or "", where.port, timeout=ANSWER_S)
    try:
        line.request("GET", f"{where.path}healthz")
        status = line.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"{where.netloc} does not answer: {type(error).__name__}"
    finally:
        line.close()
    return "" if status == _WELL else f"{where.netloc} answers {status}"
