"""What answers have in common: how errors are told, and how OpenAPI is told of them."""

from typing import Annotated, Any, Final, cast

from fastapi import Depends, FastAPI, HTTPException, Request, Security
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel
from starlette.exceptions import HTTPException as PlainHTTPException

from fanfold.errors import ConfigError, FanfoldError
from fanfold.serving.access import Who
from fanfold.serving.asking import Codes
from fanfold.serving.desk import Desk
from fanfold.serving.limiting import Limits
from fanfold.serving.samples import Samples
from fanfold.serving.stream import Poller


class Error(BaseModel):
    """Why it was not done, in one line: what must hold, then what it was."""

    detail: str


def _told(description: str) -> dict[str, Any]:
    return {"model": Error, "description": description}


_LATER: Final = {"Retry-After": {"description": "Seconds to wait", "schema": {"type": "integer"}}}

HOST: Final[dict[int | str, dict[str, Any]]] = {
    421: _told("The host's name is none of this app's."),
    429: _told("Too many requests.") | {"headers": _LATER},
}
READ: Final[dict[int | str, dict[str, Any]]] = {
    **HOST,
    401: _told("No token, or a wrong one."),
    413: _told("The body is too large."),
    415: _told("The body is no JSON."),
    503: _told("The deployment, or its broker, does not answer."),
}
ACT: Final[dict[int | str, dict[str, Any]]] = {
    **READ,
    403: _told("The token may look, not act."),
    408: _told("The body came too slowly."),
    409: _told("As things are it cannot be done: a code that is none, nothing that halts."),
    422: _told("The body is not what it must be."),
}
LISTED: Final[dict[int | str, dict[str, Any]]] = {
    **READ, 422: _told("A parameter is not what it must be."),
}  # fmt: skip
NOT_THERE: Final[dict[int | str, dict[str, Any]]] = {404: _told("There is none yet.")}


class Parts:
    """What routes work with; one for an app.

    Attributes:
        desk: The deployment.
        poller: Its newest state.
        samples: Its equity.
        codes: Of kills.
        limits: Bounds.
    """

    def __init__(
        self, *, desk: Desk, poller: Poller, samples: Samples, codes: Codes, limits: Limits
    ) -> None:
        self.desk = desk
        self.poller = poller
        self.samples = samples
        self.codes = codes
        self.limits = limits


_bearer = HTTPBearer(auto_error=False, scheme_name="token", description="A deployment's token.")


def _parts_of(request: Request) -> Parts:
    return cast("Parts", request.app.state.parts)


def _who_of(
    request: Request,
    _shown: Annotated[HTTPAuthorizationCredentials | None, Security(_bearer)],
) -> Who:
    return cast("Who", request.state.who)  # the guard has let it in


P = Annotated[Parts, Depends(_parts_of)]
"""The parts, for a route."""

W = Annotated[Who, Depends(_who_of)]
"""Whoever asks, for a route that takes a token."""


def not_there(what: str) -> HTTPException:
    """The answer that something does not exist, or not yet."""
    return HTTPException(404, what)


def tell_errors(app: FastAPI) -> None:
    """Tell every error as one line of JSON."""

    def told(request: Request, status: int, detail: str, headers: Any = None) -> JSONResponse:
        detail = " ".join(detail.split())[:1_000]
        request.state.outcome = detail
        return JSONResponse({"detail": detail}, status, headers)

    @app.exception_handler(RequestValidationError)
    def _invalid(request: Request, error: RequestValidationError) -> JSONResponse:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"])
        return told(request, 422, f"{place}: {first['msg']}")

    @app.exception_handler(PlainHTTPException)
    def _plain(request: Request, error: PlainHTTPException) -> JSONResponse:
        # A body that cannot be parsed at all is as wrong as one that is parsed and wrong.
        status = 422 if error.status_code == 400 else error.status_code  # noqa: PLR2004
        return told(request, status, str(error.detail), error.headers)

    @app.exception_handler(FanfoldError)
    def _ours(request: Request, error: FanfoldError) -> JSONResponse:
        # Well formed, and not to be done as things are: a code that is too old, a gate.
        return told(request, 409 if isinstance(error, ConfigError) else 503, str(error))

    @app.exception_handler(OSError)
    def _disk(request: Request, error: OSError) -> JSONResponse:
        return told(request, 503, f"the deployment's folder: {error.strerror or error}")

    @app.exception_handler(Exception)
    def _unexpected(request: Request, error: Exception) -> JSONResponse:
        return told(request, 500, f"a fault of ours, see the log: {type(error).__name__}")

    del _invalid, _plain, _ours, _disk, _unexpected
