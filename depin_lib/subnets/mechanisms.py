"""Several mechanisms in one subnet: each runs an epoch with its own weights on its own emission."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks
from .epoch import EpochResult, yuma_epoch
from .parameters import U16_MAX

__all__ = [
    "MOST_MECHANISMS",
    "MOST_UIDS",
    "MechanismsResult",
    "epoch_with_mechanisms",
    "split_emission",
]

#: The chain allows no more mechanisms in a subnet.
MOST_MECHANISMS = 16
#: Nor more uids × mechanisms.
MOST_UIDS = 256

Whole = NDArray[np.int64]
Stored = NDArray[np.uint16]


def split_emission(rao: int, mechanisms: int, split: Sequence[int] | None = None) -> list[int]:
    """Split a subnet's emission of an epoch among its mechanisms, in whole rao.

    Each part is rounded down; what is left over goes to the first mechanism.

    Parameters
    ----------
    rao
        Emission, rao, from 0 to 2**64 − 1.
    mechanisms
        Number of mechanisms, 1 to 16.
    split
        Shares in 65,535ths; missing ones are 0, surplus ones are left out. Even shares by default.

    Returns
    -------
    list of int
        Rao by mechanism; their sum is ``rao``.

    Raises
    ------
    ValueError
        For numbers out of range, or shares that sum to more than 65,535.

    Notes
    -----
    Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``subnets/mechanism.rs``:
    ``split_emissions``.

    Examples
    --------
    >>> split_emission(10, 4)
    [4, 2, 2, 2]
    >>> split_emission(1000, 2, split=[16_384, 49_151])
    [251, 749]
    """
    count = checks.whole_number("mechanisms", mechanisms, low=1, high=MOST_MECHANISMS)
    if isinstance(rao, bool) or not isinstance(rao, int) or not 0 <= rao < 2**64:
        raise ValueError(f"rao is {rao!r}; allowed: whole numbers of rao from 0 to 2**64 - 1")
    if split is None:
        parts = [rao // count] * count
    else:
        shares = [checks.whole_number("split", s, low=0, high=U16_MAX) for s in split]
        if sum(shares) > U16_MAX:
            raise ValueError(f"split sums to {sum(shares)}; allowed: at most {U16_MAX}")
        parts = [rao * s // U16_MAX for s in shares[:count]]
        parts += [0] * (count - len(parts))
    parts[0] += rao - sum(parts)
    return parts


@dataclass(frozen=True)
class MechanismsResult:
    """What a subnet with k mechanisms and n uids decides in one epoch."""

    split_rao: tuple[int, ...]  #: emission of each mechanism, rao, k numbers
    epochs: tuple[EpochResult, ...]  #: each mechanism's own epoch, with its bonds
    server_rao: Whole  #: paid for mining by all mechanisms together, rao, shape (n,)
    validator_rao: Whole  #: paid for validating by all mechanisms together, rao, shape (n,)
    #: what the chain stores as a uid's emission, rao, shape (n,): each mechanism's emission counts
    #: with that mechanism's share once more, so that it is less than what was paid
    emission_rao: Whole
    incentive: Stored  #: stored for each mechanism, 65,535ths, shape (k, n)
    consensus: Stored  #: stored for the subnet, 65,535ths, shape (n,)
    dividends: Stored  #: likewise
    validator_trust: Stored  #: likewise
    stake_weight: Stored  #: likewise
    active: NDArray[np.bool_]  #: active in any mechanism, shape (n,)
    permits: NDArray[np.bool_]  #: a permit from any mechanism, shape (n,)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per uid; the incentive has one column per mechanism."""
        names = ("server_rao", "validator_rao", "emission_rao", "consensus", "dividends")
        columns = {name: getattr(self, name) for name in names}
        columns |= {f"incentive_{k}": row for k, row in enumerate(self.incentive)}
        for name in ("validator_trust", "stake_weight", "active", "permits"):
            columns[name] = getattr(self, name)
        return pd.DataFrame(columns, index=pd.RangeIndex(self.active.size, name="uid"))


def epoch_with_mechanisms(
    weights: Sequence[Any],
    stake: ArrayLike,
    rao: int,
    *,
    split: Sequence[int] | None = None,
    bonds: Sequence[Any] | None = None,
    last_update: Sequence[ArrayLike] | None = None,
    committed: Sequence[ArrayLike] | None = None,
    arithmetic: str = "fixed",
    **shared: Any,
) -> MechanismsResult:
    """Run the epoch of each mechanism of a subnet and put the results together as the chain does.

    Rounding: a mechanism's emission is rounded down to rao (`split_emission`), then each uid's
    parts of it; a mechanism's vectors are rounded down to 65,535ths. Mechanism k weighs with
    w_k = its rao / all rao, rounded down to 2⁻⁶⁴ (without emission: 1 for the first, 0 for others),
    and a stored value grows, mechanism by mechanism, by w_k × its value, rounded down to a whole
    number each time.

    Parameters
    ----------
    weights
        One matrix (n, n) for each of k mechanisms, of all uids: as in `yuma_epoch`.
    stake
        Stake weight, shape (n,), the same for all mechanisms.
    rao
        The subnet's emission for the epoch, rao, 0 to 2**63 − 1.
    split
        Shares of the mechanisms in 65,535ths; even by default.
    bonds, last_update, committed
        One entry per mechanism, each as in `yuma_epoch`.
    arithmetic
        As in `yuma_epoch`. Only "fixed" is the chain's to the last digit.
    shared
        Further arguments of `yuma_epoch`, the same for all mechanisms: ``params``, ``permits``,
        ``owner``, ``block``, ``registered``, ``last_epoch``.

    Returns
    -------
    MechanismsResult

    Raises
    ------
    ValueError
        For more than 16 mechanisms, more than 256 uids × mechanisms, matrices that are not (n, n),
        lists of another length than k, and whatever `yuma_epoch` and `split_emission` refuse.

    Notes
    -----
    The code allows 16 mechanisms, the network by default only 2 (``DefaultMaxMechanismCount``).
    Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``subnets/mechanism.rs``:
    ``epoch_with_mechanisms``, ``weighted_acc_u16``, ``weighted_acc_alpha``,
    ``ensure_max_uids_over_all_mechanisms``; ``epoch/run_epoch.rs``: ``persist_netuid_epoch_terms``.

    Examples
    --------
    >>> one, two = [[0, 9], [9, 0]], [[0, 0], [7, 0]]
    >>> result = epoch_with_mechanisms([one, two], [1, 1], 1_000)
    >>> result.split_rao, result.server_rao.tolist(), result.validator_rao.tolist()
    ((500, 500), [375, 125], [125, 375])
    """
    count = checks.whole_number("the number of mechanisms", len(weights), high=MOST_MECHANISMS)
    n = checks.shape("stake", checks.finite("stake", stake), (None,), "one entry per uid").size
    if n * count > MOST_UIDS:
        raise ValueError(
            f"{n} uids × {count} mechanisms are {n * count}; allowed: at most {MOST_UIDS}"
        )
    if not isinstance(rao, bool) and isinstance(rao, int) and rao >= 2**63:
        raise ValueError(f"rao is {rao}; allowed: whole numbers of rao from 0 to 2**63 - 1")
    parts = split_emission(rao, count, split)
    lists = {"bonds": bonds, "last_update": last_update, "committed": committed}
    for name, values in lists.items():
        if values is not None and len(values) != count:
            raise ValueError(f"{name} has {len(values)} entries; expected {count}: one a mechanism")
    epochs = []
    for k, matrix in enumerate(weights):
        if np.shape(matrix) != (n, n):
            raise ValueError(
                f"weights[{k}] has shape {np.shape(matrix)}; expected ({n}, {n}): uids × uids"
            )
        own = {name: values[k] for name, values in lists.items() if values is not None}
        epochs.append(yuma_epoch(matrix, stake, arithmetic=arithmetic, **shared | own))
    return _together(epochs, parts, rao)


def _together(epochs: list[EpochResult], parts: list[int], rao: int) -> MechanismsResult:
    """Put together the epochs of the mechanisms, whose emissions are parts of all rao."""
    scale = [(part << 64) // rao if rao else int(k == 0) << 64 for k, part in enumerate(parts)]
    paid = [epoch.payout_rao(part) for epoch, part in zip(epochs, parts, strict=True)]

    def weighted(vectors: list[list[int]]) -> list[int]:
        """Σ_k floor(w_k × value_k), uid by uid."""
        return [
            sum(value * w >> 64 for value, w in zip(values, scale, strict=True))
            for values in zip(*vectors, strict=True)
        ]

    def stored(name: str) -> Stored:
        vectors = [_u16(getattr(epoch, name)).tolist() for epoch in epochs]
        return np.minimum(weighted(vectors), U16_MAX).astype(np.uint16)

    return MechanismsResult(
        split_rao=tuple(parts),
        epochs=tuple(epochs),
        server_rao=np.sum([frame["server"] for frame in paid], axis=0, dtype=np.int64),
        validator_rao=np.sum([frame["validator"] for frame in paid], axis=0, dtype=np.int64),
        emission_rao=np.array(weighted([frame["combined"].tolist() for frame in paid]), np.int64),
        incentive=np.array([_u16(epoch.incentive) for epoch in epochs], np.uint16),
        consensus=stored("consensus"),
        dividends=stored("dividends"),
        validator_trust=stored("validator_trust"),
        stake_weight=stored("stake"),
        active=np.any([epoch.active for epoch in epochs], axis=0),
        permits=np.any([epoch.permits for epoch in epochs], axis=0),
    )


def _u16(shares: NDArray[np.float64]) -> Stored:
    """Store shares, cut to 32 binary places, as 65,535ths rounded down."""
    bits = np.floor(shares * 2.0**32).astype(np.int64)
    return np.minimum(bits * U16_MAX >> 32, U16_MAX).astype(np.uint16)
