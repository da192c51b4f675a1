"""What a deployment can be asked and told, whoever asks: the port of the API."""

from pathlib import Path
from typing import Any, Protocol

from fanfold.serving.state import Comparison, Expectation, FillRow, RefusalRow, State


class Desk(Protocol):
    """One deployment. Every method may be called from any thread, and ends in bounded time.

    What cannot be done as things are raises a `ConfigError`; any other `FanfoldError` says that
    the deployment cannot be read, or did not do it.
    """

    @property
    def place(self) -> Path:
        """Folder of the deployment: the audit log and samples of the equity are kept there."""
        ...

    def state(self) -> State:
        """How it is at this instant; whatever is down is shown as down."""
        ...

    def fills(self, limit: int) -> list[FillRow]:
        """Executed parts of orders, the newest first."""
        ...

    def refusals(self, limit: int) -> list[RefusalRow]:
        """What risk has refused since it started, the newest first."""
        ...

    def limits(self) -> dict[str, Any]:
        """The limits that its orders must keep."""
        ...

    def expectation(self) -> Expectation | None:
        """Where its equity was expected to be; None where nothing says so."""
        ...

    def comparison(self) -> Comparison | None:
        """What the last audit of parity said; None where there was none."""
        ...

    def kill(self, by: str, reason: str) -> dict[str, Any]:
        """Halt it, cancel what is open and flatten what is held, with everything dead too."""
        ...

    def ask_to_resume(self) -> dict[str, Any]:
        """What halts it, each latch with a code."""
        ...

    def resume(self, codes: tuple[str, ...], by: str) -> dict[str, Any]:
        """Reset the latches that the codes are for."""
        ...

    def versions(self) -> list[dict[str, Any]] | None:
        """Versions of the strategy with their gates; None where there are none."""
        ...

    def promote(self, version: str, by: str) -> dict[str, Any] | None:
        """Let a version go live that has passed its gates; None where there are none."""
        ...

    def deploy(self, version: str, by: str) -> dict[str, Any] | None:
        """Put another measured version in this one's place; None where there are none."""
        ...

    def roll_back(self, by: str) -> dict[str, Any] | None:
        """Go back to the version before; None where there are none."""
        ...
