"""A door beside each component: a Unix socket through which commands of this machine speak.

Health, statistics and kill must be there when everything else is not, so a door needs no
cluster and no HTTP: one line of JSON each way, then it is shut. Stopped processes take a
connection and never answer; whoever asks has a time limit.
"""

import json
import logging
import socket
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, Final, cast

from fanfold.errors import LiveError
from fanfold.live.folder import Folder

LINE_BYTES_MAX: Final = 4 * 2**20
"""Longest question or answer [bytes]."""

READ_S: Final = 1.0
"""How long a visitor may take to ask [s]."""

VISITORS_MAX: Final = 4
"""Questions that are answered at one time."""

BACKLOG: Final = 16
"""Visitors that may wait."""

_CHUNK_BYTES: Final = 65_536

_log = logging.getLogger(__name__)


def door_of(folder: Folder, name: str) -> Path:
    """The socket of a component's door."""
    return folder.sockets / f"{name}.door"


class Door:
    """Answers questions on a thread of its own.

    Args:
        path: Its socket; one that is there already is a dead predecessor's.
        answers: What may be asked, by name; called with the arguments of the question.
    """

    def __init__(self, path: Path, answers: Mapping[str, Callable[..., Any]]) -> None:
        self._answers = answers
        self._path = path
        self._closed = False
        path.unlink(missing_ok=True)
        self._listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self._listening.bind(str(path))
        path.chmod(0o600)
        self._listening.listen(BACKLOG)
        self._pool = ThreadPoolExecutor(VISITORS_MAX, thread_name_prefix="door")
        self._free = threading.BoundedSemaphore(VISITORS_MAX)
        self._thread = threading.Thread(target=self._serve, name="door", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Answer nobody any more."""
        self._closed = True
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(READ_S)
        self._pool.shutdown(wait=False)
        self._path.unlink(missing_ok=True)

    def _serve(self) -> None:
        while not self._closed:
            self._free.acquire()
            try:
                visitor, _ = self._listening.accept()
            except OSError:  # it was shut
                self._free.release()
                return
            self._pool.submit(self._receive, visitor)

    def _receive(self, visitor: socket.socket) -> None:
        try:
            with visitor:
                visitor.settimeout(READ_S)
                answer = self._answer_to(_read_line(visitor))
                visitor.sendall(json.dumps(answer).encode() + b"\n")
        except (OSError, LiveError) as error:
            _log.warning("a visitor left: %s", type(error).__name__)
        finally:
            self._free.release()

    def _answer_to(self, line: bytes) -> dict[str, Any]:
        try:
            asked = json.loads(line)
            what, arguments = asked["what"], asked["arguments"]
            answer = self._answers[what]
        except (ValueError, LookupError, TypeError, RecursionError):
            return {"error": f"a question must be one of {', '.join(self._answers)}"}
        try:
            return {"answer": answer(*arguments)}
        except Exception as error:
            return {"error": str(error) or type(error).__name__}


def ask(path: Path, what: str, *arguments: Any, seconds: float) -> Any:
    """Ask at a door.

    Args:
        path: Its socket.
        what: Name of the question.
        arguments: Plain values.
        seconds: How long the answer may take.

    Raises:
        LiveError: Nobody answers in time, or the answer is that it failed.
    """
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as visitor:
            visitor.settimeout(seconds)
            visitor.connect(str(path))
            question = json.dumps({"what": what, "arguments": arguments})
            visitor.sendall(question.encode() + b"\n")
            found: Any = json.loads(_read_line(visitor))
    except (OSError, ValueError) as error:
        raise LiveError(
            f"{path.stem} must answer {what} within {seconds:g} s, did not: {type(error).__name__}"
        ) from None
    answer = cast("dict[str, Any]", found) if isinstance(found, dict) else {"error": "no answer"}
    if "error" in answer:
        raise LiveError(f"{path.stem} must answer {what}, said: {answer['error']}")
    return answer["answer"]


def _read_line(visitor: socket.socket) -> bytes:
    read = bytearray()
    while not read.endswith(b"\n"):
        part = visitor.recv(_CHUNK_BYTES)
        if not part:
            break
        read += part
        if len(read) > LINE_BYTES_MAX:
            raise LiveError(f"a line must have at most {LINE_BYTES_MAX:,} bytes, had more")
    return bytes(read)
