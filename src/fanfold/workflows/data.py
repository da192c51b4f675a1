"""What data is at hand, as lines and as plain values."""

from pathlib import Path
from typing import Any

from fanfold.market.dataset import DatasetInfo
from fanfold.market.load import list_data


def list_lines(folder: Path | None) -> tuple[list[str], list[dict[str, Any]]]:
    """The datasets of a store.

    Raises:
        DataError: The folder is not there, or holds a damaged dataset.
    """
    found = list_data(folder)
    return [line for info in found for line in _lines(info)], [_plain(info) for info in found]


def _lines(info: DatasetInfo) -> list[str]:
    basis = info.basis.replace("_", " ") + (" and raw" if info.has_raw else "")
    lines = [
        f"{info.name}  {', '.join(info.symbols)}",
        f"  {info.first} to {info.last}, {info.bar_count:,} bars, {basis}, {info.calendar}",
        f"  {info.source}, fingerprint {info.fingerprint[:16]}",
        f"  {info.path}",
    ]
    if info.quarantined:
        lines.append(f"  {len(info.quarantined)} rows of the source set aside, could not be bars")
    return lines


def _plain(info: DatasetInfo) -> dict[str, Any]:
    return {
        "name": info.name,
        "symbols": list(info.symbols),
        "first": str(info.first),
        "last": str(info.last),
        "bar_count": info.bar_count,
        "basis": info.basis,
        "calendar": info.calendar,
        "fingerprint": info.fingerprint,
        "source": info.source,
        "quarantined": len(info.quarantined),
        "path": str(info.path),
    }
