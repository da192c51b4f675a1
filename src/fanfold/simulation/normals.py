"""Standard normals and uniforms of whole lanes, from random words.

Two words give two normals, by Box and Muller's method in vector instructions: nothing
is rejected, so every path takes the same number of words for a bar. The radius comes
from 53 bits, so normals reach 8.6 deviations. Logarithm, sine and cosine are polynomials
whose relative error stays below 1e-9: ten thousand times below what a billion draws show.

Source: Box & Muller (1958), A Note on the Generation of Random Normal Deviates, Annals
    of Mathematical Statistics 29(2).
"""

import math
from typing import Any

from fanfold.domain.compiled import compiled
from fanfold.simulation.elementary import LN2, split
from fanfold.simulation.randomness import next_words

_UNIT = 1.1102230246251565e-16  # 2^-53
_HALF_PI = 1.5707963267948966
_L0, _L1, _L2, _L3, _L4, _L5 = (
    *(1.0000000006010195, -0.49999999414017127, 0.3333330266101698),
    *(-0.2500006237443588, 0.20002535640193383, -0.16666555575670008),
)
_L6, _L7, _L8, _L9, _L10 = (
    *(0.1421229125042129, -0.12420821262732773, 0.11945878227356821),
    *(-0.11620648400270368, 0.06572327158522023),
)
_S0, _S1, _S2, _S3, _S4 = (
    *(0.9999999999956731, -0.16666666631591165, 0.00833332878245888),
    *(-0.000198392022122311, 2.7173456841089953e-06),
)
_C0, _C1, _C2, _C3, _C4 = (
    *(0.9999999999524894, -0.4999999961485761, 0.041666616692532826),
    *(-0.0013886617999647076, 2.4379831251175367e-05),
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
        f = part[lane] - 1.0
        p = _L10 * f + _L9
        p = p * f + _L8
        p = p * f + _L7
        p = p * f + _L6
        p = p * f + _L5
        p = p * f + _L4
        p = p * f + _L3
        p = p * f + _L2
        p = p * f + _L1
        p = p * f + _L0
        radius[lane] = math.sqrt(-2.0 * ((exponents[lane] - 1023.0) * LN2 + p * f))


@compiled
def _turn(words: Any, radius: Any, across: Any, along: Any) -> None:
    """Give each radius a direction: an angle up to an eighth of a turn, mirrored by two bits."""
    for lane in range(len(words)):
        word = words[lane]
        angle = (float(word >> 11) * _UNIT - 0.5) * _HALF_PI
        square = angle * angle
        sine = _S4 * square + _S3
        sine = sine * square + _S2
        sine = sine * square + _S1
        sine = (sine * square + _S0) * angle
        cosine = _C4 * square + _C3
        cosine = cosine * square + _C2
        cosine = cosine * square + _C1
        cosine = cosine * square + _C0
        swaps = float((word << 63) >> 63)
        cosine = cosine * (float((word << 62) >> 63) * 2.0 - 1.0)
        # A choice by product: exact, because the factor is 0 or 1.
        across[lane] = radius[lane] * (cosine * (1.0 - swaps) + sine * swaps)
        along[lane] = radius[lane] * (sine * (1.0 - swaps) + cosine * swaps)
