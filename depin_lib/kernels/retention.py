"""Honest emission in the game of two teams, for a grid of honest and cabal weights.

A column is a miner; its rows are the validators of the two teams, each team sorted by weight, the
largest first, with running sums of stake and of stake × weight. In the game all weights of a team
toward a column are scaled by one factor, which leaves their order: so nothing is sorted again, and
what lies above or below the consensus is read from the running sums.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .jit import jit, prange

Array = NDArray[np.float64]


class Team(NamedTuple):
    """One team's view of all m columns: r rows, sorted within each column."""

    weight: Array  # unscaled weights, the largest first, (m, r)
    stake: Array  # stake of the first 0 … r rows, (m, r + 1)
    mass: Array  # Σ stake × weight of the first 0 … r rows, (m, r + 1)


@jit(inline=True)
def consensus_of_column(
    honest: Team, cabal: Team, j: int, x: float, y: float, kappa: float
) -> tuple[float, int, int]:
    """Return the consensus of column j, and how many rows of each team are taken to reach it.

    x and y scale the two teams' weights. Rows are taken from the largest weight down until they
    hold the stake kappa; where all of them fall short, the smallest weight is returned.
    """
    u, v = honest.weight[j], cabal.weight[j]
    s, t = honest.stake[j], cabal.stake[j]
    i, k, level = 0, 0, 0.0
    while i < u.size or k < v.size:
        if k == v.size or (i < u.size and x * u[i] >= y * v[k]):
            level = x * u[i]
            i += 1
        else:
            level = y * v[k]
            k += 1
        if s[i] + t[k] >= kappa:
            break
    return level, i, k


@jit(inline=True)
def clipped_mass(team: Team, j: int, taken: int, factor: float, level: float) -> float:
    """Σ stake × min(factor × weight, level) over the team's rows, of which ``taken`` reach it."""
    mass = team.mass[j]
    return level * team.stake[j, taken] + factor * (mass[mass.size - 1] - mass[taken])


@jit()
def honest_emission(
    honest: Team,
    cabal: Team,
    honest_miners: int,
    honest_weight: float,
    cabal_weight: float,
    constants: tuple[float, float, float],
) -> float:
    """E_H = Σ ξ D + (1 − ξ) I over the honest, after one epoch with instant bonds.

    The first ``honest_miners`` columns are honest; constants are (κ, β, ξ).
    """
    kappa, penalty, xi = constants
    rank_all, rank_honest, held = 0.0, 0.0, 0.0
    for j in range(honest.weight.shape[0]):
        x, y = honest_weight, 1.0 - cabal_weight
        if j >= honest_miners:
            x, y = 1.0 - honest_weight, cabal_weight
        level, i, k = consensus_of_column(honest, cabal, j, x, y, kappa)
        ours = clipped_mass(honest, j, i, x, level)
        rank = ours + clipped_mass(cabal, j, k, y, level)
        if rank > 0.0:
            raw = x * honest.mass[j, -1]
            bond = penalty * ours + (1.0 - penalty) * raw
            bonds = penalty * rank + (1.0 - penalty) * (raw + y * cabal.mass[j, -1])
            held += rank * (bond / bonds)
            rank_all += rank
            rank_honest += rank if j < honest_miners else 0.0
    return (xi * held + (1.0 - xi) * rank_honest) / rank_all if rank_all > 0.0 else 0.0


@jit(parallel=True)
def emission_map(
    honest: Team,
    cabal: Team,
    honest_miners: int,
    honest_weight: Array,
    cabal_weight: Array,
    constants: tuple[float, float, float],
    emission: Array,
) -> None:
    """Fill emission (honest weights, cabal weights)."""
    for b in prange(honest_weight.size):
        for c in range(cabal_weight.size):
            emission[b, c] = honest_emission(
                honest, cabal, honest_miners, honest_weight[b], cabal_weight[c], constants
            )
