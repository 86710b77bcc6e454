"""The chain's arithmetic of shares: I32F32, whole numbers of 2⁻³², here int64.

A product is rounded down, a quotient of positive numbers too, and every step rounds. Used by
`consensus_fixed` and `consensus_fixed_sparse`.
"""

import math

import numpy as np
from numpy.typing import NDArray

from .jit import jit

Whole = NDArray[np.int64]

ONE = 1 << 32
LOW = ONE - 1  # mask of the 32 binary places
E = 22_802_600 << 9  # e, which the chain's library holds to 23 binary places
TERMS = 32  # of the exponential's series


@jit(inline=True)
def multiply(a: int, b: int) -> int:
    """Round a b 2⁻³² down, for |a| below 2⁴² and b from −2³³ to 2³³."""
    return ((a >> 16) * b + (((a & 65_535) * b) >> 16)) >> 16


@jit(inline=True)
def multiply_wide(a: int, b: int) -> int:
    """Round a b 2⁻³² down, for a and b from 0 on whose product stays below 2⁶³."""
    low = np.uint64(a & LOW) * np.uint64(b & LOW)
    cross = (a >> 32) * (b & LOW) + (a & LOW) * (b >> 32)
    return (((a >> 32) * (b >> 32)) << 32) + cross + int(low >> np.uint64(32))


@jit(inline=True)
def inverse_of(b: int) -> float:
    """2³² / b in float64, for `divide_by`; of zero: 0."""
    return 4_294_967_296.0 / float(b) if b > 0 else 0.0


@jit(inline=True)
def divide_by(a: int, b: int, inverse: float) -> int:
    """Round 2³² a / b down as `divide` does, with the `inverse_of` b: many divisions by one b.

    A float64 quotient is off by one at most; the remainder, which may wrap around 2⁶⁴, corrects it.
    """
    q = int(float(a) * inverse)
    rest = (int(a) << 32) - q * int(b)
    q = q - (1 if rest < 0 else 0) + (1 if rest >= b else 0)
    return q if b > 0 else 0


@jit(inline=True)
def divide(a: int, b: int) -> int:
    """Round 2³² a / b down, for 0 <= a, b > 0 and a quotient of at most 2³²; by zero: 0."""
    return divide_by(a, b, inverse_of(b))


@jit(inline=True)
def share_of_u16(whole: int) -> float:
    """Return whole / 65,535 for a whole number up to 65,535, as the division rounds it, but faster.

    1 / 65,535 is 2⁻¹⁶ + 2⁻³² + 2⁻⁴⁸ + …; the first two terms of the product are exact.
    """
    first = float(whole) * (65_537.0 / 4_294_967_296.0)
    return first + first * (4_294_967_297.0 / 18_446_744_073_709_551_616.0)


@jit()
def divide_all(values: Whole, total: int) -> None:
    """Divide values (n,), each at most total, by total."""
    for i in range(values.size):
        values[i] = divide(values[i], total)


@jit()
def normalise(values: Whole) -> int:
    """Divide values (n,) by their sum, which is returned; zeros stay."""
    total = int(values.sum())
    divide_all(values, total)
    return total


@jit(inline=True)
def next_term(term: int, operand: int, i: int) -> int:
    """term · operand / i of the series of e^x, rounded down twice.

    The quotient in float64 is nearly right; what it leaves over corrects it.
    """
    product, inverse = multiply_wide(term, operand), 1.0 / i
    quotient = int(float(product) * inverse)
    rest = float(product - quotient * i)
    return quotient + math.floor((rest + 0.5) * inverse)


@jit()
def exponential(x: Whole, operand: Whole, term: Whole) -> None:
    """x_k = e^x_k (n,) as substrate-fixed 0.6 has it in I32F32: a series rounded at every term.

    ``operand`` and ``term`` (n,) are memory.
    """
    for k in range(x.size):
        operand[k] = abs(x[k])
        term[k] = operand[k]
    result = operand + ONE
    for i in range(2, TERMS):
        for k in range(x.size):
            term[k] = next_term(term[k], operand[k], i)
            result[k] += term[k]
    for k in range(x.size):
        power = result[k] if x[k] >= 0 else divide(ONE, result[k])
        x[k] = E if x[k] == ONE else power
