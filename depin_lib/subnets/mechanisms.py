"""Several mechanisms in one subnet: how its emission is split before each runs an epoch."""

from collections.abc import Sequence

from .. import checks
from .parameters import U16_MAX

__all__ = ["MOST_MECHANISMS", "split_emission"]

#: The chain allows no more mechanisms in a subnet.
MOST_MECHANISMS = 16


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
