"""One delivery into the store: normal form, checks, bad rows aside, sound rows merged.

Everything that can be refused is refused before the first byte is written; after that
each step can be done again, so an ingest that was killed is mended by repeating it.
"""

from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.domain.timeframe import SESSION
from fanfold.errors import DataError
from fanfold.market.columns import arrow
from fanfold.market.intake.normal import Normal, normal_rows
from fanfold.market.intake.set_apart import bad_rows, notes, one_a_day
from fanfold.market.intake.terms import check_terms
from fanfold.market.kinds import FORMS, TICKS
from fanfold.market.quality import About, Finding, Verdict, examine_bars, examine_ticks
from fanfold.market.sources.source import Delivery
from fanfold.market.store import Change, Series, Store, numbers

_USUAL: Final = (SESSION, "1min", "5min", "15min", "1h")
"""Timeframes whose basis a new series of the same symbol must have."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Where deliveries come from.

    Attributes:
        source: Name of the source.
        feed: Which of its feeds, "" if it has one.
    """

    source: str = ""
    feed: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Receipt:
    """What became of a delivery.

    Attributes:
        symbol: Whose; "" for listings, the universe for members.
        kind: What the rows are.
        timeframe: Of bars, else "".
        added: Rows that were not there.
        revised: Rows that had other values.
        unchanged: Rows that were there already.
        quarantined: Rows set aside.
        findings: What was found.
        first: Least `ts` of the rows that were delivered and sound [ns UTC]; None without.
        last: Greatest `ts`.
    """

    symbol: str
    kind: str
    timeframe: str = ""
    added: int = 0
    revised: int = 0
    unchanged: int = 0
    quarantined: int = 0
    findings: tuple[Finding, ...] = ()
    first: int | None = None
    last: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """How deliveries are stored.

    Attributes:
        strict: Whether to refuse a symbol's rows where a finding is an error.
        replace: Whether to forget what is stored of a series.
        refresh: Whether to fetch what was fetched before.
    """

    strict: bool = False
    replace: bool = False
    refresh: bool = False


def ingest(
    store: Store,
    delivery: Delivery,
    *,
    origin: Origin | None = None,
    strict: bool = False,
    replace: bool = False,
) -> Receipt:
    """Store what can be stored of a delivery, and tell of the rest.

    Doing it again changes no byte.

    Args:
        store: Into which.
        delivery: The rows of one symbol.
        origin: Where they come from; rows of two sources or feeds are not mixed.
        strict: Whether to refuse all of it where a finding is an error.
        replace: Whether to forget what is stored of the series.

    Raises:
        ConfigError: The delivery's calendar or timeframe is unknown.
        DataError: The rows cannot be those of the kind, are of another source, feed, basis or
            calendar than those stored, or `strict` refuses them; or the store cannot be
            written to. Nothing was written but for the last.
    """
    act = _Ingest(
        store=store,
        delivery=delivery,
        origin=origin or Origin(),
        manner=Manner(strict=strict, replace=replace),
    )
    return act.events() if delivery.kind == "bars" or delivery.kind in TICKS else act.beside()


@dataclass(frozen=True, slots=True, kw_only=True)
class _Ingest:
    store: Store
    delivery: Delivery
    origin: Origin
    manner: Manner

    def beside(self) -> Receipt:
        """Actions, listings or members."""
        kind, symbol = self.delivery.kind, self.delivery.symbol
        series = Series(kind=kind, symbol=symbol)
        rows = normal_rows(self.delivery).table
        labels: dict[str, str] = {}
        if kind == "actions":
            rows = one_a_day(rows, symbol)
            labels = {"basis": self.delivery.basis}
            self._check_basis(series)
        else:
            stored = self._stored(series)
            check_terms(kind, rows, self.store.read(series) if stored else None, symbol)
        change = self._upsert(series, rows, labels)
        return _receipt(series, change, _revised(series, change))

    def events(self) -> Receipt:
        """Bars or ticks."""
        delivery = self.delivery
        timeframe = delivery.timeframe if delivery.kind == "bars" else ""
        series = Series(kind=delivery.kind, symbol=delivery.symbol, timeframe=timeframe)
        known = self.store.labels(series) if self._stored(series) else {}
        normal = normal_rows(delivery, calendar=known.get("calendar") or None)
        labels = self._labels(normal)
        self._check_labels(series, labels, known)
        actions = self._actions()
        verdict = self._verdict(normal, actions)
        findings = (*_unread(normal, delivery), *verdict.findings)
        if self.manner.strict:
            _refuse(findings, series)
        aside = bad_rows(
            delivery.kind,
            normal,
            verdict,
            self.origin.source,
            numbered=delivery.rows is not None,
        )
        self._keep_beside(series, "quarantine", aside)
        self._keep_beside(series, "notes", notes(verdict.findings, self.origin.source))
        if actions is not None and actions.num_rows:
            beside = Series(kind="actions", symbol=delivery.symbol)
            change = self._upsert(beside, actions, {"basis": delivery.basis})
            findings += _revised(beside, change)
        kept = normal.table
        if not verdict.keep.all():
            kept = kept.filter(arrow().array(verdict.keep))
        change = self._upsert(series, kept, labels)
        ts = numbers(kept, "ts")
        return replace(
            _receipt(series, change, findings + _revised(series, change)),
            quarantined=aside.num_rows,
            first=int(ts.min()) if len(ts) else None,
            last=int(ts.max()) if len(ts) else None,
        )

    def _keep_beside(self, series: Series, kind: str, rows: Any) -> None:
        """What was found out about a series, for those who look at it later."""
        belongs = series.timeframe or series.kind
        beside = Series(kind=kind, symbol=series.symbol, timeframe=belongs)
        if rows.num_rows or (self.manner.replace and self.store.has(beside)):
            self._upsert(beside, rows, {})

    def _stored(self, series: Series) -> bool:
        return not self.manner.replace and self.store.has(series)

    def _upsert(self, series: Series, rows: Any, labels: dict[str, str]) -> Change:
        return self.store.upsert(series, rows, labels=labels, replace=self.manner.replace)

    def _labels(self, normal: Normal) -> dict[str, str]:
        labels = {"source": self.origin.source, "feed": self.origin.feed}
        if self.delivery.kind == "bars":
            return labels | {
                "basis": self.delivery.basis,
                "calendar": normal.calendar,
                "stamp": self.delivery.stamp,
            }
        # What a few ticks show of their calendar may be another tomorrow.
        return labels | {"calendar": self.delivery.calendar or ""}

    def _check_labels(self, series: Series, labels: dict[str, str], known: dict[str, str]) -> None:
        """Refuse, before anything is written, what the store would refuse after."""
        for name in sorted({*known, *labels}) if known else ():
            was, now = known.get(name, ""), labels.get(name, "")
            if was != now:
                raise DataError(
                    f"{name} of {series} in {self.store.name} must be {was!r} as stored, was "
                    f"{now!r}; replace what is stored, or use another store"
                )
        if series.kind == "bars" and (not known or self.delivery.actions is not None):
            self._check_basis(series)

    def _check_basis(self, series: Series) -> None:
        """Refuse prices, or actions in their units, of another basis than the symbol has."""
        usual = [Series(kind="bars", symbol=series.symbol, timeframe=one) for one in _USUAL]
        for other in (Series(kind="actions", symbol=series.symbol), *usual):
            if other == series or not self.store.has(other):
                continue
            was, now = self.store.labels(other).get("basis", ""), self.delivery.basis
            if was != now:
                raise DataError(
                    f"basis of {series} must be {was!r} as that of {other} in "
                    f"{self.store.name}, was {now!r}: a symbol has one basis"
                )

    def _actions(self) -> Any:
        """Rows of the splits and dividends that came along, or None."""
        came = self.delivery.actions
        if came is None:
            return None
        delivery = replace(self.delivery, kind="actions", table=came, actions=None, rows=None)
        return one_a_day(normal_rows(delivery).table, self.delivery.symbol)

    def _verdict(self, normal: Normal, actions: Any) -> Verdict:
        is_bars = self.delivery.kind == "bars"
        about = About(
            symbol=self.delivery.symbol,
            timeframe=normal.timeframe,
            calendar=normal.calendar or ROUND_THE_CLOCK,
            basis=self.delivery.basis,
            actions=self._booked(actions) if is_bars else None,
            source=self.origin.source,
        )
        table = normal.table
        rows: dict[str, NDArray[Any]] = {}
        for field in table.schema:
            if field.name == "ts" or str(field.type) == "double":
                rows[field.name] = numbers(table, field.name)
        if "id" in table.column_names:
            texts = [one or "" for one in table.column("id").to_pylist()]
            rows["id"] = np.array(texts, object)
        return (examine_bars if is_bars else examine_ticks)(rows, about, normal.rows)

    def _booked(self, actions: Any) -> tuple[NDArray[Any], NDArray[Any], NDArray[Any]] | None:
        """Actions that are stored and those that came along, as the checks want them."""
        series = Series(kind="actions", symbol=self.delivery.symbol)
        tables = [self.store.read(series)] if self._stored(series) else []
        tables += [] if actions is None else [actions]
        if not tables:
            return None
        by_day: dict[int, tuple[float, float]] = {}
        for table in tables:
            columns = (numbers(table, name).tolist() for name in FORMS["actions"].required)
            for day, split, dividend in zip(*columns, strict=True):
                by_day[day] = split, dividend
        days = sorted(by_day)
        values = np.array([by_day[one] for one in days], np.float64).reshape(-1, 2)
        return np.array(days, np.int64), values[:, 0], values[:, 1]


def _unread(normal: Normal, delivery: Delivery) -> tuple[Finding, ...]:
    about = About(symbol=delivery.symbol, timeframe=normal.timeframe)
    return tuple(
        about.found(None, "bad_timestamp", f"{reason}; row {row} was set aside")
        for row, reason in zip(normal.unread_rows.tolist(), normal.reasons, strict=True)
    )


def _refuse(findings: tuple[Finding, ...], series: Series) -> None:
    errors = [one for one in findings if one.severity == "error"]
    if errors:
        kinds = ", ".join(sorted({one.kind for one in errors}))
        at = errors[0].plain()["ts"] or "no time"
        raise DataError(
            f"{series} must be free of errors to be stored strictly, had {len(errors)} "
            f"({kinds}), the first at {at}: {errors[0].detail}"
        )


def _revised(series: Series, change: Change) -> tuple[Finding, ...]:
    if not change.revised:
        return ()
    rows = "; ".join(change.examples)
    detail = f"rows must not change once stored, {change.revised} of {series} did: {rows}"
    finding = Finding(
        symbol=series.symbol,
        ts=None,
        kind="revised",
        severity="warning",
        detail=detail,
        timeframe=series.timeframe,
    )
    return (finding,)


def _receipt(series: Series, change: Change, findings: tuple[Finding, ...]) -> Receipt:
    return Receipt(
        symbol=series.symbol,
        kind=series.kind,
        timeframe=series.timeframe,
        added=change.added,
        revised=change.revised,
        unchanged=change.unchanged,
        findings=findings,
    )
