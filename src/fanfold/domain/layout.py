"""What the arrays of `Bars` must be: type, axes and rules of each.

One table says it for the checks, the fingerprint and every way of narrowing, so a
column cannot be in one of them and missing in another.
"""

from typing import TYPE_CHECKING, Any, Final, cast, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.adjustment import NEVER, forward_factors
from fanfold.domain.panel import FIELDS
from fanfold.domain.period import day_text, ts_text
from fanfold.domain.prices import Basis, absent, fault, faulty
from fanfold.domain.sessions import ROUND_THE_CLOCK
from fanfold.errors import DataError

if TYPE_CHECKING:
    from fanfold.domain.bars import Bars

BAR: Final = ("bar",)
ASSET: Final = ("asset",)
CELL: Final = ("bar", "asset")
PANEL: Final = ("field", "bar", "asset")

EXTRA: Final = "extra."
"""What the names of extra columns begin with where they stand beside others."""

LAYOUT: Final[dict[str, tuple[Any, tuple[str, ...]]]] = {
    "ts": (np.int64, BAR),
    "panel": (np.float64, PANEL),
    "session_day": (np.int64, BAR),
    "minutes_to_close": (np.float64, BAR),
    "is_month_end": (np.bool_, BAR),
    "raw": (np.float64, PANEL),
    "benchmark": (np.float64, BAR),
    "splits": (np.float64, CELL),
    "dividends": (np.float64, CELL),
    "members": (np.bool_, CELL),
    "delisted_day": (np.int64, ASSET),
    "delisting_return": (np.float64, ASSET),
}
"""Type and axes of each array, in the order of the fingerprint."""

NEUTRAL: Final[dict[str, Any]] = {
    "splits": 1.0,
    "dividends": 0.0,
    "members": True,
    "delisted_day": NEVER,
}
"""Values that say nothing; an array of nothing else is left out."""

BOOKED: Final = {"raw": ("splits", "dividends"), "split": ("dividends",), "total_return": ()}
"""Actions that are booked on bars of a basis; the others are in its prices."""

FORWARD_MAX: Final = 1e9
"""What one unit may become by all splits [units]; also 1 / the least."""


def arrays_of(bars: "Bars") -> dict[str, NDArray[Any]]:
    """The arrays that are there, extra columns included, in the fingerprint's order."""
    named = {name: getattr(bars, name) for name in LAYOUT}
    there = {name: array for name, array in named.items() if array is not None}
    return there | {EXTRA + name: array for name, array in bars.extra.items()}


def narrowed(array: NDArray[Any], axes: tuple[str, ...], **kept: Any) -> NDArray[Any]:
    """An array at some places of its axes, given as `bar=` and `asset=`."""
    for place, axis in enumerate(axes):
        if axis in kept:
            array = array[(slice(None),) * place + (kept[axis],)]
    return array


def settled(bars: "Bars", name: str, array: Any) -> NDArray[Any] | None:
    """A read-only, C-contiguous view (or copy, if it must be), None if it says nothing.

    Raises:
        DataError: It is no array of its type and shape.
    """
    kind, axes = LAYOUT.get(name, (np.float64, CELL))
    sizes = {"field": len(FIELDS), "bar": len(bars.ts), "asset": len(bars.symbols)}
    shape = tuple(sizes[axis] for axis in axes)
    wanted = f"{np.dtype(kind)}{list(shape)}"
    if not isinstance(array, np.ndarray):
        raise DataError(f"{name} must be an array {wanted}, was {type(array).__name__}")
    given = cast("NDArray[Any]", array)
    if given.dtype != kind or given.shape != shape:
        raise DataError(f"{name} must be an array {wanted}, was {given.dtype}{list(given.shape)}")
    if name in NEUTRAL and (given == NEUTRAL[name]).all():
        return None
    view = np.ascontiguousarray(given).view()
    view.flags.writeable = False
    return view


def speaking(bars: "Bars") -> NDArray[np.bool_]:
    """Where an asset has prices or an action; shape [bar, asset]."""
    said = ~absent(bars.panel)
    for name in ("splits", "dividends"):
        actions = getattr(bars, name)
        if actions is not None:
            said |= actions != NEUTRAL[name]
    return said


def delisting_returns(bars: "Bars") -> NDArray[np.float64] | None:
    """Of the delisted assets, zero for others and where none was given; shape [asset]."""
    if bars.delisted_day is None:
        return None
    given = 0.0 if bars.delisting_return is None else bars.delisting_return
    returns = np.where(bars.delisted_day == NEVER, 0.0, given)
    returns.flags.writeable = False
    return returns


def check_labels(bars: "Bars") -> None:
    """Refuse symbols that are no names, what is no basis, and calendars that do not match.

    Raises:
        DataError: Says which.
    """
    names = bars.symbols
    if not names or not all(isinstance(name, str) and name for name in names):  # pyright: ignore[reportUnnecessaryIsInstance]
        raise DataError(f"symbols must be texts, at least one, was {names!r}")
    if len(set(names)) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise DataError(f"symbols must be unique, {twice!r} stands twice")
    if bars.basis not in get_args(Basis):
        raise DataError(f"basis must be one of {', '.join(get_args(Basis))}, was {bars.basis!r}")
    if len(bars.calendars) != len(names):
        raise DataError(
            f"calendars must be one for each of {len(names)} symbols, was {bars.calendars}"
        )
    of_panel = {ROUND_THE_CLOCK} & set(bars.calendars) or set(bars.calendars)
    if bars.calendar not in of_panel:
        raise DataError(
            f"calendar must be {' or '.join(sorted(of_panel))}, as calendars are, "
            f"was {bars.calendar!r}"
        )


def check_content(bars: "Bars") -> None:
    """Refuse numbers that break a rule.

    Raises:
        DataError: Says which asset and bar, what must hold and what it was.
    """
    _check_clock(bars)
    _check_prices(bars)
    _check_benchmark(bars)
    _check_actions(bars)
    _check_listing(bars)
    for name, values in bars.extra.items():
        _refuse(np.isinf(values), values, bars, f"extra column {name} must not be infinite")


def _check_clock(bars: "Bars") -> None:
    if bars.bar_count == 0:
        raise DataError("bars must not be empty, was 0 bars")
    step = np.diff(bars.ts)
    if (step <= 0).any():
        at = int(np.argmax(step <= 0))
        raise DataError(
            f"ts must be strictly increasing, {ts_text(bars.ts[at + 1])} came after "
            f"{ts_text(bars.ts[at])}"
        )
    if (np.diff(bars.session_day) < 0).any():
        raise DataError("session_day must not decrease")
    if not np.isfinite(bars.minutes_to_close).all():
        raise DataError("minutes_to_close must be finite")


def _check_prices(bars: "Bars") -> None:
    panels = {"": bars.panel} if bars.raw is None else {"": bars.panel, "raw ": bars.raw}
    for label, panel in panels.items():
        bad = faulty(panel)
        if bad.any():
            at, asset = np.unravel_index(int(np.argmax(bad)), bad.shape)
            raise DataError(
                f"{label}{bars.symbols[asset]} in the bar ending {ts_text(bars.ts[at])}: "
                f"{fault(panel[:, at, asset].tolist())}"
            )
    if bars.raw is not None and (absent(bars.raw) != absent(bars.panel)).any():
        raise DataError("raw must hold the bars that the panel holds")


def _check_benchmark(bars: "Bars") -> None:
    levels = bars.benchmark
    if levels is None:
        return
    if not (np.isnan(levels) | ((levels > 0) & np.isfinite(levels))).all():
        raise DataError("benchmark must be finite and positive, or nan where unknown")


def _check_actions(bars: "Bars") -> None:
    for name in ("splits", "dividends"):
        if getattr(bars, name) is not None and name not in BOOKED[bars.basis]:
            kinds = " or ".join(kind for kind, booked in BOOKED.items() if name in booked)
            raise DataError(
                f"{name} must go with prices of basis {kinds} (others contain them), "
                f"basis was {bars.basis!r}"
            )
    if bars.splits is not None:
        wrong = ~((bars.splits > 0) & np.isfinite(bars.splits))
        _refuse(wrong, bars.splits, bars, "splits must be positive and finite, 1.0 for none")
        forward = forward_factors(bars.splits)
        wrong = ~((forward >= 1 / FORWARD_MAX) & (forward <= FORWARD_MAX))
        rule = f"splits must multiply to {1 / FORWARD_MAX:g} to {FORWARD_MAX:g}"
        _refuse(wrong, forward, bars, rule)
    if bars.dividends is not None:
        wrong = ~((bars.dividends >= 0) & np.isfinite(bars.dividends))
        _refuse(wrong, bars.dividends, bars, "dividends must be finite and not negative")


def _check_listing(bars: "Bars") -> None:
    if bars.delisted_day is None:
        return
    late = (bars.session_day[:, None] >= bars.delisted_day) & ~absent(bars.panel)
    if late.any():
        at, asset = np.unravel_index(int(np.argmax(late)), late.shape)
        raise DataError(
            f"{bars.symbols[asset]} must have no bar from the day on which it is no longer listed, "
            f"{day_text(bars.delisted_day[asset])}, had one on {day_text(bars.session_day[at])}"
        )
    returns = bars.delisting_return
    if returns is not None and not ((returns >= -1) & np.isfinite(returns)).all():
        asset = int(np.argmin((returns >= -1) & np.isfinite(returns)))
        raise DataError(
            f"delisting_return of {bars.symbols[asset]} must be finite and >= -1, "
            f"was {returns[asset]}"
        )


def _refuse(wrong: NDArray[np.bool_], values: NDArray[np.float64], bars: "Bars", rule: str) -> None:
    if wrong.any():
        at, asset = np.unravel_index(int(np.argmax(wrong)), wrong.shape)
        raise DataError(
            f"{rule}, {bars.symbols[asset]} in the bar ending {ts_text(bars.ts[at])} had "
            f"{values[at, asset]}"
        )
