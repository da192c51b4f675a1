"""A deployment as the API asks and tells it: `fanfold.serving.desk.Desk` over its folder."""

import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING, Any, Final, cast

import msgspec

from fanfold.errors import DataError, LiveError
from fanfold.live.doors import ask, door_of
from fanfold.live.folder import Folder
from fanfold.live.halts import latches
from fanfold.live.messages import EXECUTION, MARKET_DATA, RISK, UNREADABLE
from fanfold.live.plan import Plan, read_plan
from fanfold.live.registry import is_held
from fanfold.live.supervision import SUPERVISOR, report_of
from fanfold.serving.access import Access
from fanfold.serving.state import (
    Comparison,
    ComponentRow,
    Expectation,
    FillRow,
    LatchRow,
    Mode,
    Money,
    PositionRow,
    QuoteRow,
    RefusalRow,
    State,
)
from fanfold.serving.telemetry import measured_app
from fanfold.workflows.live.booked import EMPTY, Booked, Books, number
from fanfold.workflows.live.hosting import names_for
from fanfold.workflows.live.resume import ask_to_resume, resume
from fanfold.workflows.live.status import gate_of, look
from fanfold.workflows.live.stop import kill

if TYPE_CHECKING:
    from fastapi import FastAPI

ASK_S: Final = 1.0
"""How long risk may take to be looked at [s]."""

SHOWN: Final = 50
"""Fills and refusals of a state."""

NAME_LENGTH: Final = 12
"""Letters of the decision's hash that stand for a version before one was measured."""

PARITY: Final = "parity.json"
"""What the last audit of parity said, in the folder of the record."""

_PROMOTION: Final = "fanfold.workflows.promotion"
_EXPECTATION: Final = "fanfold.workflows.live.expectation"


def app_of(folder: Folder, *, on_ray: bool = False) -> "FastAPI":
    """The app of a deployment, for whatever serves it; its plan may come later.

    Args:
        folder: Of the deployment.
        on_ray: Whether this process is a worker of a cluster.

    Raises:
        ConfigError: The environment's token is too short.
    """
    desk = DeploymentDesk(folder)
    return measured_app(desk, Access.of(folder.path), on_ray=on_ray, hosts=desk.hosts)


class DeploymentDesk:
    """One deployment, by its folder.

    Args:
        folder: Of the deployment.
    """

    def __init__(self, folder: Folder) -> None:
        self._folder = folder
        self._books = Books(folder)
        self._pool = ThreadPoolExecutor(8, thread_name_prefix="ask")
        self._plan: Plan | None = None
        self._stamp = (0, 0)
        self._version = ""

    @property
    def place(self) -> Path:
        """Its folder."""
        return self._folder.path

    def state(self) -> State:
        """How it is at this instant.

        All components are asked at once, so those that do not answer cost one time-out.

        Raises:
            DataError: Its plan cannot be read.
        """
        plan, at = self._plan_now(), time.time_ns()
        names = names_for(plan)
        risk_seen = self._pool.submit(self._inspect_risk)
        found = self._pool.map(partial(look, self._folder), names)
        seen: dict[str, dict[str, Any]] = dict(zip(names, found, strict=True))
        gauges = {name: one["statistics"]["gauges"] for name, one in seen.items()}
        known = risk_seen.result()
        quotes, money = _quotes(known), _money(gauges.get(RISK, {}))
        booked, gate = EMPTY, gate_of(gauges.get(EXECUTION, {}))
        try:
            booked = self._books.read(plan)
        except (DataError, LiveError) as error:
            gate = f"closed: {error}"
        report, halts = report_of(self._folder), latches(self._folder)
        is_up = is_held(self._folder, SUPERVISOR)
        armed = is_up and report is not None and report.armed
        state = State(
            at=at,
            deployment=self._folder.name,
            status="halted" if halts else "up" if armed else "waiting" if is_up else "down",
            mode=_mode_of(plan),
            strategy=plan.strategy,
            symbols=list(plan.symbols),
            epoch=0 if report is None else report.epoch,
            waits_for=report.waits_for if is_up and report is not None else "",
            restarts=0 if report is None else report.restarts,
            gate=gate,
            supervisor="running" if is_up else "down",
            clock=max(
                int(gauges.get(RISK, {}).get("newest") or 0),
                int(gauges.get(MARKET_DATA, {}).get("clock") or 0),
            ),
            version=self._version or plan.code_hash[:NAME_LENGTH],
            money=money,
            quotes=quotes,
            positions=_positions(plan, booked, quotes, money),
            orders=booked.orders,
            fills=booked.fills[:SHOWN],
            refusals=_refusals(plan, known)[:SHOWN],
            latches=[
                LatchRow(name=one.name, reason=one.reason, by=one.by, at=one.at) for one in halts
            ],
            components=[_component(name, one) for name, one in seen.items()],
        )
        watches = _module(_EXPECTATION)
        if watches is not None and money.equity is not None and state.status == "up":
            watches.check_expectation(self._folder, state.clock, money.equity)
        return state

    def fills(self, limit: int) -> list[FillRow]:
        """The newest fills of the journal."""
        return self._books.read(self._plan_now()).fills[:limit]

    def refusals(self, limit: int) -> list[RefusalRow]:
        """What risk still remembers of its refusals."""
        return _refusals(self._plan_now(), self._inspect_risk())[:limit]

    def limits(self) -> dict[str, Any]:
        """What the job limits, and under "live" what only live has to refuse."""
        plan = self._plan_now()
        limits: dict[str, Any] = plan.job.get("limits") or {}
        return limits | {"live": plan.settings.risk.model_dump(mode="json")}

    def hosts(self) -> tuple[str, ...]:
        """Names that the page may be asked by beside those of this machine."""
        try:
            return self._plan_now().settings.page.names
        except DataError:  # it is being brought up
            return ()

    def expectation(self) -> Expectation | None:
        """Of the promoted version, or of a backtest of its warm-up."""
        module = _module(_EXPECTATION)
        found = None if module is None else module.expectation(self._folder)
        return None if found is None else Expectation.model_validate(found)

    def comparison(self) -> Comparison | None:
        """The last audit of parity.

        Raises:
            DataError: Its file is damaged.
        """
        file = self._folder.record / PARITY
        try:
            found = msgspec.json.decode(file.read_bytes(), type=dict[str, Any])
            return Comparison.model_validate(found)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, *UNREADABLE) as error:
            raise DataError(
                f"{file.name} must be an audit, is not: {type(error).__name__}"
            ) from None

    def kill(self, by: str, reason: str) -> dict[str, Any]:
        """As `fanfold live kill`."""
        return kill(self._folder, by, reason)

    def ask_to_resume(self) -> dict[str, Any]:
        """As `fanfold live resume`."""
        return ask_to_resume(self._folder)

    def resume(self, codes: tuple[str, ...], by: str) -> dict[str, Any]:
        """As `fanfold live resume --code`."""
        return resume(self._folder, codes, by)

    def versions(self) -> list[dict[str, Any]] | None:
        """As `fanfold audit gates` has noted them."""
        module = _module(_PROMOTION)
        if module is None:
            return None
        found: list[dict[str, Any]] = module.versions(self._folder)
        self._version = next((one["id"] for one in found if one["current"]), "")
        return found

    def promote(self, version: str, by: str) -> dict[str, Any] | None:
        """As `fanfold live promote`."""
        module = _module(_PROMOTION)
        return None if module is None else module.promote(self._folder, version, by)

    def deploy(self, version: str, by: str) -> dict[str, Any] | None:
        """As `fanfold live deploy`."""
        module = _module(_PROMOTION)
        return None if module is None else module.deploy(self._folder, version, by)

    def roll_back(self, by: str) -> dict[str, Any] | None:
        """As `fanfold live rollback`."""
        module = _module(_PROMOTION)
        return None if module is None else module.roll_back(self._folder, by)

    def _plan_now(self) -> Plan:
        """The plan, read again where its file has changed."""
        try:
            found = self._folder.plan.stat()
        except OSError:
            return read_plan(self._folder)  # says what is wrong
        stamp = found.st_ino, found.st_mtime_ns
        if self._plan is None or stamp != self._stamp:
            self._plan, self._version = read_plan(self._folder), ""
            self._stamp = stamp
        return self._plan

    def _inspect_risk(self) -> dict[str, Any]:
        if not is_held(self._folder, RISK):
            return {}
        try:
            found = ask(door_of(self._folder, RISK), "inspect", seconds=ASK_S)
        except LiveError:
            return {}
        return cast("dict[str, Any]", found["state"])


def _module(name: str) -> ModuleType | None:
    return import_module(name) if find_spec(name) else None


def _mode_of(plan: Plan) -> Mode:
    return plan.settings.broker.at


def _money(gauges: Mapping[str, Any]) -> Money:
    """What risk's gauges say; nothing before it has heard of the account."""
    peak, equity = gauges.get("peak"), gauges.get("equity")
    if not peak or equity is None:
        return Money()
    day_start = gauges.get("day_start") or None
    return Money(
        equity=equity,
        cash=gauges.get("cash"),
        peak=peak,
        day_start=day_start,
        drawdown=max(0.0, 1.0 - equity / peak),
        gross=gauges.get("gross"),
        reserved=gauges.get("reserved"),
        pnl_day=None if day_start is None else equity - day_start,
    )


def _quotes(known: Mapping[str, Any]) -> list[QuoteRow]:
    return [
        QuoteRow(symbol=symbol, bid=number(bid), ask=number(asked), ts=int(ts))
        for symbol, (bid, asked, ts) in known.get("quotes", {}).items()
    ]


def _positions(
    plan: Plan, booked: Booked, quotes: list[QuoteRow], money: Money
) -> list[PositionRow]:
    middles = {one.symbol: 0.5 * (one.bid + one.ask) for one in quotes if one.bid and one.ask}
    rows: list[PositionRow] = []
    for asset, units in booked.held.items():
        symbol = plan.assets[asset].symbol
        price = middles.get(symbol)
        value = None if price is None else units * price
        share = None if value is None or not money.equity else value / money.equity
        rows.append(PositionRow(symbol=symbol, units=units, price=price, value=value, share=share))
    return rows


def _refusals(plan: Plan, known: Mapping[str, Any]) -> list[RefusalRow]:
    """Risk tells the oldest first."""
    rows: list[tuple[int, int, str, float, float, float]] = known.get("refusals", [])
    return [
        RefusalRow(
            at=at,
            symbol=plan.symbols[asset] if 0 <= asset < len(plan.assets) else "",
            reason=reason,
            bound=number(bound),
            reached=number(reached),
            allowed=number(allowed),
        )
        for at, asset, reason, bound, reached, allowed in reversed(rows)
    ]


def _component(name: str, seen: Mapping[str, Any]) -> ComponentRow:
    return ComponentRow(
        name=name,
        state=seen["state"],
        pid=seen["pid"],
        incarnation=seen["incarnation"],
        latency=seen["statistics"]["latency"],
        counts=seen["statistics"]["counts"],
        gauges=seen["statistics"]["gauges"],
    )
