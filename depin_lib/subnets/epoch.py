"""One epoch of Yuma consensus: from the validators' weights to everybody's share of the payout."""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from .. import checks
from ..kernels import consensus as _kernels
from ..kernels.consensus import Masks, Shares
from . import fixed, sparse
from .masks import keep_or_lose, masks_of, next_permits
from .parameters import U16_MAX, YumaParams

__all__ = ["ARITHMETICS", "EpochResult", "yuma_epoch"]

#: What an epoch can be computed in.
ARITHMETICS = ("float64", "float32", "fixed")

Array = NDArray[np.float64]
_PARAMS = YumaParams()
_MOST = 1e300  # sums of so many stay finite
_MOST_SINGLE = float(np.finfo(np.float32).max)


@dataclass(frozen=True)
class EpochResult:
    """What an epoch decides, for n validators (rows) and m miners (columns).

    A uid is a column; rows that are no column have the uids after the last column. From the
    arithmetic "float32" all numbers are of that type.
    """

    consensus: Array  #: stake-weighted median of the weights, shape (m,)
    incentive: Array  #: miners' shares of their half, sum 1 or 0, shape (m,)
    dividends: Array  #: validators' shares of their half, sum 1 or 0, shape (n,)
    validator_trust: Array  #: what is left of a validator's weights after clipping, shape (n,)
    bonds: Array | Any  #: new bonds, shape (n, m); a sparse array where the weights are sparse
    stake: Array  #: stake above the threshold, sum 1 or 0, shape (n,)
    active_stake: Array  #: of this, active rows with a permit, sum 1 or 0, shape (n,)
    active: NDArray[np.bool_]  #: rows that are active, shape (n,)
    permits: NDArray[np.bool_]  #: permits for the next epoch, shape (n,)
    server_emission: Array  #: share of the whole payout for mining, shape (m,)
    validator_emission: Array  #: share of the whole payout for validating, shape (n,)
    emission: Array  #: share of the whole payout by uid
    row_uids: NDArray[np.int64]  #: the uid of each row, shape (n,)

    def to_frame(self) -> pd.DataFrame:
        """Return one row per uid; what a uid has no part in is NaN (a permit: False)."""
        n_uids = self.emission.size
        frame = pd.DataFrame(index=pd.RangeIndex(n_uids, name="uid"))
        for name in ("stake", "active_stake", "validator_trust", "dividends"):
            frame[name] = pd.Series(getattr(self, name), index=self.row_uids)
        frame["permit"] = np.isin(np.arange(n_uids), self.row_uids[self.permits])
        for name in ("consensus", "incentive", "server_emission"):
            frame[name] = pd.Series(getattr(self, name))
        frame["validator_emission"] = pd.Series(self.validator_emission, index=self.row_uids)
        frame["emission"] = self.emission
        return frame

    def payout_rao(self, rao: int) -> pd.DataFrame:
        """Pay out an epoch's emission in whole rao, rounded down as the chain does.

        A share is first cut to 32 binary places, as the chain's type holds it. From shares in
        float64 an amount can be a few rao off what the chain pays; from "fixed" it is exact.

        Parameters
        ----------
        rao
            The epoch's emission, rao (1 alpha = 10**9 rao).

        Returns
        -------
        pandas.DataFrame
            Columns server, validator, combined, one row per uid, in rao.

        Examples
        --------
        >>> result = yuma_epoch(np.zeros((2, 1)), [1, 2])
        >>> result.payout_rao(100)["combined"].tolist()
        [0, 33, 66]
        """
        if isinstance(rao, bool) or not isinstance(rao, int | np.integer) or rao < 0:
            raise ValueError(f"rao is {rao!r}; give a whole number of rao, 0 or more")
        validator = np.zeros(self.emission.size)
        validator[self.row_uids] = self.validator_emission
        server = np.zeros(self.emission.size)
        server[: self.server_emission.size] = self.server_emission
        parts = {"server": server, "validator": validator, "combined": self.emission}
        amounts = {
            name: [int(share * 2.0**32) * int(rao) >> 32 for share in shares]
            for name, shares in parts.items()
        }
        return pd.DataFrame(amounts, index=pd.RangeIndex(self.emission.size, name="uid"))


def yuma_epoch(
    weights: ArrayLike,
    stake: ArrayLike,
    *,
    bonds: ArrayLike | None = None,
    params: YumaParams = _PARAMS,
    arithmetic: str = "float64",
    validator_uids: ArrayLike | None = None,
    permits: ArrayLike | None = None,
    owner: int | None = None,
    block: int | None = None,
    last_update: ArrayLike | None = None,
    registered: ArrayLike | None = None,
    committed: ArrayLike | None = None,
    last_epoch: int | None = None,
) -> EpochResult:
    """Compute one epoch of Yuma consensus, in the order of the chain.

    Rows are validators, columns are miners. A square matrix is read as a whole subnet: row i and
    column i are the same uid. In any other the rows are no columns, unless ``validator_uids`` says
    which. A uid's weight for itself never counts, except the owner's. What is not given masks
    nothing: all rows are active and hold a permit, no weight is outdated, old bonds are zero.

    "float64" is not the chain's arithmetic to the last digit, and where stake lies exactly on kappa
    the two may fall to different sides; its own last digits differ among types of processors, which
    add in different order. "fixed" is, bit for bit: I32F32 with every product and quotient rounded
    down, stake in I64F64, bonds stored as u16.

    "float32" is for memory, half of it where matrices are dense: weights and bonds are held in
    single precision, sums and products are those of float64, each result is rounded once. So it is,
    bit for bit, the float64 epoch of the rounded weights and bonds, rounded. Weights that are whole
    numbers up to 2**24 lose nothing on the way in.

    Parameters
    ----------
    weights
        Scores in any unit, 0 or more; each row is normalised. Shape (n, m): an array, or a SciPy
        sparse array or matrix in CSR or CSC, whose missing entries are weights of 0. Then the
        bonds of the result are sparse too (CSC), and time and memory go with the entries held.
    stake
        Stake weight, 0 or more, any unit. Shape (n,).
    bonds
        Bonds after the last epoch, 0 or more (for "yuma3" at most 1), dense or sparse. Shape
        (n, m).
    params
        Constants of the subnet.
    arithmetic
        "float64"; "float32", in which numbers below 1e-45 are 0; or "fixed": weights then are whole
        numbers up to 65,535, constants those that the chain can store, bonds whole 65,535ths; the
        result holds the chain's numbers exactly.
    validator_uids
        The column of each row, −1 for a row that is none; a single −1 stands for all rows.
    permits
        Permits from the last epoch; rows without one count for nothing. Shape (n,).
    owner
        Row of the subnet's owner: always permitted, never below the threshold, may score itself.
    block
        Block of this epoch.
    last_update
        Block of each row's last weights. Shape (n,). Rows silent for longer than the activity
        cutoff before ``block`` are inactive.
    registered
        Block at which each column was registered. Shape (m,). Weights from that block or before it
        do not count, nor do bonds from epochs before it.
    committed
        Block of each row's earliest commit that still waits for its reveal, −1 for none. Shape
        (n,). Its weights do not count toward columns registered after it.
    last_epoch
        Block of the last epoch. Without it: one tempo before ``block``.

    Returns
    -------
    EpochResult

    Raises
    ------
    ValueError
        For NaN, infinite or negative weights, stake or bonds, shapes that do not fit, uids out of
        range or given twice, sparse indices unsorted or repeated, an unknown arithmetic, or
        numbers that the chain cannot store where the arithmetic is "fixed".
    TypeError
        For a sparse format other than CSR and CSC.

    Notes
    -----
    The chain's sparse code and its dense test code differ where liquid alpha meets a bond without a
    weight: see ``YumaParams.drop_unweighted_bonds``. A stored weight of 0 is a weight to the first;
    a sparse matrix can hold one, a dense one cannot. Weights of a row or bonds of a column that sum
    to less than 1e-290 count as zero. Bonds of a row that neither had a permit nor gets one stay as
    they are, as in the dense code; the sparse code empties such a row, which on the chain is empty.

    Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``epoch/run_epoch.rs``:
    ``epoch_mechanism``.

    Examples
    --------
    >>> result = yuma_epoch([[0.5, 0.5], [0.9, 0.1], [0.5, 0.5]], [40, 20, 40])
    >>> result.consensus.tolist(), result.incentive.round(3).tolist()
    ([0.5, 0.5], [0.543, 0.457])
    """
    checks.choice("arithmetic", arithmetic, ARITHMETICS)
    exact = arithmetic == "fixed"
    single = arithmetic == "float32"
    dtype, most = (np.float32, _MOST_SINGLE) if single else (np.float64, _MOST)
    w = _matrix("weights", weights, (None, None), U16_MAX if exact else most, dtype)
    if exact:
        fixed.check_weights(w)
    n, m = w.shape
    s = checks.shape("stake", _non_negative("stake", stake), (n,), "one entry per validator")
    high = 1.0 if exact or params.bonds_rule == "yuma3" else most
    old: Any = None if bonds is None else _matrix("bonds", bonds, (n, m), high, dtype)
    if sparse.is_sparse(old) and not sparse.is_sparse(w):
        old = np.ascontiguousarray(old.toarray())
    masks, n_uids = masks_of(
        (n, m),
        params,
        validator_uids=validator_uids,
        permits=permits,
        owner=owner,
        block=block,
        last_update=last_update,
        registered=registered,
        committed=committed,
        last_epoch=last_epoch,
    )
    shares = _empty_shares(n, m, n_uids)
    run = fixed.run if exact else sparse.run if sparse.is_sparse(w) else _run
    new, new_permits = run(w, s, old, masks, shares, params)
    result = EpochResult(
        consensus=shares.consensus,
        incentive=shares.incentive,
        dividends=shares.dividends,
        validator_trust=shares.trust,
        bonds=new,
        stake=shares.stake,
        active_stake=shares.active_stake,
        active=masks.active.copy(),
        permits=new_permits,
        server_emission=shares.server,
        validator_emission=shares.validator,
        emission=shares.combined,
        row_uids=masks.uids.copy(),
    )
    return _rounded(result) if single else result


def _rounded(result: EpochResult) -> EpochResult:
    """Round all numbers to single precision."""
    values = {name: x for name, x in vars(result).items() if x.dtype.kind == "f"}
    return replace(result, **{name: x.astype(np.float32) for name, x in values.items()})


def _empty_shares(n: int, m: int, n_uids: int) -> Shares:
    consensus, incentive, server = np.empty((3, m))
    trust, dividends, normalised, active, validator = np.empty((5, n))
    combined = np.empty(n_uids)
    return Shares(
        consensus, incentive, server, trust, dividends, normalised, active, validator, combined
    )


def _run(
    weights: Array,
    stake: Array,
    old: Array | None,
    masks: Masks,
    shares: Shares,
    params: YumaParams,
) -> tuple[Array, NDArray[np.bool_]]:
    """Run the dense kernel; fill the shares, return the stored bonds and the new permits."""
    rules = params.rules
    held = np.float64 if params.bonds_u16 else weights.dtype  # rounded once, after the u16
    new = np.zeros(weights.shape, held) if old is None else np.empty(weights.shape, held)
    before = new if old is None else old
    _kernels.epoch(weights, stake, masks, rules, before, new, shares)
    if rules.bonds == _kernels.YUMA3_LIQUID and not shares.consensus.any():  # then no liquid alpha
        rules = rules._replace(bonds=_kernels.YUMA3)
        before = np.zeros(weights.shape, held) if old is None else old
        _kernels.epoch(weights, stake, masks, rules, before, new, shares)
    if params.bonds_u16:
        new *= U16_MAX
        np.floor(new, out=new)
        new /= U16_MAX
    permits = next_permits(shares.stake, params, masks.owner)
    keep_or_lose(new, old, masks, permits)
    return new, permits


def _matrix(
    name: str, values: Any, shape: tuple[int | None, int | None], high: float, dtype: type
) -> Any:
    """Check a matrix, dense or sparse, with entries from 0 to ``high``; return it in ``dtype``."""
    if sparse.is_sparse(values):
        return sparse.read(name, values, shape, high).astype(dtype, copy=False)
    array = np.ascontiguousarray(_non_negative(name, values, high, dtype))
    return checks.shape(name, array, shape, "validators (rows) × miners (columns)")


def _non_negative(
    name: str, values: ArrayLike, high: float = _MOST, dtype: type = np.float64
) -> Array:
    """Check a large array in one pass; only where something is wrong, look for it."""
    array = np.asarray(values)
    if array.dtype.kind in "uif":
        array = _single(array) if dtype is np.float32 else array.astype(np.float64, copy=False)
        if array.flags.c_contiguous and _kernels.all_within(array.reshape(-1), high):
            return array
    return checks.finite(name, values, low=0, high=high).astype(dtype, copy=False)


def _single(array: NDArray[Any]) -> NDArray[Any]:
    """Round to single precision; what is too large becomes infinite, without a warning."""
    with np.errstate(over="ignore"):
        return array.astype(np.float32, copy=False)
