"""The retention map against one call of the epoch per grid point, and the whole map in seconds."""

import statistics
import time
from functools import partial

import numpy as np
from numpy.typing import NDArray

from depin_lib import seeds, subnets

from .harness import paired, report

Array = NDArray[np.float64]
STAKES = [0.51, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.99]
GRID = np.linspace(0, 1, 51)
NODES, VALIDATORS, SIGMA, SEED = 512, 64, 0.4, 1
PARAMS = subnets.YumaParams(kappa=0.5, bonds_rule="yuma2")
ROUNDS = 11


def quadrants(stake: float) -> tuple[list[tuple[slice, slice]], Array, Array]:
    """Draw a network as the library does; return its quadrants, weights and stake."""
    n, m = VALIDATORS, NODES - VALIDATORS
    h, k = int(stake * n), int(stake * m)
    rows, columns = (slice(0, h), slice(h, n)), (slice(0, k), slice(k, m))
    draws = (1 + SIGMA * seeds.normals(n, m, seed=SEED, purpose=0)).clip(min=0)
    stakes = (1 + 0.3 * seeds.normals(1, n, seed=SEED, purpose=1)[0]).clip(min=0)
    for part, share in zip(rows, (stake, 1 - stake), strict=True):
        stakes[part] *= share / stakes[part].sum()
    corners = [(row, column) for row in rows for column in columns]
    for corner in corners:
        draws[corner] /= draws[corner].sum(axis=1, keepdims=True)
    return corners, draws, stakes


def epoch_by_epoch(stake: float, honest_weight: Array, cabal_weight: Array) -> Array:
    """Honest emission at each grid point by `yuma_epoch`, the draws made once."""
    corners, draws, stakes = quadrants(stake)
    h, k = corners[0][0].stop, corners[0][1].stop
    emission = np.empty((honest_weight.size, cabal_weight.size))
    weights = np.empty_like(draws)
    for b, ours in enumerate(honest_weight):
        for c, theirs in enumerate(cabal_weight):
            for corner, factor in zip(corners, (ours, 1 - ours, 1 - theirs, theirs), strict=True):
                weights[corner] = draws[corner] * factor
            result = subnets.yuma_epoch(weights, stakes, params=PARAMS, validator_uids=-1)
            emission[b, c] = (result.dividends[:h].sum() + result.incentive[:k].sum()) / 2
    return emission


def ours(stake: float, honest_weight: Array, cabal_weight: Array) -> Array:
    """Honest emission by the library's map."""
    result = subnets.retention_map(
        stake, honest_weight, cabal_weight, weight_sigma=SIGMA, kappa=PARAMS.kappa, seed=SEED
    )
    return result.honest_emission[0]


def main() -> None:
    """Check that the outputs are equal, then time."""
    candidates = {
        "ours": partial(ours, 0.6, GRID, GRID),
        "`yuma_epoch` point by point": partial(epoch_by_epoch, 0.6, GRID, GRID),
    }
    first, second = (call() for call in candidates.values())
    np.testing.assert_allclose(first, second, rtol=1e-9)
    report("Retention map, 1 honest stake × 51 × 51 weights, σ = 0.4", paired(candidates))
    seconds = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        subnets.retention_map(STAKES, GRID, GRID, weight_sigma=SIGMA, seed=SEED)
        seconds.append(time.perf_counter() - start)
    spread = f"{min(seconds):.2f} – {max(seconds):.2f}"
    middle = statistics.median(seconds)
    print(f"\nWhole map, 11 × 51 × 51: {middle:.2f} s ({spread}), all threads, {ROUNDS} rounds")


if __name__ == "__main__":
    main()
