"""Whether live did what the backtest does, as a job: `fanfold audit parity`.

Two legs. The recorded inputs go through the engine again and must give the same decisions,
bit for bit: a difference is a defect. The vendor's final bars of the same sessions show
which decisions would have been others, and what all differences were worth.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import msgspec

from fanfold.domain.bars import Bars
from fanfold.domain.money import MICRO
from fanfold.domain.period import ts_text
from fanfold.domain.stamps import Stamp
from fanfold.errors import FanfoldError
from fanfold.live.folder import Folder, write_durably
from fanfold.reporting.parity_views import Leg, ParityView, TradedRow
from fanfold.workflows.live.decided import DIFFERENT, Compared, backtested, replayed
from fanfold.workflows.live.earned import Earned, earned
from fanfold.workflows.live.recorded import Recorded, bars_of, read_recorded
from fanfold.workflows.live.split import Traded

MILLISECOND: Final = 10**6
"""What instants of fills are shown to [ns]."""

LAST: Final = "parity.json"
"""What the last audit said, in the folder of the record."""

MEANINGS: Final[Mapping[str, str]] = {
    "data": "final bars differ from the bars that were seen",
    "refusals": "what was ordered in the backtest and not traded: refused, trimmed, expired, "
    "halted",
    "timing": "fills at other instants than the next bar's open",
    "fill_price": "prices of fills against the market's at that instant",
    "fees": "fees against the model's",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class ParityClosed:
    """An audit that is done, for a person and for `--json`.

    Attributes:
        status: "ok", or "different" if a replay differs.
        lines: What a person reads.
        content: The same as plain values.
        problems: What could not be done beside it.
    """

    status: str
    lines: list[str]
    content: dict[str, Any]
    problems: list[str]


def parity_job(
    session: str,
    *,
    final: Bars | str | None = None,
    stamp: Stamp | None = None,
    track: bool = True,
    draw: bool = True,
) -> ParityClosed:
    """Audit what a deployment recorded.

    Args:
        session: Name of a deployment, or its folder.
        final: The vendor's final bars: bars, a store or a file, "sample"; None asks the
            broker of the deployment for them, and goes without if it does not answer.
        stamp: What timestamps of a file of final bars mark.
        track: Whether MLflow keeps the audit.
        draw: Whether the page is drawn.

    Raises:
        ConfigError, DataError: There is no such deployment, or no record, or no such bars.
    """
    began = time.perf_counter()
    found = read_recorded(_folder(session))
    recorded, problems = bars_of(found), list[str]()
    vendor = _final(found, recorded, final, stamp, problems)
    legs = [
        replayed(found),
        backtested(found, recorded, "recorded bars, by the backtest's loop"),
    ]
    if vendor is not None:
        legs.append(backtested(found, vendor, "the vendor's final bars", reference=recorded))
    money = earned(found, recorded, vendor) if _traded_on_bars(found) else None
    broken = any(leg.verdict == DIFFERENT for leg in legs[:2])
    content = _content(found, legs, money) | {"status": "different" if broken else "ok"}
    if draw and money is not None:
        page = _draw(found, recorded, legs, money)
        content["artifacts"] = [str(page)]
    if track:
        try:
            content["mlflow_run_id"] = _record(found, content)
        except FanfoldError as error:
            problems.append(str(error))
    content["seconds"] = round(time.perf_counter() - began, 3)
    _keep(found, content)
    return ParityClosed(
        status=content["status"],
        lines=_lines(found, legs, money, content),
        content=content | {"problems": problems},
        problems=problems,
    )


def _folder(session: str) -> Folder:
    return Folder(Path(session)) if "/" in session or "\\" in session else Folder.of(session)


def _traded_on_bars(found: Recorded) -> bool:
    return bool(found.steps) and found.plan.settings.market.clock == "bars"


def _final(
    found: Recorded,
    recorded: Bars,
    final: Bars | str | None,
    stamp: Stamp | None,
    problems: list[str],
) -> Bars | None:
    if isinstance(final, Bars) or not _traded_on_bars(found):
        return final if isinstance(final, Bars) else None
    from fanfold.workflows.live.vendor import final_bars, stored_bars

    if final is not None:
        return stored_bars(found, recorded, final, stamp)
    try:
        return final_bars(found, recorded)
    except FanfoldError as error:
        problems.append(f"the vendor's final bars were not compared: {error}")
        return None


def _content(found: Recorded, legs: Sequence[Compared], money: Earned | None) -> dict[str, Any]:
    content: dict[str, Any] = {
        "deployment": found.plan.deployment,
        "decisions": len(found.decisions),
        "bars": len(found.steps),
        "fills": len(found.fills),
        "refusals": found.refusals,
        "legs": [
            {
                "name": leg.name, "verdict": leg.verdict, "compared": leg.compared,
                "different": leg.different, "first": leg.first,
            }
            for leg in legs
        ],
        "metrics": {
            f"different_{place}": float(leg.different) for place, leg in enumerate(legs, 1)
        },
        "artifacts": [],
        "mlflow_run_id": None,
    }  # fmt: skip
    if money is not None:
        split = money.split
        content |= {
            "profit": {"backtest": split.backtest / MICRO, "live": split.live / MICRO},
            "causes": {name: amount / MICRO for name, amount in split.causes.items()},
        }
        content["metrics"] |= {
            "profit_live": split.live / MICRO,
            "profit_backtest": split.backtest / MICRO,
            **{f"cause_{name}": amount / MICRO for name, amount in split.causes.items()},
        }
    return content


def _lines(
    found: Recorded, legs: Sequence[Compared], money: Earned | None, content: dict[str, Any]
) -> list[str]:
    lines = [
        f"{found.plan.deployment}: {len(found.steps):,} bars, {len(found.decisions):,} decisions, "
        f"{len(found.fills):,} fills",
        "",
    ]
    for leg in legs:
        told = f", first at {leg.first}" if leg.different else f" ({leg.first})" * bool(leg.first)
        lines.append(
            f"{leg.verdict:<13}{leg.name}: {leg.compared:,} compared, {leg.different:,} "
            f"different{told}"
        )
    if money is not None:
        lines += ["", f"profit        live {money.split.live / MICRO:,.2f}, "
                  f"backtest {money.split.backtest / MICRO:,.2f}"]  # fmt: skip
        lines += [
            f"  {name.replace('_', ' '):<12}{amount / MICRO:>14,.2f}  {MEANINGS[name]}"
            for name, amount in money.split.causes.items()
        ]
    lines += [f"\nreport        {path}" for path in content["artifacts"]]
    if content["mlflow_run_id"]:
        lines.append(f"mlflow        {content['mlflow_run_id']}")
    return lines


def _draw(found: Recorded, recorded: Bars, legs: Sequence[Compared], money: Earned) -> Path:
    from fanfold.reporting.parity import write_parity

    plan = found.plan
    view = ParityView(
        name=plan.deployment,
        legs=[
            Leg(
                name=leg.name, verdict=leg.verdict, compared=leg.compared,
                different=leg.different, first=leg.first,
            )
            for leg in legs
        ],
        live=money.live,
        backtest=money.backtest,
        causes={name: amount / MICRO for name, amount in money.split.causes.items()},
        meanings=MEANINGS,
        traded=[_row(found, one) for one in money.traded],
        refusals=found.refusals,
        facts={
            "Strategy": plan.strategy,
            "Parameters": ", ".join(f"{name}={value}" for name, value in plan.params.items()),
            "Assets": ", ".join(plan.symbols),
            "From": ts_text(int(money.live.index[0].value)) if len(money.live) else "–",
            "To": ts_text(int(recorded.ts[-1])),
            "Broker": plan.settings.broker.at,
            "Code": plan.code_hash[:12],
            "Spec": plan.spec_hash[:12],
            "Warm-up": f"{plan.warm_up_bars:,} bars, {plan.data_fingerprint[:12]}",
        },
    )  # fmt: skip
    return write_parity(found.folder.record / "parity.html", view)


def _keep(found: Recorded, content: Mapping[str, Any]) -> None:
    """Leave the last audit in the folder, for the page."""
    kept = {name: content[name] for name in ("status", "legs", "metrics")}
    write_durably(found.folder.record / LAST, msgspec.json.encode({"at": time.time_ns()} | kept))


def _row(found: Recorded, one: Traded) -> TradedRow:
    asset, real = found.plan.assets[one.real.asset], one.real
    units = abs(real.lots) / asset.parts
    worse = (real.price - one.on_time) * (1 if real.lots > 0 else -1)
    return TradedRow(
        when=ts_text(real.ts - real.ts % MILLISECOND), symbol=asset.symbol,
        side="buy" if real.lots > 0 else "sell",
        quantity=units, price=real.price / MICRO, modelled=one.on_time / MICRO,
        cost=worse * units / MICRO,
    )  # fmt: skip


def _record(found: Recorded, content: Mapping[str, Any]) -> str:
    from fanfold.tracking import JobRecord, record_job

    plan = found.plan
    return record_job(
        JobRecord(
            job="parity",
            experiment="parity",
            name=f"parity of {plan.deployment}",
            params={"strategy": plan.strategy, "params": plan.params, "symbols": plan.symbols},
            metrics=content["metrics"],
            tags={
                "deployment": plan.deployment,
                "data_fingerprint": plan.data_fingerprint,
                "code_hash": plan.code_hash,
                "spec_hash": plan.spec_hash,
            },
            artifacts=tuple(Path(path) for path in content["artifacts"]),
        )
    )
