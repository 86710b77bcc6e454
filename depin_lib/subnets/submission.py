"""Weights on their way to the chain: what it requires of a row, and what it stores."""

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .. import checks
from .parameters import U16_MAX

__all__ = ["submit_weights"]


def submit_weights(
    uids: ArrayLike,
    values: ArrayLike,
    *,
    n: int,
    uid: int,
    permit: bool = True,
    owner: bool = False,
    min_allowed: int = 1,
) -> NDArray[np.uint16]:
    """Return the row of weights that the chain stores for a submission, or say why it refuses.

    Parameters
    ----------
    uids
        Targets, each once, 0 to n − 1. Shape (k,).
    values
        Whole numbers from 0 to 65,535, one per target (`max_upscale_u16` makes such). The chain
        stores them scaled to a largest of 65,535, in I32F32, halves up. Shape (k,).
    n
        Uids in the subnet.
    uid
        Who submits.
    permit, owner
        Whether it holds a validator permit, and whether it is the subnet's owner. Without either it
        may weigh itself alone.
    min_allowed
        Least number of targets, MinAllowedWeights; a single weight for oneself is always enough, as
        are all uids of a smaller subnet.

    Returns
    -------
    uint16 array of shape (n,)
        A row for `yuma_epoch`.

    Raises
    ------
    ValueError
        With the chain's name of the error and what is allowed.

    Notes
    -----
    What depends on the account and on time is not looked at: registration, minimum stake, version
    key, rate limit. Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``subnets/weights.rs``:
    ``internal_set_weights``, ``check_validator_permit``, ``check_length``; ``epoch/math.rs``:
    ``vec_u16_max_upscale_to_u16``.

    Examples
    --------
    >>> submit_weights([0, 2], [1, 4], n=4, uid=3)
    array([16384,     0, 65535,     0], dtype=uint16)
    """
    size = checks.whole_number("n", n, high=U16_MAX)
    me = checks.whole_number("uid", uid, low=0, high=size - 1)
    least = checks.whole_number("min_allowed", min_allowed, low=0, high=U16_MAX)
    targets = checks.shape("uids", checks.finite("uids", uids), (None,), "one per target")
    given = checks.finite("values", values, low=0, high=U16_MAX)
    if given.shape != targets.shape:
        raise ValueError(
            f"WeightVecNotEqualSize: {targets.size} uids and values of shape {given.shape}; "
            "allowed: one value per uid"
        )
    if (given != np.floor(given)).any():
        raise ValueError("values must be whole numbers from 0 to 65,535; see max_upscale_u16")
    if targets.size > size:
        raise ValueError(
            f"UidsLengthExceedUidsInSubNet: {targets.size} uids; allowed: at most {size}"
        )
    alone = targets.size == 1 and targets[0] == me
    if not (permit or owner or alone):
        raise ValueError(
            f"NeuronNoValidatorPermit: uid {me} holds no permit; allowed: a weight for itself alone"
        )
    found, counts = np.unique(targets, return_counts=True)
    if counts.max(initial=1) > 1:
        raise ValueError(f"DuplicateUids: uid {found[counts.argmax()]:g} is given twice")
    unknown = ~np.isin(targets, np.arange(size))
    if unknown.any():
        raise ValueError(
            f"UidVecContainInvalidOne: uid {targets[unknown][0]:g}; allowed: 0 to {size - 1}"
        )
    if targets.size < min(least, size) and not alone:
        raise ValueError(
            f"WeightVecLengthIsLow: {targets.size} weights; allowed: at least {min(least, size)}, "
            "or a weight for itself alone"
        )
    row = np.zeros(size, np.uint16)
    row[targets.astype(np.intp)] = _upscaled(given.astype(np.int64))
    return row


def _upscaled(values: NDArray[np.int64]) -> NDArray[np.int64]:
    """Scale whole numbers to a largest of 65,535 as ``vec_max_upscale_to_u16`` does, in 2⁻³²."""
    top = int(values.max(initial=0))
    if top == 0:
        return values
    if top > 32_768:
        scaled = values * ((U16_MAX << 32) // top)  # the quotient is rounded down first
    else:
        scaled = (values * U16_MAX << 32) // top
    return (scaled + (1 << 31)) >> 32
