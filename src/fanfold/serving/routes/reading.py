"""What a token may read: the state, its parts, and what was before."""

from typing import Annotated, Any, Final

from fastapi import APIRouter, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from fanfold.serving.audit import Audit
from fanfold.serving.routes.answers import LISTED, NOT_THERE, READ, P, W, not_there
from fanfold.serving.state import (
    AuditRow,
    Comparison,
    ComponentRow,
    EquityCurve,
    Expectation,
    FillRow,
    Me,
    OrderRow,
    PositionRow,
    ProfitAndLoss,
    RefusalRow,
    Risk,
    StageTimes,
    State,
)
from fanfold.serving.stream import EventStream

ROWS_MAX: Final = 500
"""Rows of one answer."""

POINTS_MAX: Final = 4_000
"""Points of a curve."""

Limit = Annotated[int, Query(ge=1, le=ROWS_MAX, description="Rows at most, the newest first.")]

router = APIRouter(prefix="/api/v1", tags=["reading"], responses=READ)


@router.get("/me")
async def me(who: W) -> Me:
    """Whose token this is, and what it may do."""
    return Me(name=who.name, role=who.role)


@router.get("/state")
async def state(parts: P, who: W) -> State:  # noqa: ARG001  (it must be somebody)
    """The deployment now."""
    return await parts.poller.newest()


@router.get(
    "/stream",
    response_class=Response,
    responses={
        200: {
            "content": {"text/event-stream": {"schema": {"type": "string"}}},
            "description": "Events `state`, each a State as JSON, and comments between them.",
        },
        503: READ[503],
    },
)
async def stream(request: Request, parts: P, who: W) -> Any:
    """The deployment from now on, as server-sent events."""
    listeners, limits = parts.poller.listeners, parts.limits
    if listeners.total() >= limits.listeners or listeners[who.name] >= limits.listeners_per_token:
        return Response(
            b'{"detail": "too many streams are open"}', 429, {"Retry-After": "5"},
            media_type="application/json",
        )  # fmt: skip
    shown, access = request.headers.get("authorization", ""), request.app.state.access
    return EventStream(parts.poller, who.name, lambda: access.who(shown) == who, limits)


@router.get("/positions")
async def positions(parts: P, who: W) -> list[PositionRow]:  # noqa: ARG001
    """What is held."""
    return (await parts.poller.newest()).positions


@router.get("/orders")
async def orders(parts: P, who: W) -> list[OrderRow]:  # noqa: ARG001
    """Open orders."""
    return (await parts.poller.newest()).orders


@router.get("/fills", responses=LISTED)
async def fills(parts: P, who: W, limit: Limit = 50) -> list[FillRow]:  # noqa: ARG001
    """Executed parts of orders."""
    return await run_in_threadpool(parts.desk.fills, limit)


@router.get("/refusals", responses=LISTED)
async def refusals(parts: P, who: W, limit: Limit = 50) -> list[RefusalRow]:  # noqa: ARG001
    """What risk has refused, with the numbers of each reason."""
    return await run_in_threadpool(parts.desk.refusals, limit)


@router.get("/latency")
async def latency(parts: P, who: W) -> dict[str, dict[str, StageTimes]]:  # noqa: ARG001
    """Latencies of each component's stages [ns]."""
    return {one.name: one.latency for one in (await parts.poller.newest()).components}


@router.get("/pnl")
async def pnl(parts: P, who: W) -> ProfitAndLoss:  # noqa: ARG001
    """What was earned today, and since the deployment was first looked at."""
    now, first = await parts.poller.newest(), parts.samples.first
    money = now.money
    return ProfitAndLoss(
        at=now.at,
        clock=now.clock,
        equity=money.equity,
        day_start=money.day_start,
        pnl_day=money.pnl_day,
        since=0 if first is None else first.ts,
        pnl=None if first is None or money.equity is None else money.equity - first.equity,
    )


@router.get("/risk")
async def risk(parts: P, who: W) -> Risk:  # noqa: ARG001
    """Money, latches, and the limits that are set."""
    now = await parts.poller.newest()
    limits = await run_in_threadpool(parts.desk.limits)
    return Risk(money=now.money, gate=now.gate, latches=now.latches, limits=limits)


@router.get("/components")
async def components(parts: P, who: W) -> list[ComponentRow]:  # noqa: ARG001
    """Each component: whether it is well, and what it counts."""
    return (await parts.poller.newest()).components


@router.get("/audit", responses=LISTED)
async def audit(request: Request, who: W, limit: Limit = 50) -> list[AuditRow]:  # noqa: ARG001
    """Who did what, and who was refused."""
    log: Audit = request.app.state.audit
    return await run_in_threadpool(log.newest, limit)


@router.get("/equity", responses=LISTED)
async def equity(
    parts: P,
    who: W,  # noqa: ARG001
    points: Annotated[int, Query(ge=2, le=POINTS_MAX, description="Points at most.")] = 400,
) -> EquityCurve:
    """Equity and drawdown since the deployment was first looked at."""
    return parts.samples.curve(points)


@router.get("/expectation", responses=NOT_THERE)
async def expectation(parts: P, who: W) -> Expectation:  # noqa: ARG001
    """Where the equity was expected to be, with its band."""
    found = await run_in_threadpool(parts.desk.expectation)
    if found is None:
        raise not_there("nothing says yet what is to be expected of this deployment")
    return found


@router.get("/comparison", responses=NOT_THERE)
async def comparison(parts: P, who: W) -> Comparison:  # noqa: ARG001
    """Live beside the backtest, as the last `fanfold audit parity` found it."""
    found = await run_in_threadpool(parts.desk.comparison)
    if found is None:
        raise not_there("no audit was made yet: fanfold audit parity")
    return found


@router.get("/versions", responses=NOT_THERE)
async def versions(parts: P, who: W) -> list[dict[str, Any]]:  # noqa: ARG001
    """Versions of the strategy with their gates."""
    found = await run_in_threadpool(parts.desk.versions)
    if found is None:
        raise not_there("this deployment has no versions")
    return found[:ROWS_MAX]
