"""A deployment's folder with a plan and a journal in it, and nothing that runs."""

import threading
from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import httpx
import uvicorn
from fastapi import FastAPI
from starlette.types import ASGIApp

from fanfold.live.execution.journal import Journal
from fanfold.live.execution.records import Execution, Order
from fanfold.live.execution.states import State
from fanfold.live.folder import Folder
from fanfold.live.halts import Latch, set_latch
from fanfold.live.plan import Addresses, AssetPlan, Plan, write_plan
from fanfold.live.settings import LiveSettings
from fanfold.serving.access import FILE, Access, Role, add_token
from fanfold.serving.limiting import Limits
from fanfold.serving.plain import listening, url_of
from fanfold.serving.telemetry import measured_app
from fanfold.workflows.live.desk import DeploymentDesk

SECOND_NS = 10**9
NOWHERE = "http://127.0.0.1:9"
"""Where no broker answers."""


def written(root: Path, name: str = "demo", *, fill_count: int = 3) -> Folder:
    """A folder whose deployment holds two shares and has an order open."""
    folder = Folder(root / name)
    folder.make()
    assets = (
        AssetPlan(
            symbol="AAPL", asset_class="us_equity", calendar="XNYS", parts=1,
            tick_coarse=10_000, tick_fine=100, shortable=True,
        ),
        AssetPlan(
            symbol="BTC/USD", asset_class="crypto", calendar="24/7", parts=10**9,
            tick_coarse=0, tick_fine=0, shortable=False,
        ),
    )  # fmt: skip
    plan = Plan(
        deployment=name, assets=assets, strategy="SmaCross", params={"fast": 5},
        job={"limits": {"max_drawdown": 0.3}},
        addresses=Addresses(
            rest_url=NOWHERE, data_url=NOWHERE, market_stream_url=NOWHERE,
            trade_stream_url=NOWHERE,
        ),
        sessions={}, warm_up_bars=0, data_fingerprint="", spec_hash="", code_hash="ab" * 20,
        made_at=0, settings=LiveSettings(),
    )  # fmt: skip
    write_plan(folder, plan)
    journal = Journal.opened(folder.journal, account="PA1", deployment=name, tag=plan.tag)
    for number in range(fill_count):
        trade(journal, number, lots=1 if number else 3 - fill_count)
    order = made_order("open-1", number=99)
    journal.intend(order, 5 * SECOND_NS)
    journal.close()
    return folder


def made_order(name: str, *, number: int, lots: int = 1) -> Order:
    """An order to buy shares."""
    return Order(
        client_order_id=name, number=number, event_ts=number * SECOND_NS, asset=0, role="entry",
        revision=0, side=1, lots=lots, parts=1, type="limit", limit=99.5, time_in_force="day",
        state=State.INTENDED, created_at=5 * SECOND_NS,
    )  # fmt: skip


def trade(journal: Journal, number: int, *, lots: int) -> None:
    """Book one execution of so many shares at 100."""
    execution = Execution(
        execution_id=f"e{number}", client_order_id=f"o{number}", asset=0, role="entry",
        ts=number * SECOND_NS, lots=lots, price=100_000_000, amount=lots * 100_000_000,
        told=abs(lots),
    )  # fmt: skip
    journal.execution(execution, number * SECOND_NS)


def halted(folder: Folder, name: str = "max_drawdown") -> None:
    """Set a latch."""
    set_latch(folder, Latch(name=name, reason="equity fell", by="risk", at=7))


def token_of(folder: Folder, name: str, role: Role) -> dict[str, str]:
    """The header of a new token."""
    return {"Authorization": f"Bearer {add_token(folder.path / FILE, name, role)}"}


@contextmanager
def serving(app: ASGIApp) -> Generator[httpx.Client]:
    """A client of an app that a real server serves, on a thread of this process."""
    listens = listening("127.0.0.1", 0)
    config = uvicorn.Config(app, log_config=None, lifespan="on", timeout_graceful_shutdown=1)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listens]})
    thread.start()
    try:
        with httpx.Client(base_url=url_of(listens), timeout=30.0, trust_env=False) as client:
            yield client
    finally:
        server.should_exit = True
        thread.join()
        listens.close()


def app_for(folder: Folder, limits: Limits | None = None) -> FastAPI:
    """The app of a deployment's folder, whatever the environment holds."""
    return measured_app(
        DeploymentDesk(folder), Access.of(folder.path, {}), limits=limits or Limits()
    )
