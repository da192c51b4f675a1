"""Finding names, and help with a name that is not there."""

from collections.abc import Iterable, Sequence
from difflib import get_close_matches

from fanfold.errors import ConfigError, DataError

_LISTED_MAX = 20
"""Known names that an error lists [names]."""


def nearest_hint(name: str, known: Iterable[str]) -> str:
    """`` (nearest: 'x')`` for the known name most like `name`, or an empty text."""
    by_folded = {one.casefold(): one for one in known}
    found = get_close_matches(name.casefold(), list(by_folded), n=1, cutoff=0.5)
    return f" (nearest: {by_folded[found[0]]!r})" if found else ""


def chosen_places(symbols: Sequence[str] | str, known: Sequence[str]) -> list[int]:
    """Where the asked-for symbols stand among the known ones.

    Raises:
        ConfigError: No symbol, or one of them twice.
        DataError: A symbol is not among the known.
    """
    asked = (symbols,) if isinstance(symbols, str) else tuple(symbols)
    if not asked or len(set(asked)) < len(asked):
        raise ConfigError(f"symbols must name at least one asset and none twice, was {asked}")
    place = {name: at for at, name in enumerate(known)}
    for name in asked:
        if name not in place:
            there = ", ".join(known[:_LISTED_MAX]) + (" …" if len(known) > _LISTED_MAX else "")
            raise DataError(
                f"symbol must be one of {there}; was {name!r}{nearest_hint(str(name), known)}"
            )
    return [place[name] for name in asked]
