"""A compiled function called plain and as machine code, which must agree."""

import math
from typing import Any

from hypothesis import settings

from fanfold.domain.compiled import Compiled

few = settings(max_examples=max(settings.default.max_examples // 4, 5))
"""For properties that are asked of dozens of things, each with its own examples."""


def both_ways(function: Compiled[..., Any], *arguments: Any) -> Any:
    """The one result of both; fails where they differ in a bit."""
    plain, machine = function(*arguments), function.machine(*arguments)
    assert _same(plain, machine), f"{function.__name__}{arguments}: {plain!r}, {machine!r}"
    return plain


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, tuple):
        return all(_same(a, b) for a, b in zip(one, other, strict=True))
    if isinstance(one, float) and math.isnan(one):
        return math.isnan(other)
    return one == other
