"""What takes no token: health, readiness, and the page's own files."""

from typing import Any, Final, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel

from fanfold.errors import FanfoldError
from fanfold.serving.assets import page_assets
from fanfold.serving.routes.answers import HOST, NOT_THERE, P, not_there

READY_AGE_S: Final = 5.0
"""Oldest look that readiness is told from [s]."""

router = APIRouter(tags=["open"], responses={421: HOST[421]})


class Health(BaseModel):
    """The app answers."""

    status: Literal["ok"] = "ok"


class Readiness(BaseModel):
    """Whether the deployment is up and armed, and how it is else."""

    status: str


@router.get("/healthz")
async def healthz() -> Health:
    """Whether the app answers, whatever the deployment does."""
    return Health()


@router.get(
    "/readyz",
    responses={503: {"model": Readiness, "description": "It is not up and armed."}},
)
async def readyz(parts: P, response: Response) -> Readiness:
    """Whether the deployment is up and armed."""
    try:
        status = (await parts.poller.newest(READY_AGE_S)).status
    except FanfoldError:
        status = "down"
    if status != "up":
        response.status_code = 503
    return Readiness(status=status)


_HTML: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/html": {}}, "description": "The live page."},
    429: HOST[429],
}


_FILE: Final[dict[int | str, dict[str, Any]]] = {
    200: {"content": {"text/css": {}, "text/javascript": {}}, "description": "A file."},
    429: HOST[429],
}


@router.get("/", response_class=Response, responses=_HTML | NOT_THERE)
@router.head("/", include_in_schema=False)
async def page() -> Response:
    """The live page; it asks for a token by itself."""
    return _asset("")


@router.get("/page/{name}", response_class=Response, responses=_FILE | NOT_THERE)
@router.head("/page/{name}", include_in_schema=False)
async def asset(name: str) -> Response:
    """A file of the page."""
    return _asset(f"page/{name}")


def _asset(name: str) -> Response:
    found = page_assets().get(name)
    if found is None:
        raise not_there(f"the page has no file {name or 'index.html'!r}"[:120])
    return Response(found.content, media_type=found.media_type)
