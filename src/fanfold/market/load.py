"""One way to ask for bars, wherever they are."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from fanfold.domain.bars import Bars
from fanfold.domain.names import nearest_hint
from fanfold.domain.period import Moment
from fanfold.domain.prices import Basis, check_basis
from fanfold.domain.stamps import Stamp
from fanfold.errors import ConfigError, DataError
from fanfold.market.columns import arrow
from fanfold.market.sample import SAMPLE, sample_store
from fanfold.market.store import PAGE, DatasetInfo, Store

_CSV: Final = (".csv", ".csv.gz")
_PARQUET: Final = (".parquet", ".pq")


def load_bars(
    source: str | Path = SAMPLE,
    *,
    symbols: Sequence[str] | str | None = None,
    start: Moment | None = None,
    end: Moment | None = None,
    basis: Basis | None = None,
    stamp: Stamp | None = None,
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

    Raises:
        ConfigError: An argument cannot be understood or does not go with the source.
        DataError: The source, a symbol, the period or the basis is not there.
    """
    check_basis(basis)
    folder = _dataset_folder(source)
    if folder is None:
        bars = _read_file(Path(source), symbols=symbols, basis=basis, stamp=stamp)
        return bars.select(start=start, end=end)
    if stamp is not None:
        raise ConfigError(f"stamp goes with files only, {source} states its own; was {stamp!r}")
    store = Store(folder=folder.parent)
    bars = store.read(folder.name, symbols=symbols, start=start, end=end)
    return _with_basis(bars, basis, source)


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


def _read_file(
    file: Path, *, symbols: Sequence[str] | str | None, basis: Basis | None, stamp: Stamp | None
) -> Bars:
    name = file.name.lower()
    if name.endswith(_CSV):
        frame = _read_csv(file)
    elif name.endswith(_PARQUET):
        frame = _read_parquet(file)
    else:
        raise DataError(f"file must end in {', '.join(_CSV + _PARQUET)}, was {file}")
    try:
        return Bars.from_frame(frame, stamp=stamp, basis=basis, symbols=symbols, source=file.name)
    except DataError as error:
        raise DataError(f"{file}: {error}") from error


def _read_parquet(file: Path) -> Any:
    pa = arrow()
    try:
        return pa.parquet.read_table(file)
    except (OSError, pa.ArrowException) as error:
        raise DataError(f"{file} must be a readable Parquet file: {_first_line(error)}") from error


def _read_csv(file: Path) -> Any:
    import pandas as pd

    try:
        frame = pd.read_csv(file)
    except (OSError, ValueError) as error:
        raise DataError(f"{file} must be a readable CSV file: {_first_line(error)}") from error
    for label in frame.columns:
        if str(label).strip().lower() in ("ts", "date", "datetime", "timestamp"):
            try:
                frame[label] = pd.to_datetime(frame[label], format="ISO8601")
            except ValueError as error:
                raise DataError(
                    f"{file}: {label} must hold ISO timestamps of one time zone: "
                    f"{_first_line(error)}"
                ) from error
    return frame


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
