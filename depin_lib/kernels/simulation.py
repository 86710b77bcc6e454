"""Many epochs of Yuma consensus, many independent simulations at once.

The rules are those of `consensus`, for validators (rows) that all hold a permit and are no miners.
All weights and bonds of one simulation lie in tiles (tile, row, 64 columns), which stay in the
processor's caches from one epoch to the next; rows are padded with zeros to a multiple of eight, as
`median` wants them. Every random number depends on (seed, run, epoch, entry) alone, so the bits do
not depend on the number of threads.
"""

import math
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from .consensus import YUMA2, YUMA3_LIQUID
from .jit import jit, prange
from .median import ROWS, TILE, Rough, attainable, larger, median_of_tile, rough, smaller
from .passes import clip, liquid_rates, pay_dividends, row_sum
from .random import stream_key, uniform

Array = NDArray[np.float64]
Ints = NDArray[np.int64]

OWN = -1  # a row that submits its own weights, not a copy
U16_MAX = 65_535.0


class Constants(NamedTuple):
    """What stays the same in all epochs."""

    bonds: int
    kappa: float
    threshold: float
    penalty: float
    alpha: float
    alpha_low: float
    alpha_high: float
    steepness: float
    drop: bool
    u16: bool  # whether bonds are rounded down to 65,535ths after an epoch
    noise: float  # half-width of the relative noise of a weight
    emission: float  # stake paid to all validators together in an epoch


class Schedule(NamedTuple):
    """What an epoch is given; axes of length 1 hold for all runs or all epochs."""

    weights: Array  # (runs, epochs, n, m)
    stake: Array  # (runs, epochs, n)
    present: NDArray[np.bool_]  # (epochs, n)
    resets: NDArray[np.bool_]  # (epochs, m): bonds toward these columns are deleted first
    copies: Ints  # (n,): OWN, or how many epochs old the consensus is that the row submits


class State(NamedTuple):
    """What one epoch hands to the next, for every run; changed in place."""

    bonds: Array  # (runs, n, m)
    grown: Array  # stake earned so far, (runs, n)
    dividends: Array  # sum of dividends so far, (runs, n)
    incentive: Array  # sum of incentive so far, (runs, m)


class History(NamedTuple):
    """What is recorded, (runs, recorded epochs, n or m or both); no epochs if not wanted."""

    consensus: Array
    incentive: Array
    dividends: Array
    validator_trust: Array
    stake: Array
    bonds: Array
    dividends_total: Array
    incentive_total: Array


class Scratch(NamedTuple):
    """Working memory of one run."""

    weights: Array  # (tiles, rows, 64)
    bonds: Array  # (tiles, rows, 64)
    earned: Array  # (rows,)
    trust: Array  # (rows,)
    consensus: Array  # (tiles, 64)
    rank: Array  # (tiles, 64)
    spare: Array  # (3, 64)
    key: Array  # (2, rows + 1)
    seen: Array  # consensus of earlier epochs, a ring (longest copy + 1, tiles, 64)
    voting: Array  # (rows,)
    active: Array  # (rows,)


# ------------------------------------------------------------------------------ stake, weights


@jit()
def share_stake(
    stake: Array, present: NDArray[np.bool_], threshold: float, grown: Array, scratch: Scratch
) -> tuple[float, bool]:
    """Fill voting stake and its shares; return the sum, and whether anything changed.

    Who is not present loses what it has earned.
    """
    total, changed = 0.0, False
    for i in range(stake.size):
        if not present[i]:
            grown[i] = 0.0
        s = stake[i] + grown[i] if present[i] else 0.0
        s = s if s >= threshold else 0.0
        changed |= s != scratch.voting[i]
        scratch.voting[i] = s
        total += s
    for i in range(stake.size):
        scratch.active[i] = scratch.voting[i] / total if total > 0.0 else 0.0
    return total, changed


@jit()
def scale_row(tiles: Array, i: int) -> None:
    """Divide row i of all tiles by its sum; a row of zeros stays."""
    total = 0.0
    for t in range(tiles.shape[0]):
        total += row_sum(tiles[t, i])
    scale = 1.0 / total if total > 0.0 else 0.0
    for t in range(tiles.shape[0]):
        row = tiles[t, i]
        for j in range(TILE):
            row[j] *= scale


@jit()
def load_weights(weights: Array, noise: float, key: np.uint64, tiles: Array) -> None:
    """w_ij = weight_ij (1 + noise · u_ij), u uniform in (−1, 1), divided by the sum of the row."""
    n, m = weights.shape
    for i in range(n):
        for t in range(tiles.shape[0]):
            first = t * TILE
            width = min(TILE, m - first)
            row, source = tiles[t, i], weights[i, first : first + width]
            if noise > 0.0:
                start = np.uint64(i * m + first)
                for j in range(width):
                    u = 2.0 * uniform(key, start + np.uint64(j)) - 1.0
                    row[j] = source[j] * (1.0 + noise * u)
            else:
                for j in range(width):
                    row[j] = source[j]
        scale_row(tiles, i)


@jit()
def copy_consensus(epoch: int, copies: Ints, kappa: float, scratch: Scratch) -> None:
    """Put the consensus of an earlier epoch, or what the others make of this one, into the rows.

    A copy older than the simulation does not exist yet: the row then submits its own weights.
    """
    now = epoch % scratch.seen.shape[0]
    if (copies == 0).any():
        others = scratch.voting.copy()
        for i in range(copies.size):
            if copies[i] != OWN:
                others[i] = 0.0
        needed = attainable(kappa * others.sum(), others)
        search = rough(others, needed, 1.0)
        for t in range(scratch.weights.shape[0]):
            tile, seen = scratch.weights[t], scratch.seen[now, t]
            median_of_tile(tile, others, needed, search, scratch.spare, scratch.key, seen)
    for i in range(copies.size):
        if copies[i] == OWN or copies[i] > epoch:
            continue
        seen = scratch.seen[(epoch - copies[i]) % scratch.seen.shape[0]]
        for t in range(scratch.weights.shape[0]):
            row, consensus = scratch.weights[t, i], seen[t]
            for j in range(TILE):
                row[j] = consensus[j]
        scale_row(scratch.weights, i)


# ------------------------------------------------------------------------------ clip and bonds


@jit()
def yuma2_bonds(tile: Array, active: Array, bonds: Array, alpha: float, spare: Array) -> None:
    """E_ij = α ΔB_ij + (1 − α) B_ij of column shares; each column's largest bond is then 1."""
    held, bought, top = spare[0], spare[1], spare[2]
    for j in range(TILE):
        held[j] = 0.0
        bought[j] = 0.0
        top[j] = 0.0
    for i in range(active.size):
        a, w, b = active[i], tile[i], bonds[i]
        for j in range(TILE):
            held[j] += b[j]
            bought[j] += a * w[j]
    for j in range(TILE):
        bought[j] = alpha / bought[j] if bought[j] > 0.0 else 0.0
        held[j] = (1.0 - alpha) / held[j] if held[j] > 0.0 else 0.0
    for i in range(active.size):
        a, w, b = active[i], tile[i], bonds[i]
        for j in range(TILE):
            b[j] = (a * w[j]) * bought[j] + held[j] * b[j]
            top[j] = larger(top[j], b[j])
    for j in range(TILE):
        top[j] = 1.0 / top[j] if top[j] > 0.0 else 0.0
    for i in range(active.size):
        b = bonds[i]
        for j in range(TILE):
            b[j] *= top[j]


@jit()
def yuma3_bonds(tile: Array, bonds: Array, alpha: float) -> None:
    """E_ij = min(1, (1 − α) B_ij + α wᵇ_ij)."""
    stay = 1.0 - alpha
    for i in range(tile.shape[0]):
        w, b = tile[i], bonds[i]
        for j in range(TILE):
            b[j] = smaller(stay * b[j] + alpha * w[j], 1.0)


@jit()
def liquid_bonds(
    tile: Array, bonds: Array, consensus: Array, constants: Constants, rate: Array
) -> None:
    """Bonds as in `yuma3_bonds`, with a rate of their own for each pair."""
    low, high = constants.alpha_low, constants.alpha_high
    for i in range(tile.shape[0]):
        w, b = tile[i], bonds[i]
        liquid_rates(w, b, consensus, low, high, constants.steepness, rate)
        for j in range(TILE):
            e = smaller((1.0 - rate[j]) * b[j] + rate[j] * w[j], 1.0)
            b[j] = 0.0 if constants.drop and w[j] == 0.0 else e


@jit()
def store_bonds(bonds: Array, active: Array, u16: bool) -> None:
    """Round bonds down to 65,535ths if wanted; who has no stake has no permit and no bonds."""
    for i in range(bonds.shape[0]):
        b = bonds[i]
        if u16:
            for j in range(TILE):
                b[j] = math.floor(b[j] * U16_MAX) / U16_MAX
        if active[i] == 0.0:
            for j in range(TILE):
                b[j] = 0.0


# ------------------------------------------------------------------------- one epoch, many epochs


@jit()
def find_consensus(kappa: float, search: Rough, scratch: Scratch) -> bool:
    """Fill the consensus of all tiles; say whether any of it is above zero."""
    found = False
    for t in range(scratch.weights.shape[0]):
        tile, consensus = scratch.weights[t], scratch.consensus[t]
        median_of_tile(tile, scratch.voting, kappa, search, scratch.spare, scratch.key, consensus)
        for j in range(TILE):
            found |= consensus[j] > 0.0
    return found


@jit()
def move_bonds(constants: Constants, liquid: bool, scratch: Scratch) -> None:
    """Clip the weights, move the bonds and add up what they earn."""
    scratch.earned[:] = 0.0
    scratch.trust[:] = 0.0
    active, spare = scratch.active, scratch.spare[0]
    for t in range(scratch.weights.shape[0]):
        tile, bonds = scratch.weights[t], scratch.bonds[t]
        consensus, rank = scratch.consensus[t], scratch.rank[t]
        clip(tile, active, consensus, constants.penalty, rank, scratch.trust)
        if constants.bonds == YUMA2:
            yuma2_bonds(tile, active, bonds, constants.alpha, scratch.spare)
        elif liquid:
            liquid_bonds(tile, bonds, consensus, constants, spare)
        else:
            yuma3_bonds(tile, bonds, constants.alpha)
        pay_dividends(bonds, rank, scratch.earned, spare)
        store_bonds(bonds, active, constants.u16)


@jit()
def pay_out(constants: Constants, scratch: Scratch, dividends: Array, incentive: Array) -> None:
    """Fill the shares of the validators' half (n,) and of the miners' half (m,)."""
    total = 0.0
    for i in range(dividends.size):
        a = 1.0 if constants.bonds == YUMA2 else scratch.active[i]
        dividends[i] = a * scratch.earned[i]
        total += dividends[i]
    for i in range(dividends.size):
        dividends[i] = dividends[i] / total if total > 0.0 else 0.0
    total = 0.0
    for t in range(scratch.rank.shape[0]):
        total += row_sum(scratch.rank[t])
    for t in range(scratch.rank.shape[0]):
        share, rank = incentive[t * TILE : (t + 1) * TILE], scratch.rank[t]
        for j in range(share.size):
            share[j] = rank[j] / total if total > 0.0 else 0.0


@jit()
def record(
    run: int, place: int, scratch: Scratch, state: State, latest: tuple, history: History
) -> None:
    """Write this epoch into the history, what of it is wanted."""
    dividends, incentive = latest
    n, m = dividends.size, incentive.size
    if history.dividends.shape[1] > 0:
        history.dividends[run, place] = dividends
    if history.incentive.shape[1] > 0:
        history.incentive[run, place] = incentive
    if history.dividends_total.shape[1] > 0:
        history.dividends_total[run, place] = state.dividends[run]
    if history.incentive_total.shape[1] > 0:
        history.incentive_total[run, place] = state.incentive[run]
    if history.stake.shape[1] > 0:
        history.stake[run, place] = scratch.voting[:n]
    if history.consensus.shape[1] > 0:
        history.consensus[run, place] = scratch.consensus.reshape(-1)[:m]
    for i in range(n):
        if history.validator_trust.shape[1] > 0:
            history.validator_trust[run, place, i] = scratch.trust[i]
        if history.bonds.shape[1] > 0:
            for j in range(m):
                history.bonds[run, place, i, j] = scratch.bonds[j // TILE, i, j % TILE]


@jit()
def make_scratch(n: int, m: int, longest: int) -> Scratch:
    """Allocate the working memory of one run."""
    rows, tiles = max(ROWS, n + (-n) % ROWS), (m + TILE - 1) // TILE
    block = (tiles, rows, TILE)
    return Scratch(
        np.zeros(block),
        np.zeros(block),
        np.zeros(rows),
        np.zeros(rows),
        np.zeros((tiles, TILE)),
        np.zeros((tiles, TILE)),
        np.zeros((3, TILE)),
        np.empty((2, rows + 1)),
        np.zeros((longest + 1, tiles, TILE)),
        np.full(rows, -1.0),
        np.zeros(rows),
    )


@jit()
def simulate_run(
    seed: np.uint64,
    first: int,
    run: int,
    epochs: int,
    every: int,
    constants: Constants,
    schedule: Schedule,
    state: State,
    history: History,
) -> None:
    """Simulate one run: epochs first … first + epochs, of which each ``every``-th is recorded."""
    n, m = state.bonds.shape[1:]
    copying = (schedule.copies != OWN).any()
    longest = max(0, schedule.copies.max()) if copying else 0
    scratch = make_scratch(n, m, longest)
    for i in range(n):
        for j in range(m):
            scratch.bonds[j // TILE, i, j % TILE] = state.bonds[run, i, j]
    scratch.voting[n:] = 0.0
    weights = schedule.weights[run if schedule.weights.shape[0] > 1 else 0]
    stake = schedule.stake[run if schedule.stake.shape[0] > 1 else 0]
    grown, kappa = state.grown[run], 1.0
    search = rough(scratch.voting, kappa, 1.0)
    dividends, incentive = np.zeros(n), np.zeros(m)
    for e in range(epochs):
        voted, changed = share_stake(
            stake[e if stake.shape[0] > 1 else 0],
            schedule.present[e if schedule.present.shape[0] > 1 else 0],
            constants.threshold,
            grown,
            scratch,
        )
        if changed:
            kappa = attainable(constants.kappa * voted, scratch.voting)
            search = rough(scratch.voting, kappa, 1.0)
        key = stream_key(seed, np.uint64(run), np.uint64(first + e), np.uint64(0))
        now = weights[e if weights.shape[0] > 1 else 0]
        load_weights(now, constants.noise, key, scratch.weights)
        if copying:
            copy_consensus(e, schedule.copies, constants.kappa, scratch)
        found = find_consensus(kappa, search, scratch)
        scratch.seen[e % scratch.seen.shape[0]] = scratch.consensus
        reset = schedule.resets[e if schedule.resets.shape[0] > 1 else 0]
        for j in range(m):
            if reset[j]:
                scratch.bonds[j // TILE, :, j % TILE] = 0.0
        move_bonds(constants, found and constants.bonds == YUMA3_LIQUID, scratch)
        pay_out(constants, scratch, dividends, incentive)
        paid = dividends.sum() > 0.0
        for i in range(n):
            grown[i] += constants.emission * (dividends[i] if paid else scratch.active[i])
            state.dividends[run, i] += dividends[i]
        for j in range(m):
            state.incentive[run, j] += incentive[j]
        if (epochs - 1 - e) % every == 0:
            place = (epochs - 1) // every - (epochs - 1 - e) // every
            record(run, place, scratch, state, (dividends, incentive), history)
    for i in range(n):
        for j in range(m):
            state.bonds[run, i, j] = scratch.bonds[j // TILE, i, j % TILE]


@jit(parallel=True)
def simulate(
    seed: np.uint64,
    first: int,
    epochs: int,
    every: int,
    constants: Constants,
    schedule: Schedule,
    state: State,
    history: History,
) -> None:
    """Simulate all runs, in parallel; run r depends on (seed, r) alone."""
    for run in prange(state.bonds.shape[0]):
        r = np.int64(run)  # a parallel loop counts in unsigned numbers
        simulate_run(seed, first, r, epochs, every, constants, schedule, state, history)
