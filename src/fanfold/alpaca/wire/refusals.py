"""What the broker answers where it does not do what was asked, as values.

Codes are shared by several causes, so clients look at the words too: they stand here once.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusal:
    """One answer other than yes.

    Attributes:
        status: HTTP status.
        code: The broker's own code; 0 where its answer has none.
        message: What it says.
        context: Further fields of the answer, as texts.
    """

    status: int
    code: int
    message: str
    context: Mapping[str, str] = field(default_factory=dict[str, str])

    @property
    def body(self) -> Mapping[str, object]:
        """The answer's body."""
        code = {"code": self.code} if self.code else {}
        return {**code, "message": self.message, **self.context}


def unauthorized() -> Refusal:
    """Keys that are missing or wrong."""
    return Refusal(status=401, code=40110000, message="unauthorized.")


def forbidden(message: str, **context: str) -> Refusal:
    """What the account may not do: buying power, shares that are held, wash trades."""
    return Refusal(status=403, code=40310000, message=message, context=context)


def not_found(message: str) -> Refusal:
    """An order, a position or a symbol that is not there."""
    return Refusal(status=404, code=40410000, message=message)


def malformed(message: str) -> Refusal:
    """A parameter that is not what it must be."""
    return Refusal(status=422, code=40010001, message=message)


def unprocessable(message: str, **context: str) -> Refusal:
    """A rule of trading that the request breaks."""
    return Refusal(status=422, code=42210000, message=message, context=context)


def data_refusal(message: str) -> Refusal:
    """A request for market data that is not what it must be: only words, no code."""
    return Refusal(status=400, code=0, message=message)


def too_many_requests() -> Refusal:
    """More requests a minute than the account may send."""
    return Refusal(status=429, code=42910000, message="rate limit exceeded")
