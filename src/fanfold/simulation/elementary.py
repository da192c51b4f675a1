"""Logarithm and exponential of whole lanes, with the same bits everywhere.

The C library's are called one number at a time, and differ in their last bits from
machine to machine. These are polynomials on reduced arguments, in additions and
products only: the compiler turns them into vector instructions, and every processor
gives the same answer.

`work` is scratch, `[row, lane]`, and `bits` the same memory seen as integers; `masks`
is what `lane_masks` returns. The polynomials interpolate at Chebyshev nodes.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fanfold.domain.compiled import compiled

LANES = 128
"""Paths that are computed side by side; what they need then fits the first cache [paths]."""

WORK_ROWS = 3
"""Rows of scratch that a function of lanes takes."""

EXPONENT_MAX = 700.0
"""Arguments of the exponential are held between minus this and this [1]."""

LN2 = 0.6931471805599453
_LN2_HIGH, _LN2_LOW = 0.693147180369123816490, 1.90821492927058770002e-10
_LOG2_E = 1.4426950408889634
_ROUNDS = 6755399441055744.0  # 1.5 * 2^52: what is added to it is rounded to a whole number
_EXPONENT_BIAS = 1023.0

_L0, _L1, _L2, _L3, _L4, _L5, _L6, _L7, _L8 = (
    *(0.9999999999999978, -0.5000000000005124, 0.3333333333366278, -0.24999999980097665),
    *(0.19999999913523026, -0.16666668870064102, 0.14285723158995764, -0.12499895335731784),
    0.11110667407062838,
)
_L9, _L10, _L11, _L12, _L13, _L14, _L15, _L16 = (
    *(-0.1000239910190662, 0.091026777139586, -0.0830874085245487, 0.07525682174652285),
    *(-0.07175470440668202, 0.07808645964311096, -0.07434589714878563, 0.03550255209682033),
)
_E2, _E3, _E4, _E5, _E6, _E7 = (
    *(0.5, 0.16666666666666702, 0.04166666666666669, 0.008333333333309528),
    *(0.001388888888887189, 0.000198412699092171),
)
_E8, _E9, _E10, _E11, _E12 = (
    *(2.4801587350110797e-05, 2.7557224958392624e-06, 2.7557251904174915e-07),
    *(2.5114869528657765e-08, 2.09215799649503e-09),
)


def lane_masks() -> NDArray[np.uint64]:
    """Integers that take floats apart: shift to √½, exponent bits, bits of 1, one."""
    one = np.float64(1.0).view(np.uint64)
    least = np.float64(math.sqrt(0.5)).view(np.uint64)
    return np.array([one - least, 0xFFF0000000000000, one, 1], dtype=np.uint64)


@compiled
def log_of_unit(f: float) -> float:
    """log(1 + f) for 1 + f between √½ and √2, to 5e-15."""
    p = _L16 * f + _L15
    p = p * f + _L14
    p = p * f + _L13
    p = p * f + _L12
    p = p * f + _L11
    p = p * f + _L10
    p = p * f + _L9
    p = p * f + _L8
    p = p * f + _L7
    p = p * f + _L6
    p = p * f + _L5
    p = p * f + _L4
    p = p * f + _L3
    p = p * f + _L2
    p = p * f + _L1
    p = p * f + _L0
    return p * f


@compiled
def split(bits: Any, masks: Any, exponents: Any) -> None:
    """Take the numbers of row 0 apart: biased exponents, and parts from √½ to √2 in row 1."""
    whole = bits[0]
    part = bits[1]
    for lane in range(len(exponents)):
        shifted = whole[lane] + masks[0]
        exponents[lane] = float(shifted >> 52)
        part[lane] = whole[lane] - (shifted & masks[1]) + masks[2]


@compiled
def log_lanes(values: Any, work: Any, bits: Any, masks: Any, logs: Any) -> None:
    """Natural logarithm of every lane; values must be above 0, the smallest normal at least."""
    whole, part, exponents = work[0], work[1], work[2]
    for lane in range(len(values)):
        whole[lane] = values[lane]
    split(bits, masks, exponents)
    for lane in range(len(values)):
        logs[lane] = (exponents[lane] - _EXPONENT_BIAS) * LN2 + log_of_unit(part[lane] - 1.0)


@compiled
def exp_lanes(values: Any, work: Any, bits: Any, powers: Any) -> None:
    """Exponential of every lane, arguments held between ±EXPONENT_MAX, to 3e-16 of its size."""
    rounded, parts = work[0], work[1]
    for lane in range(len(values)):
        x = values[lane]
        x = EXPONENT_MAX if x > EXPONENT_MAX else x
        x = -EXPONENT_MAX if x < -EXPONENT_MAX else x
        shifted = x * _LOG2_E + _ROUNDS
        rounded[lane] = shifted
        k = shifted - _ROUNDS
        f = (x - k * _LN2_HIGH) - k * _LN2_LOW
        p = _E12 * f + _E11
        p = p * f + _E10
        p = p * f + _E9
        p = p * f + _E8
        p = p * f + _E7
        p = p * f + _E6
        p = p * f + _E5
        p = p * f + _E4
        p = p * f + _E3
        p = p * f + _E2
        parts[lane] = (p * f + 1.0) * f + 1.0
    turns, whole = bits[0], bits[1]
    for lane in range(len(values)):
        whole[lane] += turns[lane] << 52  # the power of 2 goes into the exponent's bits
    for lane in range(len(values)):
        powers[lane] = parts[lane]
