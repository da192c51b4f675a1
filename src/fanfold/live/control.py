"""How a running loop is told something from outside: at once, whatever waits in its inbox."""

import contextlib
import os
from collections.abc import Callable
from concurrent.futures import Future
from queue import Empty, SimpleQueue
from typing import Any, Final

ARM: Final = "arm"
DISARM: Final = "disarm"
INSPECT: Final = "inspect"
STOP: Final = "stop"

Request = tuple[str, Any, "Future[Any]"]
"""What is asked for, its one argument, and where the answer goes."""


class Control:
    """Requests to one loop: any thread asks, the loop's thread answers.

    Only a few wait at any time, since whoever asks waits for the answer.
    """

    def __init__(self) -> None:
        self._requests: SimpleQueue[Request] = SimpleQueue()
        self._event = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        """What becomes readable when there is a request."""
        return self._event

    def ask(self, what: str, argument: Any = None) -> "Future[Any]":
        """Ask for something; the answer comes once the loop has seen it."""
        answer: Future[Any] = Future()
        self._requests.put((what, argument, answer))
        os.eventfd_write(self._event, 1)
        return answer

    def __bool__(self) -> bool:
        """Whether there is a request."""
        return not self._requests.empty()

    def serve(self, answer: Callable[[str, Any], Any]) -> None:
        """Answer all requests; what fails is told to whoever asked, and raised."""
        with contextlib.suppress(BlockingIOError):  # nobody has rung since
            os.eventfd_read(self._event)
        while True:
            try:
                what, argument, waiting = self._requests.get_nowait()
            except Empty:
                return
            try:
                waiting.set_result(answer(what, argument))
            except Exception as error:
                waiting.set_exception(error)
                raise

    def close(self) -> None:
        """Let nobody wait for an answer that does not come."""
        while self:
            self._requests.get_nowait()[2].cancel()
        os.close(self._event)
