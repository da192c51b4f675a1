"""One way to ask for bars, wherever they are."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from fanfold.domain.bars import Bars
from fanfold.domain.calendars import Calendar
from fanfold.domain.names import nearest_hint
from fanfold.domain.period import Moment
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.stamps import Stamp
from fanfold.errors import ConfigError, DataError
from fanfold.market.files import read_table
from fanfold.market.horizon import within_horizon
from fanfold.market.join import Beside, join
from fanfold.market.sample import SAMPLE, sample_store
from fanfold.market.store import PAGE, DatasetInfo, Store


def load_bars(
    source: str | Path = SAMPLE,
    *,
    symbols: Sequence[str] | str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    basis: Basis | None = None,
    stamp: Stamp | None = None,
    calendar: Calendar | None = None,
    actions: str | Path | None = None,
    delisted_at: Mapping[str, Moment] | None = None,
    delisting_return: float | Mapping[str, float] = 0.0,
    members: str | Path | None = None,
    columns: Mapping[str, str | Path] | None = None,
) -> Bars:
    """Load bars from the packaged sample, a store or a tidy file.

    Args:
        source: "sample", the folder of a store or of one dataset in it, or a CSV or
            Parquet file with the columns of `Bars.from_frame`.
        symbols: Only these, in this order.
        start: First session (a date), or earliest end of a bar (an instant with zone).
        end: Last session or latest end of a bar, included.
        basis: What prices are adjusted for; as stored if left out. "raw" is there
            where prices as traded are kept beside adjusted ones. Raw prices jump at
            splits and dividends.
        stamp: For files whose timestamps are not midnight dates: what they mark.
        calendar: For files: exchange calendar, such as "XNYS", or "24/7", for all or by
            symbol, see `Bars.from_frame`.
        actions: CSV or Parquet file of symbol, ts (ex-date), splits and dividends. As in
            the two files below, rows of other symbols and days are left out.
        delisted_at: First date on which an asset is no longer listed, by symbol.
        delisting_return: From the last close to what a holder got [1]; one for all that
            are delisted, or by symbol. With `symbols`, others may be named.
        members: File of symbol, start, end: terms of membership, see `Bars.with_events`.
        columns: Files of symbol, available_at, value, by the name of the column that
            they become, see `Bars.with_column`.

    Raises:
        ConfigError: An argument cannot be understood or does not go with the source.
        DataError: The source, a symbol, the period or the basis is not there.
    """
    check_basis(basis)
    beside = Beside(
        actions=actions,
        delisted_at=delisted_at,
        delisting_return=delisting_return,
        members=members,
        columns=columns or {},
    )
    folder = _dataset_folder(source)
    if folder is None:
        bars = _read_file(
            Path(source), symbols=symbols, basis=basis, stamp=stamp, calendar=calendar
        )
        bars = join(bars.select(start=start, end=end), beside, chosen=symbols is not None)
        return within_horizon(bars)
    for name, given in (("stamp", stamp), ("calendar", calendar)):
        if given is not None:
            raise ConfigError(
                f"{name} goes with files only, {source} states its own; was {given!r}"
            )
    store = Store(folder=folder.parent)
    bars = store.read(folder.name, symbols=symbols, start=start, end=end)
    bars = join(_with_basis(bars, basis, source), beside, chosen=symbols is not None)
    return within_horizon(bars)


def list_data(folder: str | Path | None = None) -> tuple[DatasetInfo, ...]:
    """All datasets of a store, by name.

    Args:
        folder: The store's folder; the local store, with the sample, if left out.

    Raises:
        DataError: The folder is not there, or holds a damaged dataset.
    """
    if folder is None:
        return sample_store().list()
    if not Path(folder).is_dir():
        raise DataError(f"folder must be that of a store, {folder} is not there")
    return Store(folder=Path(folder)).list()


def _dataset_folder(source: str | Path) -> Path | None:
    """The folder of the dataset that is meant; None if it is a file."""
    if source == SAMPLE:
        return sample_store().folder / SAMPLE
    path = Path(source).expanduser().absolute()
    if path.is_file():
        return None
    valid = f"{SAMPLE!r}, the folder of a store, or a .csv or .parquet file"
    if not path.is_dir():
        raise DataError(
            f"source must be {valid}; {source} is not there{nearest_hint(str(source), [SAMPLE])}"
        )
    if (path / PAGE).is_file():
        return path
    names = sorted(page.parent.name for page in path.glob(f"*/{PAGE}"))
    if len(names) == 1:
        return path / names[0]
    if names:
        raise DataError(f"source must be one dataset of {source}: {', '.join(names)}")
    raise DataError(f"source must be {valid}; the folder {source} holds no dataset")


def _with_basis(bars: Bars, basis: Basis | None, source: str | Path) -> Bars:
    if basis is None or basis == bars.basis:
        return bars
    if basis == "raw" and bars.raw is not None:
        return replace(bars, panel=bars.raw, raw=None, basis="raw")
    there = bars.basis if bars.raw is None else f"{bars.basis} or raw"
    raise DataError(f"basis of {source} must be {there}, was {basis!r}")


def _read_file(file: Path, **asked: Any) -> Bars:
    frame = read_table(file)
    try:
        return Bars.from_frame(frame, source=file.name, **asked)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error
