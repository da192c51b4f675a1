"""What a token that may act can tell the deployment. Each act is written into the audit log."""

import asyncio
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from fanfold.errors import ConfigError
from fanfold.serving.orders import (
    KillAsked,
    Killed,
    KillOrder,
    PromoteOrder,
    ResumeAsked,
    Resumed,
    ResumeOrder,
    RollBackOrder,
)
from fanfold.serving.routes.answers import ACT, NOT_THERE, P, W, not_there

KILLS_MAX: Final = 2
"""Kills that run at once; the next waits for one of them."""

_kills = ThreadPoolExecutor(KILLS_MAX, thread_name_prefix="kill")
"""A pool of its own: however busy the others are, a kill begins."""

router = APIRouter(prefix="/api/v1", tags=["acting"], responses=ACT)


@router.post("/kill/ask")
async def ask_to_kill(parts: P, who: W) -> KillAsked:
    """First step of a kill: a code that is good for a while, and once."""
    return KillAsked(code=parts.codes.ask(who.name), good_for_s=parts.codes.good_for_s)


@router.post("/kill")
async def kill(request: Request, order: KillOrder, parts: P, who: W) -> Killed:
    """Second step: halt, cancel what is open, flatten what is held.

    It works with every component dead, takes up to a minute, and may be repeated.
    """
    parts.codes.take(who.name, order.code)
    work = asyncio.get_running_loop().run_in_executor(
        _kills, parts.desk.kill, who.name, order.reason
    )
    try:
        done = Killed.model_validate(await asyncio.shield(work))
    finally:
        parts.poller.hurry()
    request.state.outcome = (
        f"{'flat' if done.flat else 'NOT FLAT'}, {len(done.cancelled)} cancelled, "
        f"{len(done.queued)} queued, {len(done.left)} left"
    )
    return done


@router.post("/resume/ask")
async def ask_to_resume(parts: P, who: W) -> ResumeAsked:  # noqa: ARG001  (the guard knows)
    """First step of a resume: what halts it, each latch with its code."""
    return ResumeAsked.model_validate(await run_in_threadpool(parts.desk.ask_to_resume))


@router.post("/resume")
async def resume(request: Request, order: ResumeOrder, parts: P, who: W) -> Resumed:
    """Second step: reset the latches that the codes are for."""
    found = await run_in_threadpool(parts.desk.resume, tuple(order.codes), who.name)
    parts.poller.hurry()
    done = Resumed.model_validate(found)
    request.state.outcome = f"{', '.join(done.reset)} reset; {done.status}"
    return done


@router.post("/promote", responses=NOT_THERE)
async def promote(request: Request, order: PromoteOrder, parts: P, who: W) -> dict[str, Any]:
    """Let a version go live, if it has passed its gates."""
    found = await run_in_threadpool(parts.desk.promote, order.version, who.name)
    if found is None:
        raise not_there("this deployment has no versions")
    if found.get("status") == "refused":
        raise ConfigError(str(found.get("reason", "a gate refuses it")))
    request.state.outcome = str(found.get("status", "done"))
    return found


@router.post("/deploy", responses=NOT_THERE)
async def deploy(request: Request, order: PromoteOrder, parts: P, who: W) -> dict[str, Any]:
    """Put another measured version in this one's place; where money is real, a promoted one."""
    found = await run_in_threadpool(parts.desk.deploy, order.version, who.name)
    if found is None:
        raise not_there("this deployment has no versions")
    parts.poller.hurry()
    request.state.outcome = str(found.get("status", "done"))
    return found


@router.post("/rollback", responses=NOT_THERE)
async def roll_back(request: Request, order: RollBackOrder, parts: P, who: W) -> dict[str, Any]:  # noqa: ARG001
    """Go back to the version before this one."""
    found = await run_in_threadpool(parts.desk.roll_back, who.name)
    if found is None:
        raise not_there("this deployment has no versions")
    parts.poller.hurry()
    request.state.outcome = str(found.get("status", "done"))
    return found
