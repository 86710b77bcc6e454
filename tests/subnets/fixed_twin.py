"""One epoch in the chain's arithmetic, in Python's whole numbers: rows of entries, rule by rule.

Follows ``epoch_mechanism`` of opentensor/subtensor @14bc6f9 step by step on its sparse rows, slow
and with one function per function of ``epoch/math.rs``. A share is a whole number of 2⁻³².
"""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from math import floor

ONE = 1 << 32
U16 = 65_535
Row = dict[int, int]


def product(a: int, b: int) -> int:
    return a * b >> 32


def quotient(a: int, b: int) -> int:
    """Toward zero; by zero: zero."""
    if b == 0:
        return 0
    size = (abs(a) << 32) // abs(b)
    return size if (a >= 0) == (b > 0) else -size


def normalised(values: Sequence[int]) -> list[int]:
    total = sum(values)
    return [quotient(v, total) for v in values] if total else list(values)


def normalised_rows(rows: list[Row]) -> list[Row]:
    return [{j: quotient(v, sum(row.values())) for j, v in row.items()} for row in rows]


def normalised_columns(rows: list[Row]) -> list[Row]:
    sums: Row = {}
    for row in rows:
        for j, v in row.items():
            sums[j] = sums.get(j, 0) + v
    return [{j: quotient(v, sums[j]) if sums[j] else v for j, v in row.items()} for row in rows]


def median(scores: list[int], stake: list[int], minority: int) -> int:
    """The chain's quickselect, partition by partition."""
    part, low, high = list(range(len(scores))), 0, sum(stake)
    while part:
        if len(part) == 1:
            return scores[part[0]]
        pivot = scores[part[len(part) // 2]]
        lower = [i for i in part if scores[i] < pivot]
        upper = [i for i in part if scores[i] > pivot]
        below, above = sum(stake[i] for i in lower), sum(stake[i] for i in upper)
        if minority < low + below and lower:
            part, high = lower, low + below
        elif high - above <= minority and upper:
            part, low = upper, high - above
        else:
            return pivot
    return 0


def exponential(x: int) -> int:
    """substrate-fixed v0.6.0, ``transcendental::exp``, I32F32 in and out."""
    x = max(-20 * ONE, min(20 * ONE, x))
    if x == 0:
        return ONE
    if x == ONE:
        return floor(Fraction("2.718281828459045235360287") * 2**23) << 9
    operand = abs(x)
    term, result = operand, operand + ONE
    for i in range(2, 32):
        term = quotient(product(term, operand), i << 32)
        result += term
    return result if x > 0 else quotient(ONE, result)


@dataclass
class Constants:
    """As the chain stores them."""

    kappa: int
    bonds_penalty: int
    bonds_moving_average: int
    alpha_low: int
    alpha_high: int
    steepness: int
    yuma3: bool
    liquid: bool
    drop: bool
    max_validators: int
    threshold: int
    cutoff: int
    tempo: int


def liquid_rate(c: int, w: int, b: int, k: Constants) -> int:
    low, high = quotient(k.alpha_low << 32, U16 << 32), quotient(k.alpha_high << 32, U16 << 32)
    difference = w - c if w >= b else b - w
    difference = max(0, min(ONE, difference))
    exponent = product(quotient(k.steepness << 32, -100 << 32), difference - ONE // 2)
    sigmoid = quotient(ONE, ONE + exponential(exponent))
    return max(low, min(high, low + product(sigmoid, high - low)))


def stored(share: int) -> int:
    return min(U16, product(share, U16 << 32) >> 32)


def columns_of(row: Row, other: Row) -> list[int]:
    return sorted(row.keys() | other.keys())


def moved(weights: list[Row], bonds: list[Row], k: Constants) -> list[Row]:
    average = (k.bonds_moving_average << 64) // 1_000_000 >> 32
    alpha, stay = ONE - average, average
    return [
        {j: product(alpha, w.get(j, 0)) + product(stay, b.get(j, 0)) for j in columns_of(w, b)}
        for w, b in zip(weights, bonds, strict=True)
    ]


def moved_liquid(
    weights: list[Row], bonds: list[Row], consensus: list[int], k: Constants
) -> list[Row]:
    result = []
    for w, b in zip(weights, bonds, strict=True):
        row = {}
        for j in sorted(w) if k.drop else columns_of(w, b):
            new, old = w.get(j, 0), b.get(j, 0)
            alpha = liquid_rate(consensus[j], new, old, k)
            row[j] = min(ONE, product(ONE - alpha, old) + max(0, product(alpha, new)))
        result.append(row)
    return result


def interpolated(rows: list[Row], clipped: list[Row], ratio: int) -> list[Row]:
    if ratio == 0:
        return rows
    if ratio == ONE:
        return clipped
    result = []
    for row, cut in zip(rows, clipped, strict=True):
        values = {j: v + product(ratio, cut.get(j, 0) - v) for j, v in row.items()}
        result.append({j: v for j, v in values.items() if v > 0})
    return result


def epoch(
    weights: list[list[int]],
    stake: list[Fraction],
    bonds: list[list[int]],
    k: Constants,
    *,
    own_column: list[int],
    permits: list[bool],
    owner: int | None,
    active: list[bool],
    counts: list[list[bool]],
    kept: list[bool],
    held: list[list[bool]] | None = None,
) -> dict[str, list]:
    """All of it; ``counts`` says which weights are neither outdated nor hidden.

    ``held`` says which weights a row holds: by default those above 0.
    """
    n, m = len(weights), len(weights[0])
    raw = [floor(s * 2**64) for s in stake]
    raw = [s if s >> 64 >= k.threshold or i == owner else 0 for i, s in enumerate(raw)]
    shares = [(s << 64) // sum(raw) >> 32 if sum(raw) else 0 for s in raw]
    permits = [p or i == owner for i, p in enumerate(permits)]
    a = normalised([s if active[i] and permits[i] else 0 for i, s in enumerate(shares)])
    rows = [
        {
            j: weights[i][j] << 32
            for j in range(m)
            if permits[i] and counts[i][j] and own_column[i] != j
            if (held[i][j] if held else weights[i][j])
        }
        for i in range(n)
    ]
    rows = normalised_rows(rows)
    voters = [i for i in range(n) if a[i] > 0]
    votes = normalised([a[i] for i in voters])
    minority = sum(votes) - quotient(k.kappa << 32, U16 << 32)
    consensus = [median([rows[i].get(j, 0) for i in voters], votes, minority) for j in range(m)]
    clipped = [
        {j: min(v, consensus[j]) for j, v in row.items() if v <= consensus[j] or consensus[j] > 0}
        for row in rows
    ]
    ranks = [sum(product(a[i], clipped[i].get(j, 0)) for i in range(n)) for j in range(m)]
    incentive = normalised(ranks)
    for_bonds = interpolated(rows, clipped, quotient(k.bonds_penalty << 32, U16 << 32))
    before = [{j: b << 32 for j, b in enumerate(row) if b and kept[j]} for row in bonds]
    if k.yuma3:
        before = [{j: quotient(b, U16 << 32) for j, b in row.items()} for row in before]
        if k.liquid and any(consensus):
            new = moved_liquid(for_bonds, before, consensus, k)
        else:
            new = moved(for_bonds, before, k)
        paid = [
            sum(product(b, incentive[j]) for j, b in row.items()) for row in normalised_columns(new)
        ]
        dividends = normalised([product(p, s) for p, s in zip(paid, a, strict=True)])
    else:
        before = normalised_columns(before)
        delta = [{j: product(v, a[i]) for j, v in row.items()} for i, row in enumerate(for_bonds)]
        new = normalised_columns(moved(normalised_columns(delta), before, k))
        dividends = normalised(
            [sum(product(incentive[j], b) for j, b in row.items()) for row in new]
        )
        top = [max((row.get(j, 0) for row in new), default=0) for j in range(m)]
        new = [{j: quotient(b, top[j]) if top[j] else b for j, b in row.items()} for row in new]
    return {
        "consensus": consensus,
        "incentive": incentive,
        "dividends": dividends,
        "validator_trust": [sum(row.values()) for row in clipped],
        "stake": shares,
        "active_stake": a,
        "new_bonds": [[stored(row.get(j, 0)) for j in range(m)] for row in new],
    }
