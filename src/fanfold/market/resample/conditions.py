"""Which trades make prices: sale conditions of the US consolidated tapes.

A trade may carry several codes, and each may forbid that it sets a bar's prices or counts
in its volume. The tapes' guidance is followed as Alpaca and
others follow it for their bars.

Source: CTA Plan, CTS Multicast Output Specification, and UTP Plan, UTP Trade Data Feed
Specification, both "Sale Condition" tables, columns for consolidated processing.
"""

from dataclasses import dataclass
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.names import nearest_hint
from fanfold.errors import ConfigError
from fanfold.market.resample.polygon_codes import POLYGON_CODES

Conditions = Literal["consolidated", "all"]
"""Whether trades count as their sale conditions say, or all alike."""

Vocabulary = Literal["tapes", "polygon", "none"]
"""Whose codes a source gives: the tapes' own, Polygon's numbers, or none that count here."""

NEVER: Final = 0
"""Sets no price of a bar."""

IF_ALONE: Final = 1
"""Sets high and low; open and close only where no other trade of the bar does."""

ALWAYS: Final = 2
"""Sets open, high, low and close."""


Effect = tuple[int, bool]
"""Whether a trade sets prices, `ALWAYS`, `IF_ALONE` or `NEVER`, and whether its size counts."""

REGULAR: Final[Effect] = (ALWAYS, True)
LATE: Final[Effect] = (IF_ALONE, True)
VOLUME_ONLY: Final[Effect] = (NEVER, True)
NOTHING: Final[Effect] = (NEVER, False)

EXTENDED: Final = "T"
"""Of a trade outside regular hours (Form T): no price of a session, all there is outside."""

EFFECTS: Final[dict[str, Effect]] = {
    "@": REGULAR,
    "A": REGULAR,  # acquisition
    "B": VOLUME_ONLY,  # average price (CTA); bunched (UTP), which the row does not tell apart
    "C": VOLUME_ONLY,  # cash
    "D": REGULAR,  # distribution
    "E": REGULAR,  # automatic execution
    "F": REGULAR,  # intermarket sweep
    "G": LATE,  # bunched sold
    "H": VOLUME_ONLY,  # price variation
    "I": VOLUME_ONLY,  # odd lot
    "K": REGULAR,  # rule 127 or 155
    "L": REGULAR,  # sold last
    "M": NOTHING,  # market centre's official close: its trades are reported, too
    "N": VOLUME_ONLY,  # next day
    "O": REGULAR,  # opening print
    "P": LATE,  # prior reference price
    "Q": NOTHING,  # market centre's official open
    "R": VOLUME_ONLY,  # seller
    "S": REGULAR,  # split trade
    EXTENDED: VOLUME_ONLY,  # form T
    "U": VOLUME_ONLY,  # extended hours, sold out of sequence
    "V": VOLUME_ONLY,  # contingent
    "W": VOLUME_ONLY,  # average price (UTP)
    "X": REGULAR,  # cross
    "Y": REGULAR,  # yellow flag
    "Z": LATE,  # sold out of sequence
    "1": REGULAR,  # stopped stock
    "2": REGULAR,  # stopped stock, sold last
    "3": LATE,  # stopped stock, sold out of sequence
    "4": LATE,  # derivatively priced
    "5": REGULAR,  # reopening print
    "6": REGULAR,  # closing print
    "7": VOLUME_ONLY,  # qualified contingent
    "8": REGULAR,  # placeholder
    "9": (ALWAYS, False),  # corrected consolidated close
}
"""What trades of a code do, in regular hours."""

FATES: Final[dict[str, Effect]] = {
    "canceled": NOTHING,
    "incorrect": NOTHING,
    "corrected": REGULAR,  # the row is the corrected one
}
"""What became of a trade, as Alpaca says it beside the codes."""

_KNOWN: Final = EFFECTS | FATES


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Effects:
    """What trades do to their bars; shapes [trade].

    Attributes:
        rank: `ALWAYS`, `IF_ALONE` or `NEVER`.
        sized: Whether their sizes count.
        unknown: Codes that are none of `EFFECTS`, counted as regular.
    """

    rank: NDArray[np.int8]
    sized: NDArray[np.bool_]
    unknown: frozenset[str] = frozenset()


def check_conditions(conditions: Conditions) -> None:
    """Refuse what says no way to count trades.

    Raises:
        ConfigError: It is none of `Conditions`.
    """
    known = get_args(Conditions)
    if conditions not in known:
        raise ConfigError(
            f"conditions must be {' or '.join(map(repr, known))}, was {conditions!r}"
            f"{nearest_hint(str(conditions), known)}"
        )


def codes_of(text: str, vocabulary: Vocabulary) -> tuple[str, ...]:
    """The tapes' codes of a trade, and what became of it, as stored.

    Args:
        text: Such as "@ F T I", "@FTI", "12 37" or "@ canceled".
        vocabulary: Whose codes they are.
    """
    for mark in ",;|":
        text = text.replace(mark, " ")
    parts = tuple(text.split())
    undone = tuple(part for part in parts if part in FATES)
    codes = tuple(part for part in parts if part not in FATES)
    if vocabulary == "none":
        return undone
    if vocabulary == "polygon":
        return undone + tuple(POLYGON_CODES.get(part, part) for part in codes)
    return undone + (tuple(codes[0]) if len(codes) == 1 else codes)


def effects_of(
    column: Any, regular: NDArray[np.bool_], conditions: Conditions, vocabulary: Vocabulary
) -> Effects:
    """What trades do to their bars.

    Args:
        column: Arrow column of their conditions, or None where there is none.
        regular: Whether each happened in regular hours; shape [trade].
        conditions: Whether to look at them.
        vocabulary: Whose codes they are.
    """
    count = len(regular)
    if column is None or conditions == "all":
        return Effects(rank=np.full(count, ALWAYS, np.int8), sized=np.ones(count, np.bool_))
    texts, place = _distinct(column)
    codes = [codes_of(text, vocabulary) for text in texts]
    # One row a text, first as in regular hours, then as outside, where form T is regular.
    outside = [tuple(code for code in one if code != EXTENDED) for one in codes]
    table = np.array([_combined(one) for one in (*codes, *outside)], np.int8).reshape(-1, 2)
    chosen = table[place + np.where(regular, 0, len(codes))]
    unknown = frozenset(code for one in codes for code in one if code not in _KNOWN)
    return Effects(rank=chosen[:, 0], sized=chosen[:, 1] > 0, unknown=unknown)


def _combined(codes: tuple[str, ...]) -> Effect:
    """What codes together allow: the least of each."""
    effects = [_KNOWN.get(code, REGULAR) for code in codes] or [REGULAR]
    return min(rank for rank, _ in effects), min(sized for _, sized in effects)


def _distinct(column: Any) -> tuple[list[str], NDArray[np.int64]]:
    """The different texts of an Arrow column, and which one each row has."""
    import pyarrow.compute as untyped

    compute: Any = untyped
    encoded = compute.fill_null(column, "").combine_chunks().dictionary_encode()
    indices = encoded.indices
    place = np.frombuffer(indices.buffers()[1], np.int32, len(indices), indices.offset * 4)
    return [str(text) for text in encoded.dictionary.to_pylist()], place.astype(np.int64)
