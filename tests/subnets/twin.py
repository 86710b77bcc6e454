"""One epoch of Yuma consensus in plain Python: one loop per rule, in the order of the chain.

Written from the description of the chain's ``epoch_mechanism`` alone, to be read beside it, and
slow. Every argument is a list; numbers may be floats or fractions, and then the result is exact.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

Number = Any
Matrix = list[list[Number]]


@dataclass
class State:
    """What the chain knows besides weights, stake and bonds; None masks nothing."""

    own_column: Sequence[int] | None = None  # of each row, −1 for none
    permits: Sequence[bool] | None = None
    owner: int | None = None
    block: int | None = None
    last_update: Sequence[int] | None = None
    registered: Sequence[int] | None = None
    committed: Sequence[int] | None = None
    last_epoch: int | None = None


@dataclass
class Rules:
    kappa: Number
    penalty: Number = 1
    alpha: Number = 0.1
    yuma3: bool = True
    liquid: bool = False
    alpha_low: Number = 0.7
    alpha_high: Number = 0.9
    steepness: Number = 10
    drop: bool = False
    max_validators: int = 64
    threshold: Number = 0
    cutoff: int = 5000
    tempo: int = 360


@dataclass
class Outcome:
    consensus: list[Number]
    incentive: list[Number]
    dividends: list[Number]
    validator_trust: list[Number]
    bonds: Matrix
    stake: list[Number]
    active_stake: list[Number]
    permits: list[bool]
    server_emission: list[Number]
    validator_emission: list[Number]


def normalised(values: Sequence[Number]) -> list[Number]:
    total = sum(values)
    return [v / total for v in values] if total > 0 else [0 * v for v in values]


def by_columns(matrix: Matrix, change: Callable[[list[Number]], list[Number]]) -> Matrix:
    if not matrix:
        return []
    columns = [change(list(column)) for column in zip(*matrix, strict=True)]
    return [list(row) for row in zip(*columns, strict=True)] if columns else [[] for _ in matrix]


def median(column: Sequence[Number], stake: Sequence[Number], kappa: Number) -> Number:
    """The largest weight that rows with at least kappa of the stake reach."""
    rows = [(w, a) for w, a in zip(column, stake, strict=True) if a > 0]
    need = kappa * sum(a for _, a in rows)
    for w in sorted({w for w, _ in rows}, reverse=True):
        if sum(a for v, a in rows if v >= w) >= need:
            return w
    return 0


def top(stake: Sequence[Number], k: int) -> list[bool]:
    """Stable ascending sort; those before the last k lose."""
    order = sorted(range(len(stake)), key=lambda i: stake[i])
    positive = [s > 0 for s in stake]
    for i in order[: max(0, len(stake) - k)] if sum(positive) > k else []:
        positive[i] = False
    return positive


def sigmoid(x: float, rho: float, kappa: float) -> float:
    return 1 / (1 + math.exp(-min(20.0, max(-20.0, rho * (x - kappa)))))


def kept_weights(weights: Matrix, permits: Sequence[bool], state: State) -> Matrix:
    result = []
    for i, row in enumerate(weights):
        new = []
        for j, w in enumerate(row):
            keep = permits[i]
            if state.own_column and state.own_column[i] == j and i != state.owner:
                keep = False
            if state.registered is not None:
                since = state.registered[j]
                if state.last_update is not None and state.last_update[i] <= since:
                    keep = False
                if state.committed is not None and 0 <= state.committed[i] < since:
                    keep = False
            new.append(w if keep else 0 * w)
        result.append(normalised(new))
    return result


def live_bonds(bonds: Matrix, state: State, rules: Rules) -> Matrix:
    if state.registered is None:
        return [list(row) for row in bonds]
    if state.last_epoch is not None:
        first = state.last_epoch + 1
    elif state.block is not None:
        first = state.block - rules.tempo
    else:
        return [list(row) for row in bonds]
    fresh = [first <= since for since in state.registered]
    return [[0 * b if f else b for b, f in zip(row, fresh, strict=True)] for row in bonds]


def rate(w: Number, b: Number, c: Number, rules: Rules) -> Number:
    distance = min(1, max(0, w - c if w >= b else b - w))
    share = sigmoid(distance, rules.steepness, 0.5)
    return rules.alpha_low + share * (rules.alpha_high - rules.alpha_low)


def new_bonds(old: Matrix, wb: Matrix, a: list[Number], c: list[Number], rules: Rules) -> Matrix:
    rows, columns = range(len(wb)), range(len(c))
    if not rules.yuma3:
        held = by_columns(old, normalised)
        bought = by_columns([[a[i] * x for x in wb[i]] for i in rows], normalised)
        return [
            [rules.alpha * bought[i][j] + (1 - rules.alpha) * held[i][j] for j in columns]
            for i in rows
        ]
    liquid = rules.liquid and any(x > 0 for x in c)
    result = []
    for i in rows:
        row = []
        for j in columns:
            alpha = rate(wb[i][j], old[i][j], c[j], rules) if liquid else rules.alpha
            e = min(1, (1 - alpha) * old[i][j] + alpha * wb[i][j])
            row.append(0 * e if liquid and rules.drop and wb[i][j] == 0 else e)
        result.append(row)
    return result


def epoch(
    weights: Matrix, stake: list[Number], bonds: Matrix, rules: Rules, state: State
) -> Outcome:
    n, m = len(weights), len(weights[0]) if weights else 0
    rows, columns = range(n), range(m)
    # 1 activity, 3 threshold, 4 permits, 5 active stake
    active = [True] * n
    if state.last_update is not None and state.block is not None:
        active = [not t + rules.cutoff < state.block for t in state.last_update]
    counted = [s if s >= rules.threshold or i == state.owner else 0 for i, s in enumerate(stake)]
    s = normalised(counted)
    old_permits = list(state.permits) if state.permits is not None else [True] * n
    permits = top(s, rules.max_validators)
    if state.owner is not None:
        old_permits[state.owner] = permits[state.owner] = True
    voting = [counted[i] if active[i] and old_permits[i] else 0 for i in rows]
    a = normalised(voting)
    # 6 weights, 7 consensus, 8 clipping, 9 incentive
    w = kept_weights(weights, old_permits, state)
    c = [median([w[i][j] for i in rows], voting, rules.kappa) for j in columns]
    clipped = [[min(w[i][j], c[j]) for j in columns] for i in rows]
    trust = [sum(row) for row in clipped]
    incentive = normalised([sum(a[i] * clipped[i][j] for i in rows) for j in columns])
    # 10 weights for bonds, 11 bonds and dividends
    beta = rules.penalty
    wb = [[(1 - beta) * w[i][j] + beta * clipped[i][j] for j in columns] for i in rows]
    e = new_bonds(live_bonds(bonds, state, rules), wb, a, c, rules)
    shares = by_columns(e, normalised)
    earned = [sum(shares[i][j] * incentive[j] for j in columns) for i in rows]
    dividends = normalised([a[i] * earned[i] for i in rows] if rules.yuma3 else earned)
    # 12 emission, 13 outputs
    z = sum(incentive) + sum(dividends)
    if z > 0:
        server, validator = [x / z for x in incentive], [x / z for x in dividends]
    else:
        server, validator = [0] * m, a if any(x > 0 for x in a) else s
    if not rules.yuma3:
        e = by_columns(e, lambda x: [v / max(x) for v in x] if max(x) > 0 else x)
    for i in rows:
        if not permits[i]:
            e[i] = [0] * m if old_permits[i] else list(bonds[i])
    return Outcome(c, incentive, dividends, trust, e, s, a, permits, server, validator)
