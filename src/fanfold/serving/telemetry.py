"""Each look at a deployment, handed on: to metrics, to alarms, and from there to people.

It listens to the app's poller, so that the components are asked once for all. What takes
long, such as what the backtest expects, is asked on a thread of its own.
"""

import bisect
import logging
import shutil
import time
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Final

from fastapi import APIRouter, FastAPI, Response

from fanfold.errors import FanfoldError
from fanfold.serving import alerts
from fanfold.serving.access import Access
from fanfold.serving.api import make_app
from fanfold.serving.desk import Desk
from fanfold.serving.metrics import (
    CONTENT_TYPE,
    Family,
    RayMetrics,
    Reading,
    Surroundings,
    Totals,
    exposition,
)
from fanfold.serving.routes.answers import READ, W
from fanfold.serving.state import Expectation, State

RAY_S: Final = 5.0
"""Time between two settings of Ray's metrics, which it hands on every ten [s]."""

TERMS_S: Final = 15.0
"""Time between two looks at limits and at what the backtest expects [s]."""

BOUNDS: Final = ("max_drawdown", "max_daily_loss", "max_gross", "max_net", "max_position")
"""Limits that are shown beside what they limit."""

_Terms = tuple[dict[str, float], Expectation | None]

_log = logging.getLogger(__name__)


class Telemetry:
    """Metrics and alarms of one deployment.

    Args:
        desk: The deployment.
        on_ray: Whether this process is a worker of a cluster, which shows metrics too.
        tell: Is handed each alarm.
        clock: Seconds that only rise.

    Attributes:
        listeners: How many listen to the stream, once the app is made.
        alarms: What is wrong.
    """

    def __init__(
        self,
        desk: Desk,
        *,
        on_ray: bool = False,
        tell: Callable[[alerts.Event], object] = alerts.tell,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._desk, self._clock = desk, clock
        self._totals = Totals()
        self._families: Sequence[Family] = ()
        self._deployment = desk.place.name
        self._ray = RayMetrics(self._deployment) if on_ray else None
        self._ray_at_s = self._terms_at_s = float("-inf")
        self._latches: set[str] = set()
        self._pool = ThreadPoolExecutor(1, thread_name_prefix="terms")
        self._asked: Future[_Terms] | None = None
        self._terms: _Terms = {}, None
        self.listeners: Callable[[], int] = lambda: 0
        self.alarms = alerts.Alarms(tell)

    def look(self, state: State) -> None:
        """Take in a look at the deployment."""
        self._latches |= {one.name for one in state.latches}
        reading = Reading(state, self._surroundings(state), sorted(self._latches))
        self._families = self._totals.take(reading)
        self.alarms.look(reading, self._families)
        if self._ray is not None and self._clock() - self._ray_at_s >= RAY_S:
            self._ray_at_s = self._clock()
            self._ray.set(self._families)

    def text(self) -> bytes:
        """The newest metrics as Prometheus reads them."""
        return exposition(self._families, self._deployment)

    def router(self) -> APIRouter:
        """The route that shows them."""
        router = APIRouter()

        @router.get(
            "/metrics",
            tags=["reading"],
            response_class=Response,
            responses={
                **READ,
                200: {
                    "content": {"text/plain": {"schema": {"type": "string"}}},
                    "description": "As Prometheus reads it.",
                },
            },
        )
        def metrics(who: W) -> Response:  # noqa: ARG001  (it must be somebody)
            """Metrics for Prometheus, as of the newest look at the deployment."""
            return Response(self.text(), media_type=CONTENT_TYPE)

        return router

    def close(self) -> None:
        """Ask no more."""
        self._pool.shutdown(wait=False, cancel_futures=True)

    def _surroundings(self, state: State) -> Surroundings:
        facts = {
            "listeners": float(self.listeners()),
            "undelivered_alerts": float(alerts.undelivered()),
        }
        try:
            facts["disk_free_bytes"] = float(shutil.disk_usage(self._desk.place).free)
        except OSError as error:  # the folder is gone: then more is wrong than this
            _log.warning("the folder's disk cannot be looked at: %s", type(error).__name__)
        bounds, expected = self._newest_terms()
        return Surroundings(
            bounds=bounds,
            band={} if expected is None else band_at(expected, state.clock),
            is_inside=None if expected is None else expected.inside,
            facts=facts,
        )

    def _newest_terms(self) -> _Terms:
        """What was last said of them; asked anew beside where that is old."""
        if self._asked is not None and self._asked.done():
            asked, self._asked = self._asked, None
            try:
                self._terms = asked.result()
            except Exception:  # metrics and alarms go on without
                _log.exception("limits could not be read")
        if self._asked is None and self._clock() - self._terms_at_s >= TERMS_S:
            self._terms_at_s = self._clock()
            self._asked = self._pool.submit(_terms_of, self._desk)
        return self._terms


def measured_app(desk: Desk, access: Access, *, on_ray: bool = False, **more: Any) -> FastAPI:
    """The app of `make_app`, with metrics at /metrics and alarms to the webhook.

    Args:
        desk: The deployment.
        access: Whose tokens are good.
        on_ray: Whether this process is a worker of a cluster, which shows metrics too.
        more: Further arguments of `make_app`.
    """
    telemetry = Telemetry(desk, on_ray=on_ray)
    app = make_app(desk, access, watchers=(telemetry.look,), routers=(telemetry.router(),), **more)
    telemetry.listeners = app.state.parts.poller.listeners.total
    return app


def band_at(expected: Expectation, clock: int) -> dict[str, float]:
    """Where the equity is expected at an instant [ns UTC]; nothing before it begins."""
    place = bisect.bisect_right(expected.ts, clock) - 1
    if place < 0:
        return {}
    return {
        "median": expected.median[place],
        "lower": expected.lower[place],
        "upper": expected.upper[place],
    }


def _terms_of(desk: Desk) -> _Terms:
    limits = desk.limits()
    known = {name: limits.get(name) for name in BOUNDS}
    bounds = {name: float(one) for name, one in known.items() if isinstance(one, int | float)}
    try:
        return bounds, desk.expectation()
    except FanfoldError as error:
        _log.info("nothing is expected: %s", error)
        return bounds, None
