"""The constants of Yuma consensus, with the values that the chain gives to a new subnet."""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Self

from .. import checks
from ..kernels.consensus import YUMA2, YUMA3, YUMA3_LIQUID, Rules

__all__ = ["BOND_RULES", "U16_MAX", "YumaParams"]

#: The chain stores a share as a whole number from 0 to this one.
U16_MAX = 65_535
#: The chain's two rules for bonds.
BOND_RULES = ("yuma2", "yuma3")


@dataclass(frozen=True)
class YumaParams:
    """Constants of one subnet's epoch; the defaults are those of a new subnet.

    Source: opentensor/subtensor @14bc6f9 (30 June 2026), ``pallets/subtensor/src/lib.rs``,
    ``subnets/subnet.rs`` and ``epoch/run_epoch.rs``. As of November 2026. A share that the chain
    stores as u16 is written as the quotient by 65,535 that it stands for.
    """

    #: Share of stake that a weight needs; Kappa. Just below one half: half of the stake suffices.
    kappa: float = 32_767 / U16_MAX
    #: β, weight of the clipped against the raw weights in bonds, 0 to 1; BondsPenalty.
    bonds_penalty: float = 1.0
    #: Share of an old bond that lasts an epoch, 0 to 1; BondsMovingAverage, 900,000 millionths.
    bonds_moving_average: float = 0.9
    #: "yuma2" (Yuma3On false, older subnets) or "yuma3" (new subnets).
    bonds_rule: str = "yuma3"
    #: Whether stored bonds are rounded down to whole 65,535ths, as the chain does; False keeps
    #: float64.
    bonds_u16: bool = False
    #: Whether each pair has a rate of its own; LiquidAlphaOn. Without effect for "yuma2". Distances
    #: are from this epoch's consensus, the rule before release 446 (12 August 2026), which by
    #: default takes the last epoch's where bonds_penalty is 1.
    liquid_alpha: bool = False
    #: Least rate of liquid alpha per epoch; AlphaValues.
    alpha_low: float = 45_875 / U16_MAX
    #: Largest rate of liquid alpha per epoch; AlphaValues.
    alpha_high: float = 58_982 / U16_MAX
    #: Slope of liquid alpha's sigmoid; AlphaSigmoidSteepness / 100.
    alpha_steepness: float = 10.0
    #: With liquid alpha, whether a bond without any weight is lost at once (the chain's sparse
    #: code) or fades at its own rate (its dense code). A weight of 0 in a dense matrix is none.
    drop_unweighted_bonds: bool = False
    #: Permits; MaxAllowedValidators.
    max_validators: int = 64
    #: Stake below which a uid counts for nothing, in the unit of stake; StakeThreshold.
    stake_threshold: float = 0.0
    #: Blocks after which a silent validator is inactive: 13,889 thousandths of 360 blocks.
    activity_cutoff: int = 5_000
    #: Blocks per epoch; Tempo.
    tempo: int = 360

    def __post_init__(self) -> None:
        checks.number("kappa", self.kappa, low=0, high=1, low_open=True, unit="of the stake")
        for name in ("bonds_penalty", "bonds_moving_average", "alpha_low", "alpha_high"):
            checks.number(name, getattr(self, name), low=0, high=1)
        if self.alpha_low > self.alpha_high:
            raise ValueError(
                f"alpha_low is {self.alpha_low:g}, above alpha_high, {self.alpha_high:g}; "
                "allowed: alpha_low at most alpha_high"
            )
        checks.choice("bonds_rule", self.bonds_rule, BOND_RULES)
        checks.number("alpha_steepness", self.alpha_steepness, low=-327.68, high=327.67)
        checks.number("max_validators", self.max_validators, low=0, unit="validators")
        checks.number("stake_threshold", self.stake_threshold, low=0)
        checks.number("activity_cutoff", self.activity_cutoff, low=1, unit="blocks")
        checks.number("tempo", self.tempo, low=1, unit="blocks")

    @property
    def alpha(self) -> float:
        """Rate at which bonds move per epoch without liquid alpha."""
        return 1.0 - self.bonds_moving_average

    @cached_property
    def rules(self) -> Rules:
        """The constants as the kernels take them: the bond rule as a code, numbers as floats."""
        bonds = YUMA2
        if self.bonds_rule == "yuma3":
            bonds = YUMA3_LIQUID if self.liquid_alpha else YUMA3
        return Rules(
            bonds,
            float(self.kappa),
            float(self.stake_threshold),
            float(self.bonds_penalty),
            float(self.alpha),
            float(self.alpha_low),
            float(self.alpha_high),
            float(self.alpha_steepness),
            bool(self.drop_unweighted_bonds),
        )

    @classmethod
    def from_chain(
        cls,
        *,
        kappa: int = 32_767,
        bonds_penalty: int = U16_MAX,
        bonds_moving_average: int = 900_000,
        alpha_low: int = 45_875,
        alpha_high: int = 58_982,
        alpha_sigmoid_steepness: int = 1_000,
        yuma3: bool = True,
        **others: Any,
    ) -> Self:
        """Make the constants from the whole numbers that the chain stores.

        Parameters
        ----------
        kappa, bonds_penalty, alpha_low, alpha_high
            In 65,535ths.
        bonds_moving_average
            In millionths.
        alpha_sigmoid_steepness
            In hundredths.
        yuma3
            The flag Yuma3On.
        others
            Further fields of this class, as they are.

        Examples
        --------
        >>> YumaParams.from_chain(bonds_moving_average=975_000).alpha
        0.025000000000000022
        """
        return cls(
            kappa=kappa / U16_MAX,
            bonds_penalty=bonds_penalty / U16_MAX,
            bonds_moving_average=bonds_moving_average / 1_000_000,
            alpha_low=alpha_low / U16_MAX,
            alpha_high=alpha_high / U16_MAX,
            alpha_steepness=alpha_sigmoid_steepness / 100,
            bonds_rule="yuma3" if yuma3 else "yuma2",
            **others,
        )
