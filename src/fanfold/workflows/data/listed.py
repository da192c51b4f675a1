"""What data is at hand, as lines and as plain values."""

from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from fanfold.domain.place import home
from fanfold.domain.timeframe import SESSION, WEEK
from fanfold.errors import ConfigError, DataError
from fanfold.market.quality.finding import instant_text

if TYPE_CHECKING:
    from fanfold.market.catalog import DatasetInfo
    from fanfold.market.store import Series, SeriesInfo, Store

BESIDE: Final = "series"
"""Kind of what stands beside prices, such as an index; not a dataset of its own."""

SYMBOLS_SHOWN_MAX: Final = 12
"""Symbols of a dataset that a line names."""

FINGERPRINT_SHOWN: Final = 16
"""Characters of a fingerprint that a line shows."""


def local_name() -> str:
    """Where the local store is."""
    return str(home() / "store")


def store_at(where: str | None) -> "Store":
    """A store that is there; the local one if left out.

    Raises:
        ConfigError: The name is empty.
        DataError: There is none, or one of another format.
    """
    from fanfold.market.store import Store

    if where is not None and not where.strip():
        raise ConfigError("store must be a folder or a URL such as s3://bucket/folder, was ''")
    store = Store.at(where or local_name())
    if not store.exists:
        named = store.name if where else f"the local store, {store.name},"
        raise DataError(f"{named} must be a store and is none yet: fanfold data ingest makes it")
    return store


def list_lines(where: str | None) -> tuple[list[str], dict[str, Any]]:
    """What a store holds; without one, what the local store and the sample hold.

    Args:
        where: Folder or URL of a store.

    Raises:
        DataError: There is no store, or it is damaged.
    """
    from fanfold.market.catalog import DATA, list_data
    from fanfold.market.sample import sample_store
    from fanfold.market.store import Store

    local = Store.at(local_name())
    at_hand = [*([local] if local.exists else []), sample_store()]
    stores = [store_at(where)] if where is not None else at_hand
    datasets: list[dict[str, Any]] = []
    series: list[dict[str, Any]] = []
    for store in stores:
        infos = sorted(store.list(), key=_place)
        found = [one for one in list_data(store.place.uri) if one.kind != BESIDE]
        datasets += [_plain(store.name, one, infos) for one in found]
        series += [{"store": store.name, **_one(one)} for one in infos if one.series.kind in DATA]
    lines = [line for dataset in datasets for line in _lines(dataset)]
    content = {"store": stores[0].name, "datasets": datasets, "series": series}
    return lines or [f"{stores[0].name} holds no data yet"], content


def _place(info: "SeriesInfo") -> int:
    """Data first, in their order, then what a store keeps beside them."""
    from fanfold.market.catalog import DATA

    kind = info.series.kind
    return DATA.index(kind) if kind in DATA else len(DATA)


def _plain(name: str, dataset: "DatasetInfo", infos: "Sequence[SeriesInfo]") -> dict[str, Any]:
    kind = dataset.kind, dataset.timeframe
    counts = [one.row_count for one in infos if (one.series.kind, one.series.timeframe) == kind]
    dated = {"first": dataset.first, "last": dataset.last}
    return {
        **asdict(dataset),
        "store": name,
        **{end: None if day is None else day.isoformat() for end, day in dated.items()},
        "symbols": list(dataset.symbols),
        # Rows of the longest series: bars of a panel, where all are of one exchange.
        "bar_count": max(counts, default=0),
    }


def _one(info: "SeriesInfo") -> dict[str, Any]:
    series = info.series
    return {
        "kind": series.kind,
        "timeframe": series.timeframe,
        "symbol": series.symbol,
        "first": moment_text(info.first, series.timeframe),
        "last": moment_text(info.last, series.timeframe),
        "row_count": info.row_count,
        **{name: info.labels.get(name, "") for name in ("basis", "calendar", "source", "feed")},
        "fingerprint": info.fingerprint,
        "bytes": info.bytes,
    }


def moment_text(ts: int | None, timeframe: str) -> str | None:
    """An instant as JSON has it: the date where a bar is a session."""
    if ts is None:
        return None
    text = instant_text(ts)
    return text.partition("T")[0] if timeframe in (SESSION, WEEK) else text


def labels_text(labels: dict[str, Any]) -> str:
    """What rows are, in words."""
    source = " ".join(labels[name] for name in ("source", "feed") if labels.get(name))
    basis = str(labels.get("basis", "")).replace("_", " ")
    return ", ".join(part for part in (basis, labels.get("calendar", ""), source) if part)


def beside(kind: str, series: "Series") -> "Series":
    """Where rows of a series that were set aside, or notes on it, are kept.

    Args:
        kind: "quarantine" or "notes".
        series: Whose.
    """
    from fanfold.market.store import Series

    kept_under = series.timeframe or series.kind
    return Series(kind=kind, symbol=series.symbol, timeframe=kept_under)


def _lines(dataset: dict[str, Any]) -> list[str]:
    names = dataset["symbols"]
    shown = ", ".join(names[:SYMBOLS_SHOWN_MAX])
    if len(names) > SYMBOLS_SHOWN_MAX:
        shown += f" and {len(names) - SYMBOLS_SHOWN_MAX:,} more"
    period = f"{dataset['first']} to {dataset['last']}, " if dataset["first"] else ""
    heading = " ".join(part for part in (dataset["kind"], dataset["timeframe"], shown) if part)
    lines = [
        heading,
        f"  {period}{dataset['row_count']:,} rows, {labels_text(dataset)}".rstrip(", "),
        f"  fingerprint {dataset['fingerprint'][:FINGERPRINT_SHOWN]}",
        f"  {dataset['store']}",
    ]
    if dataset["quarantined"]:
        lines.append(f"  {dataset['quarantined']:,} rows of the source set aside")
    return lines
