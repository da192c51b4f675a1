"""What the API can be told, and what it answers: kill, resume, promote, roll back."""

from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from fanfold.serving.state import Shown

TEXT_CHARACTERS_MAX = 400
"""Longest reason that is taken."""

CODES_MAX = 64
"""Codes of latches that are taken at once."""

_Code = Annotated[str, StringConstraints(min_length=4, max_length=64, pattern=r"^[0-9a-f]+$")]


class Told(BaseModel):
    """A body: nothing else may stand in it."""

    model_config = ConfigDict(frozen=True, extra="forbid")


class KillAsked(Shown):
    """The first step of a kill: a code, and for how long it is good [s]."""

    code: str = Field(examples=["5f2a91c0"])
    good_for_s: int = Field(examples=[30])


class KillOrder(Told):
    """The second step: the code, and why."""

    code: _Code = Field(examples=["5f2a91c0"])
    reason: str = Field(
        default="by the page",
        min_length=1,
        max_length=TEXT_CHARACTERS_MAX,
        examples=["prices look wrong"],
    )


class Killed(Shown):
    """What a kill has done; see `fanfold live kill`.

    Attributes:
        flat: Whether nothing is open and nothing held any more.
        confirmed: Whether two reads in a row showed none of our orders open.
        cancelled, open, queued: Names of orders: cancelled, still open, flattening later.
        left: Symbol and signed lots of what is still held.
        troubles: What the broker did not do.
        told: What each component answered.
        seconds: How long it took.
    """

    status: str
    deployment: str
    flat: bool
    confirmed: bool
    cancelled: list[str]
    open: list[str]
    queued: list[str]
    left: list[tuple[str, int]]
    troubles: list[str]
    told: dict[str, str]
    seconds: float


class LatchCode(Shown):
    """A latch that halts, and the code that resets it."""

    name: str
    reason: str
    by: str
    at: int
    code: str = Field(examples=["5f2a91c0"])


class ResumeAsked(Shown):
    """The first step of a resume: what halts it, each with its code."""

    status: str
    deployment: str
    good_for_s: int
    latches: list[LatchCode]


class ResumeOrder(Told):
    """The second step: codes of the latches to reset."""

    codes: list[_Code] = Field(min_length=1, max_length=CODES_MAX, examples=[["5f2a91c0"]])


class Resumed(Shown):
    """What was reset, and what still halts."""

    status: str
    deployment: str
    reset: list[str]
    latches: list[str]


class PromoteOrder(Told):
    """The version that is to go live."""

    version: str = Field(
        min_length=4, max_length=64, pattern=r"^[0-9a-z]+$", examples=["3f9c0d21ab44"]
    )


class RollBackOrder(Told):
    """Nothing: there is one version before this one."""


Plain = dict[str, Any]
"""An answer of promotion: its form is that of `fanfold live promote --json`."""
