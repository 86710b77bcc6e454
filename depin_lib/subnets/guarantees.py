"""What a majority of stake guarantees: the game of two teams, and the smallest coalition."""

from dataclasses import dataclass

import numpy as np
import xarray as xr
from numpy.typing import ArrayLike, NDArray

from .. import checks, seeds
from ..kernels import retention as _kernels

__all__ = ["Coalition", "RetentionMap", "retention_map", "smallest_coalition"]

Array = NDArray[np.float64]

#: What honest emission may fall short of honest stake and still count as retained: rounding.
TOLERANCE = 1e-9
_WEIGHTS, _STAKE = 0, 1  # purposes of the random numbers


@dataclass(frozen=True)
class RetentionMap:
    """Honest emission over honest stake × honest weight × cabal weight."""

    honest_stake: Array  #: S_H, the honest share of all stake, shape (a,)
    honest_weight: Array  #: W_H, weight of the honest on honest miners: their utility, shape (b,)
    cabal_weight: Array  #: W_C, weight of the cabal on its own miners, shape (c,)
    honest_emission: Array  #: E_H, the honest share of the payout, shape (a, b, c)

    @property
    def worst_emission(self) -> Array:
        """Honest emission if the cabal chooses the weight that is worst for the honest, (a, b)."""
        return np.asarray(self.honest_emission.min(axis=2))

    @property
    def worst_cabal_weight(self) -> Array:
        """The cabal weight that brings it about, shape (a, b)."""
        return np.asarray(self.cabal_weight[self.honest_emission.argmin(axis=2)])

    @property
    def retained(self) -> NDArray[np.bool_]:
        """Whether honest emission is at least honest stake, to within 1e-9, shape (a, b, c)."""
        return self.honest_emission >= self.honest_stake[:, np.newaxis, np.newaxis] - TOLERANCE

    def required_honest_weight(self, *, interpolate: bool = False) -> Array:
        """Return the least honest weight that retains the stake whatever the cabal's weight.

        Parameters
        ----------
        interpolate
            False: a point of the grid. True: where, on a straight line from the grid point below
            it, the worst emission reaches the stake; so one reads a contour line.

        Returns
        -------
        numpy.ndarray
            One weight per honest stake, shape (a,); NaN where no honest weight of the grid does.

        Examples
        --------
        >>> result = retention_map(0.6, np.linspace(0, 1, 51), np.linspace(0, 1, 51),
        ...                        weight_sigma=0.0, kappa=0.5, bonds_penalty=1.0, seed=1)
        >>> result.required_honest_weight()
        array([0.6])
        """
        order = np.argsort(self.honest_weight)
        weight = self.honest_weight[order]
        required = np.full(self.honest_stake.size, np.nan)
        for a, stake in enumerate(self.honest_stake):
            surplus = self.worst_emission[a, order] - stake
            kept = np.flatnonzero(surplus >= -TOLERANCE)
            if kept.size:
                b = kept[0]
                required[a] = weight[b]
                if interpolate and b > 0 and surplus[b] > 0.0:
                    back = surplus[b] / (surplus[b] - surplus[b - 1])
                    required[a] -= back * (weight[b] - weight[b - 1])
        return required

    def to_xarray(self) -> xr.Dataset:
        """Return honest emission and retention with labelled dimensions."""
        dims = ("honest_stake", "honest_weight", "cabal_weight")
        units = ("share of all stake", "share of a row", "share of a row")
        return xr.Dataset(
            {
                "honest_emission": (dims, self.honest_emission, {"units": "share of the payout"}),
                "retained": (dims, self.retained),
                "required_honest_weight": (
                    dims[:1],
                    self.required_honest_weight(),
                    {"units": "share of a row"},
                ),
            },
            coords={
                name: (name, getattr(self, name), {"units": unit})
                for name, unit in zip(dims, units, strict=True)
            },
        )


def retention_map(
    honest_stake: ArrayLike,
    honest_weight: ArrayLike,
    cabal_weight: ArrayLike,
    *,
    weight_sigma: float,
    stake_sigma: float = 0.3,
    kappa: float = 0.5,
    bonds_penalty: float = 1.0,
    xi: float = 0.5,
    seed: seeds.Seed = None,
    nodes: int = 512,
    validators: int = 64,
) -> RetentionMap:
    """Play one epoch of the game of two teams at every point of a grid.

    Honest validators hold the share S_H of all stake and put W_H of their weight on honest miners,
    the rest on the cabal's; the cabal's validators put W_C on their own. Of the nodes the share
    S_H, rounded down, is honest, among validators and among miners, but at least one of each is in
    either team. Stake is max(0, N(1, stake_sigma²)), scaled within a team to its share; a weight is
    max(0, N(1, weight_sigma²)), scaled, for each validator, within each team of miners to the
    weight it has for that team. Validators are no miners, bonds are those of a first epoch under
    "yuma2": instant. The honest earn E_H = Σ ξ D + (1 − ξ) I, and keep their share if E_H ≥ S_H.

    All grid points share the same draws: each validator has one normal draw for its stake and one
    for each miner, whatever the honest stake, so that the map is smooth and differences within it
    are not noise. Other seeds give other maps.

    Parameters
    ----------
    honest_stake
        S_H, shares of all stake between 0 and 1, a number or a list of a numbers.
    honest_weight
        W_H, 0 to 1, b numbers.
    cabal_weight
        W_C, 0 to 1, c numbers.
    weight_sigma
        Standard deviation of weights, as a share of their mean.
    stake_sigma
        Standard deviation of stake within a team, as a share of its mean.
    kappa
        Share of stake that a weight needs, above 0, at most 1.
    bonds_penalty
        β, weight of clipped against raw weights in bonds, 0 to 1.
    xi
        ξ, share of the payout that goes to validators, 0 to 1.
    seed
        Of the draws; the same map for any number of threads.
    nodes, validators
        Size of the network, and how many of the nodes validate; the others are miners.

    Returns
    -------
    RetentionMap

    Raises
    ------
    ValueError
        For numbers out of range, or fewer than two validators or miners.

    Notes
    -----
    Where no miner keeps any weight, nothing is earned by scores and E_H is 0 here; the chain then
    pays by stake. A validator whose draws for a team of miners are all 0 weighs them alike, as do
    the stakes of a team. A team whose stake is exactly kappa has a majority here, as in the
    protocol's formula. On the chain each validator's share of stake is rounded down to 2⁻³², and
    the sum over a team of this game falls a few units short of kappa, as the epoch in fixed
    arithmetic shows. So the published map at kappa = 0.6 protects 60% of the stake nowhere, this
    one from an honest weight of about 0.89 on. Sources: opentensor/subtensor @14bc6f9 (30 June
    2026), ``docs/consensus.md`` and ``pallets/subtensor/src/tests/consensus.rs``: ``split_graph``,
    ``map_consensus_guarantees``; the latter rounds weights to u16 and uses draws of its own.

    Examples
    --------
    >>> game = retention_map([0.6], [0.7, 0.8], [0.0, 0.8], weight_sigma=0.4, seed=1)
    >>> game.retained[0].tolist()
    [[True, False], [True, True]]
    """
    grid = [
        _axis("honest_stake", honest_stake, is_open=True),
        _axis("honest_weight", honest_weight),
        _axis("cabal_weight", cabal_weight),
    ]
    constants = (
        checks.number("kappa", kappa, low=0, high=1, low_open=True, unit="of the stake"),
        checks.number("bonds_penalty", bonds_penalty, low=0, high=1),
        checks.number("xi", xi, low=0, high=1, unit="of the payout"),
    )
    spread = [
        checks.number(name, value, low=0, high=1e6, unit="of the mean")
        for name, value in (("weight_sigma", weight_sigma), ("stake_sigma", stake_sigma))
    ]
    n = checks.whole_number("validators", validators, low=2, high=100_000)
    m = checks.whole_number("nodes", nodes, low=n + 2, high=1_000_000) - n
    word = int(seeds.seed_word(seed))
    weights = 1.0 + spread[0] * seeds.normals(n, m, seed=word, purpose=_WEIGHTS)
    stake = 1.0 + spread[1] * seeds.normals(1, n, seed=word, purpose=_STAKE)[0]
    emission = np.empty([axis.size for axis in grid])
    for share, plane in zip(grid[0], emission, strict=True):
        miners = _honest_part(share, m)
        teams = _teams(
            weights.clip(min=0.0), stake.clip(min=0.0), share, _honest_part(share, n), miners
        )
        _kernels.emission_map(*teams, miners, *grid[1:], constants, plane)
    return RetentionMap(grid[0], grid[1], grid[2], emission)


def _axis(name: str, values: ArrayLike, *, is_open: bool = False) -> Array:
    """Return one or more shares as a one-dimensional array."""
    array = checks.finite(name, values, low=0, high=1, low_open=is_open, high_open=is_open)
    return np.ascontiguousarray(checks.shape(name, np.atleast_1d(array), (None,), "a list"))


def _honest_part(share: float, count: int) -> int:
    """Return how many of ``count`` are honest: rounded down, at least one in either team."""
    return min(max(int(share * count + 1e-9), 1), count - 1)


def _teams(
    weights: Array, stake: Array, share: float, validators: int, miners: int
) -> tuple[_kernels.Team, _kernels.Team]:
    """Scale draws (n, m) and (n,) to the two teams' shares and sort them column by column."""
    scaled = np.hstack([_shares(weights[:, :miners]), _shares(weights[:, miners:])])
    honest = _team(scaled[:validators], share * _shares(stake[:validators]), share)
    cabal = _team(scaled[validators:], (1 - share) * _shares(stake[validators:]), 1 - share)
    return honest, cabal


def _shares(values: Array) -> Array:
    """Divide by the sum along the last axis; where it is 0, all are alike."""
    values = np.where(values.any(axis=-1, keepdims=True), values, 1.0)
    return np.asarray(values / values.sum(axis=-1, keepdims=True))


def _team(weights: Array, stake: Array, share: float) -> _kernels.Team:
    """Sort a team's weights (rows, m) within each column and add up from the largest."""
    order = np.argsort(-weights.T, axis=1, kind="stable")
    sorted_weights = np.take_along_axis(weights.T, order, axis=1)
    held = stake[order]
    running = [np.cumsum(values, axis=1) for values in (held, held * sorted_weights)]
    running[0][:, -1] = share  # not a rounding error beside it, where kappa is the same
    start = np.zeros((weights.shape[1], 1))
    return _kernels.Team(sorted_weights, *(np.hstack([start, values]) for values in running))


@dataclass(frozen=True)
class Coalition:
    """The fewest holders that together have a given share."""

    members: NDArray[np.int64]  #: positions of the holders, the largest first
    share: float  #: what they have together, as a share of everything

    @property
    def size(self) -> int:
        """How many they are; of a majority, the Nakamoto coefficient."""
        return self.members.size


def smallest_coalition(shares: ArrayLike, share: float = 0.5) -> Coalition:
    """Return the smallest coalition that takes at least a given share of stake or emission.

    It consists of the largest holders; of equals, the first ones.

    Parameters
    ----------
    shares
        What each holder has, 0 or more, in any unit. Shape (n,).
    share
        Share of everything that the coalition needs, above 0, at most 1; by default one half,
        which is a majority where kappa is just below it.

    Returns
    -------
    Coalition

    Raises
    ------
    ValueError
        For negative, infinite or NaN holdings, holdings that are all 0, or a share out of range.

    Notes
    -----
    Source of the measure: Srinivasan and Lee (2017), "Quantifying decentralization", who call its
    size at one half the Nakamoto coefficient.

    Examples
    --------
    >>> coalition = smallest_coalition([10, 40, 20, 30], 0.6)
    >>> coalition.members.tolist(), coalition.size, coalition.share
    ([1, 3], 2, 0.7)
    """
    held = checks.shape("shares", checks.non_negative("shares", shares), (None,), "one per holder")
    needed = checks.number("share", share, low=0, high=1, low_open=True, unit="of everything")
    if not held.any():
        raise ValueError("shares are all 0; allowed: at least one above 0")
    order = np.argsort(-held, kind="stable")
    running = np.cumsum(held[order] / held.max())
    running /= running[-1]
    size = int(np.argmax(running >= needed * (1.0 - 1e-12))) + 1
    return Coalition(order[:size], float(running[size - 1]))
