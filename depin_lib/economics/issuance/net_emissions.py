"""HNT: net emissions mint again what was burned, up to a cap, under four successive rules."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from numpy.typing import ArrayLike, NDArray

from ... import checks
from ...kernels import issuance as _kernels
from .helium import HntRules

__all__ = ["NET_EMISSION_RULES", "NetEmissions", "net_emission_step_bones", "net_emissions"]

#: Rules by name, oldest first: where each one held.
NET_EMISSION_RULES: dict[str, str] = {
    "hip20_text": "HIP-20 as written (2020), never built",
    "l1_code": "Helium's own chain, August 2021 to April 2023",
    "no_memory": "Solana, April 2023 to March 2025",
    "smoothed": "Solana since 12 March 2025 (HRP-2025-03)",
}
_KERNEL_RULE = {
    "hip20_text": _kernels.HIP20_TEXT,
    "l1_code": _kernels.L1_CODE,
    "no_memory": _kernels.NO_MEMORY,
    "smoothed": _kernels.SMOOTHED,
}
_WINDOW = {"hip20_text": 336.0, "smoothed": 7.0}
_DAILY_CAP = HntRules().net_emission_cap_hnt_per_day


@dataclass(frozen=True)
class NetEmissions:
    """Burned and re-minted HNT by epoch; arrays of shape (n,)."""

    burn_hnt: NDArray[np.float64]  #: HNT burned
    emitted_hnt: NDArray[np.float64]  #: HNT minted again
    memory_hnt: NDArray[np.float64]  #: pool, overage or smoothed burn after the epoch, HNT

    def to_frame(self) -> pd.DataFrame:
        """Return one row per epoch: HNT burned, minted again, and in the rule's memory."""
        return pd.DataFrame(vars(self))


def net_emissions(
    burn_hnt: ArrayLike,
    *,
    rule: str = "smoothed",
    cap_hnt: float = _DAILY_CAP,
    start_hnt: float = 0.0,
    window_epochs: float | None = None,
) -> NetEmissions:
    """Compute how much of the burned HNT is minted again.

    Parameters
    ----------
    burn_hnt
        HNT burned in each epoch, shape (n,).
    rule
        One of `NET_EMISSION_RULES`. ``"hip20_text"``: a pool takes min(burn, cap) and pays 1/336
        of itself per epoch. ``"l1_code"``: burns above the cap wait for epochs below it.
        ``"no_memory"``: min(burn, cap). ``"smoothed"`` (as of November 2026): min of the cap and
        an average of the burns with weight 1/7 on the newest.
    cap_hnt
        HNT per epoch; the default is that of a day's epoch.
    start_hnt
        The rule's memory before the first epoch, HNT.
    window_epochs
        Epochs of the averaging in ``"hip20_text"`` (by default 336 half hours) and
        ``"smoothed"`` (by default 7 days); the other rules have none.

    Returns
    -------
    NetEmissions

    Raises
    ------
    ValueError
        If the rule is not known or an amount is negative.

    Notes
    -----
    Sources: helium/HIP @6f6d0ba 0020; helium/blockchain-core @0fc794e; helium/docs @40e4bc4,
    ``docs/tokens/hnt-token.mdx``; helium/helium-release-proposals @d750301, HRP-2025-03.

    Examples
    --------
    >>> net_emissions([9500.0], start_hnt=400.0).emitted_hnt.round(2).tolist()
    [1643.84]
    """
    burn = np.ascontiguousarray(checks.non_negative("burn_hnt", burn_hnt, unit="HNT"))
    checks.shape("burn_hnt", burn, (None,), "one entry per epoch")
    name = checks.choice("rule", rule, NET_EMISSION_RULES)
    cap = checks.number("cap_hnt", cap_hnt, low=0, unit="HNT per epoch")
    start = checks.number("start_hnt", start_hnt, low=0, unit="HNT")
    memory, emitted = np.empty_like(burn), np.empty_like(burn)
    window = _WINDOW.get(name, 1.0) if window_epochs is None else window_epochs
    checks.number("window_epochs", window, low=1, unit="epochs")
    _kernels.net_emissions(burn, cap, window, _KERNEL_RULE[name], start, memory, emitted)
    return NetEmissions(burn, emitted, memory)


def net_emission_step_bones(
    smoothed_bones: int, burn_bones: int, cap_bones: int
) -> tuple[int, int]:
    """Take one epoch of the smoothed rule in bones (1e-8 HNT), exactly as the program does.

    Parameters
    ----------
    smoothed_bones
        Smoothed burn after the last epoch.
    burn_bones
        Burn of this epoch.
    cap_bones
        Cap on what is minted again.

    Returns
    -------
    (int, int)
        Smoothed burn after this epoch, and the net emission of this epoch.

    Raises
    ------
    ValueError
        If an amount is negative.

    Notes
    -----
    Source: helium/helium-program-library @145947e, ``programs/helium-sub-daos``.

    Examples
    --------
    >>> net_emission_step_bones(300, 0, 10**18)
    (257, 257)
    """
    for name, value in (("smoothed", smoothed_bones), ("burn", burn_bones), ("cap", cap_bones)):
        checks.number(f"{name}_bones", value, low=0, unit="bones")
    smoothed = 6 * int(smoothed_bones) // 7 + int(burn_bones) // 7
    return smoothed, min(smoothed, int(cap_bones))
