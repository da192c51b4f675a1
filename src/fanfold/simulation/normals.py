"""Standard normals and uniforms of whole lanes, from random words.

Two words give two normals, by Box and Muller's method in vector instructions: nothing
is rejected, so every path takes the same number of words for a bar. The radius comes
from 53 bits, so normals reach 8.6 deviations.

Source: Box & Muller (1958), A Note on the Generation of Random Normal Deviates, Annals
    of Mathematical Statistics 29(2).
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled
from fanfold.simulation.elementary import LN2, log_of_unit, split
from fanfold.simulation.randomness import next_words

_UNIT = 1.1102230246251565e-16  # 2^-53
_HALF_PI = 1.5707963267948966
_S1, _S2, _S3, _S4, _S5, _S6 = (
    *(-0.16666666666666616, 0.008333333333320363, -0.000198412698286503),
    *(2.755731337640013e-06, -2.5050716974102745e-08, 1.5894736651849094e-10),
)
_C1, _C2, _C3, _C4, _C5, _C6 = (
    *(-0.4999999999999925, 0.041666666666472306, -0.0013888888869978658),
    *(2.4801578538562985e-05, -2.755523388484742e-07, 2.0630454379662294e-09),
)


@compiled
def draw_uniforms(stream: Any, masks: Any, words: Any, uniforms: Any) -> None:
    """One uniform in [0, 1) for every lane and row of `uniforms`, of 53 bits."""
    for row in range(len(uniforms)):
        next_words(stream, masks, words)
        uniform = uniforms[row]
        for lane in range(len(uniform)):
            uniform[lane] = float(words[lane] >> 11) * _UNIT


@compiled
def draw_normals(stream: Any, masks: Any, words: Any, work: Any, bits: Any, normals: Any) -> None:
    """One standard normal for every lane and row of `normals`; the rows are even in number."""
    for pair in range(len(normals) // 2):
        next_words(stream, masks, words)
        _draw_radii(words, masks, work, bits)
        next_words(stream, masks, words)
        _turn(words, work[0], normals[2 * pair], normals[2 * pair + 1])


@compiled
def _draw_radii(words: Any, masks: Any, work: Any, bits: Any) -> None:
    """Row 0 of `work`: √(−2 log u), the distance of a point of the plane from its middle."""
    radius, part, exponents = work[0], work[1], work[2]
    for lane in range(len(words)):
        radius[lane] = (float(words[lane] >> 11) + 0.5) * _UNIT
    split(bits, masks, exponents)
    for lane in range(len(words)):
        log = (exponents[lane] - 1023.0) * LN2 + log_of_unit(part[lane] - 1.0)
        radius[lane] = math.sqrt(-2.0 * log)


@compiled
def _turn(words: Any, radius: Any, across: Any, along: Any) -> None:
    """Give each radius a direction: an angle up to an eighth of a turn, mirrored by two bits."""
    for lane in range(len(words)):
        word = words[lane]
        angle = (float(word >> 11) * _UNIT - 0.5) * _HALF_PI
        square = angle * angle
        sine = _S6 * square + _S5
        sine = sine * square + _S4
        sine = sine * square + _S3
        sine = sine * square + _S2
        sine = sine * square + _S1
        sine = (sine * square + 1.0) * angle
        cosine = _C6 * square + _C5
        cosine = cosine * square + _C4
        cosine = cosine * square + _C3
        cosine = cosine * square + _C2
        cosine = cosine * square + _C1
        cosine = cosine * square + 1.0
        swaps = float((word << 63) >> 63)
        cosine = cosine * (float((word << 62) >> 63) * 2.0 - 1.0)
        # A choice by product: exact, because the factor is 0 or 1.
        across[lane] = radius[lane] * (cosine * (1.0 - swaps) + sine * swaps)
        along[lane] = radius[lane] * (sine * (1.0 - swaps) + cosine * swaps)
