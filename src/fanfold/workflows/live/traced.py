"""How an order came to be: from a tick to its fills, of all that was written down of it.

Lines of the components say when each step was taken, tapes what was heard and decided, the
journal what became of it. Each is read by itself, so that lines which were lost, or put aside
since, leave a trace with the other two.
"""

import json
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from typing import Any, Final, NamedTuple, cast

from fanfold.domain.money import MICRO
from fanfold.domain.period import ts_text
from fanfold.errors import ConfigError, LiveError
from fanfold.live.execution.journal_file import connected
from fanfold.live.folder import Folder
from fanfold.live.logs import TRACE_ENDING
from fanfold.live.messages import EXECUTION
from fanfold.live.plan import Plan, read_plan
from fanfold.live.trace import ID_BYTES, NAME, trace_id
from fanfold.workflows.live.heard import Step, heard_of

PREFIX_MIN: Final = 8
"""Letters of an id that must be given at least."""

ROWS_MAX: Final = 10_000
"""Rows of the journal about one trace that are shown."""

_ORDERS: Final = "SELECT client_order_id FROM orders WHERE asset = ? AND event_ts = ?"
_MADE: Final = """SELECT created_at, client_order_id, role FROM orders
    WHERE asset = ? AND event_ts = ? LIMIT ?"""
_NOTED: Final = f"""SELECT at, client_order_id, event, text FROM events
    WHERE client_order_id IN ({_ORDERS}) LIMIT ?"""  # noqa: S608  (ours)
_BOOKED: Final = f"""SELECT ts, client_order_id, lots, amount, execution_id FROM executions
    WHERE client_order_id IN ({_ORDERS}) LIMIT ?"""  # noqa: S608  (ours)


_NOT_SHOWN: Final = frozenset({"at", "by", "step", "from", "ts", "told_at", "taken_at"})
"""Of a step in what people read: a column of its own, or an instant."""

_FILLS: Final = frozenset({"fill", "partial_fill"})
"""Events of the journal that are a fill."""


class Event(NamedTuple):
    """What a trace is of: an asset's number, and the instant that was decided on [ns UTC]."""

    asset: int
    ts: int


def trace_of(folder: Folder, asked: str) -> dict[str, Any]:
    """All steps of a trace, in the order in which they were taken.

    Args:
        folder: Of the deployment.
        asked: Name of an order, or a trace's id, or how it begins.

    Raises:
        ConfigError: Nothing is known by that name, or several traces begin so.
        DataError: The deployment cannot be read.
        LiveError: Its journal cannot.
    """
    plan = read_plan(folder)
    event = _event_of(folder, plan, asked)
    trace = trace_id(plan.tag, event.asset, event.ts)
    steps = [*_logged(folder, trace), *_journaled(folder, plan, event)]
    begin = min((step["at"] for step in steps), default=0)
    orders = [step["order"] for step in steps if step["from"] == "journal"]
    steps += heard_of(folder, plan, event.asset, event.ts, begin)
    return {
        "status": "ok",
        "deployment": folder.name,
        "trace": trace,
        "symbol": plan.symbols[event.asset],
        "event_ts": event.ts,
        "orders": list(dict.fromkeys(orders)),
        "steps": sorted(steps, key=lambda step: step["at"]),
    }


def trace_lines(found: dict[str, Any]) -> Iterator[str]:
    """The same for people; times count from the first step."""
    yield f"{found['trace']}  {found['symbol']}, decided on {ts_text(found['event_ts'])}"
    steps: list[Step] = found["steps"]
    for step in steps:
        since_ms = (step["at"] - steps[0]["at"]) / MICRO
        facts = ", ".join(
            f"{name} {value}"
            for name, value in step.items()
            if name not in _NOT_SHOWN and value != ""
        )
        by, what = step["by"], step["step"]
        yield f"  {since_ms:>12.3f} ms  {by:<11} {what:<16} {step['from']:<8} {facts}".rstrip()


def _event_of(folder: Folder, plan: Plan, asked: str) -> Event:
    """What is asked for, by an order's name or an id."""
    named = _rows(folder, "SELECT asset, event_ts FROM orders WHERE client_order_id = ?", (asked,))
    if named:
        return Event(*named[0])
    long_enough = PREFIX_MIN <= len(asked) <= 2 * ID_BYTES
    if not long_enough or not NAME.fullmatch(asked.ljust(2 * ID_BYTES, "0")):
        raise ConfigError(
            f"a trace must be named by an order of {folder.name}, or by the first {PREFIX_MIN} "
            f"letters of its id or more, was {asked!r}"
        )
    known = dict(_begun(folder, plan, asked))
    if len(known) != 1:
        raise ConfigError(
            f"one trace of {folder.name} must begin with {asked}, {len(known) or 'none'} does"
        )
    return next(iter(known.values()))


def _begun(folder: Folder, plan: Plan, beginning: str) -> Iterator[tuple[str, Event]]:
    """Traces whose ids begin so: of the journal's orders, and of what came to none."""
    for asset, ts in _rows(folder, "SELECT DISTINCT asset, event_ts FROM orders", ()):
        trace = trace_id(plan.tag, asset, ts)
        if trace.startswith(beginning):
            yield trace, Event(asset, ts)
    for line in _lines(folder, f'"trace": "{beginning}'):
        yield line["trace"], Event(line["asset"], line["event_ts"])


def _logged(folder: Folder, trace: str) -> Iterator[Step]:
    """What components wrote down when they took a step."""
    for line in _lines(folder, trace):
        if trace not in (line.get("trace"), *line.get("traces", ())):
            continue
        facts = {name: value for name, value in line.items() if name not in _FORM}
        by = line["component"]
        yield {"at": line["at"], "by": by, "step": line["text"], "from": "log", **facts}


_FORM: Final = frozenset(
    {"at", "level", "component", "incarnation", "where", "text", "trace", "traces", "asset",
     "event_ts"}
)  # fmt: skip
"""What of a line says where it belongs."""


def _lines(folder: Folder, text: str) -> Iterator[dict[str, Any]]:
    """Lines of all components that hold a text, older files too."""
    for file in sorted(folder.logs.glob(f"*{TRACE_ENDING}*")):
        with file.open(encoding="utf-8", errors="replace") as opened:
            for written in opened:
                if text in written and (line := _line(written)) is not None:
                    yield line


def _line(text: str) -> dict[str, Any] | None:
    """A line, None for one that a process left half written."""
    try:
        found: Any = json.loads(text)
    except ValueError:
        return None
    return cast("dict[str, Any]", found) if isinstance(found, dict) and "text" in found else None


def _journaled(folder: Folder, plan: Plan, event: Event) -> Iterator[Step]:
    """Orders of the event, what happened to them, and their fills."""
    parts = plan.assets[event.asset].parts
    limit = (*event, ROWS_MAX)

    def step(at: int, what: str, order: str, **facts: Any) -> Step:
        return {"at": at, "by": EXECUTION, "step": what, "from": "journal", "order": order, **facts}

    for at, order, role in _rows(folder, _MADE, limit):
        yield step(at, "made", order, role=role)
    heard: dict[str, list[int]] = {}
    for at, order, what, text in _rows(folder, _NOTED, limit):
        if what not in _FILLS:
            yield step(at, what, order, reason=text)
        heard.setdefault(order, []).extend([at] if what in _FILLS else [])
    for ts, order, lots, amount, name in _rows(folder, _BOOKED, limit):
        price = abs(amount / MICRO * parts / lots) if lots else 0.0
        # The venue's instant may be of a replayed day; when it was heard is ours.
        at = heard[order].pop(0) if heard.get(order) else ts
        facts = {"units": lots / parts, "price": round(price, 6), "execution": name}
        yield step(at, "fill", order, ts=ts, **facts)


def _rows(folder: Folder, statement: str, values: tuple[Any, ...]) -> list[Any]:
    """What the journal says; nothing where there is none yet."""
    if not folder.journal.is_file():
        return []
    with closing(connected(folder.journal, is_writer=False)) as connection:
        try:
            return connection.execute(statement, values).fetchall()
        except sqlite3.Error as error:
            raise LiveError(f"the journal must be readable, was not: {error}") from None
