"""Random subnets, with ties, zeros and every mask, for the library and for the twin."""

from dataclasses import fields
from typing import Any

import numpy as np

from depin_lib import subnets

from . import twin

KAPPA = 32_767 / 65_535


class Case:
    """One subnet, drawn from a seed."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        n, m = (int(x) for x in rng.integers(1, 9, 2))
        if self.chance(0.1):
            m = int(rng.integers(60, 140))  # more than one tile
        if self.chance(0.4):
            m = n
        self.weights, self.stake, self.bonds = self.numbers(n, m)
        self.state = self.masks(n, m)
        self.rules = self.constants()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def numbers(self, n: int, m: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        rng = self.rng
        ties = rng.integers(0, 4, (n, m)).astype(float)
        weights = ties if self.chance(0.5) else rng.random((n, m)) * (rng.random((n, m)) < 0.8)
        stake = rng.integers(0, 4, n).astype(float) if self.chance(0.6) else rng.pareto(1.5, n)
        return weights, stake, rng.random((n, m)) * (rng.random((n, m)) < 0.7)

    def masks(self, n: int, m: int) -> dict[str, Any]:
        rng = self.rng
        possible = {
            "permits": rng.random(n) < 0.8,
            "owner": int(rng.integers(n)),
            "block": int(rng.integers(12)),
            "last_update": rng.integers(0, 12, n),
            "registered": rng.integers(0, 12, m),
            "committed": rng.integers(-1, 12, n),
            "last_epoch": int(rng.integers(12)),
        }
        return {name: value for name, value in possible.items() if self.chance(0.5)}

    def constants(self) -> twin.Rules:
        pick = self.rng.choice
        return twin.Rules(
            kappa=float(pick([0.25, 0.5, KAPPA, 0.75, 1.0])),
            penalty=float(pick([0.0, 0.3, 1.0])),
            alpha=float(pick([0.125, 0.5, 1.0])),
            yuma3=self.chance(0.6),
            liquid=self.chance(0.5),
            alpha_low=0.125,
            alpha_high=0.375,
            drop=self.chance(0.3),
            max_validators=int(self.rng.integers(10)),
            threshold=float(pick([0.0, 0.0, 1.0])),
            cutoff=5,
            tempo=4,
        )

    def params(self) -> subnets.YumaParams:
        r = self.rules
        return subnets.YumaParams(
            kappa=r.kappa,
            bonds_penalty=r.penalty,
            bonds_moving_average=1.0 - r.alpha,
            bonds_rule="yuma3" if r.yuma3 else "yuma2",
            liquid_alpha=r.liquid,
            alpha_low=r.alpha_low,
            alpha_high=r.alpha_high,
            alpha_steepness=r.steepness,
            drop_unweighted_bonds=r.drop,
            max_validators=r.max_validators,
            stake_threshold=r.threshold,
            activity_cutoff=r.cutoff,
            tempo=r.tempo,
        )

    def ours(self) -> subnets.EpochResult:
        return subnets.yuma_epoch(
            self.weights, self.stake, bonds=self.bonds, params=self.params(), **self.state
        )

    def twins(self) -> twin.Outcome:
        n, m = self.weights.shape
        told = {k: v.tolist() if hasattr(v, "tolist") else v for k, v in self.state.items()}
        state = twin.State(own_column=list(range(n)) if n == m else None, **told)
        rows = self.weights.tolist(), self.stake.tolist(), self.bonds.tolist()
        return twin.epoch(*rows, self.rules, state)


def differences(result: subnets.EpochResult, wanted: twin.Outcome) -> list[str]:
    """Name the fields in which the library is further from its twin than rounding explains."""
    found = []
    for field in fields(wanted):
        a = np.asarray(getattr(result, field.name), dtype=float)
        b = np.array(getattr(wanted, field.name), dtype=float).reshape(a.shape)
        if not np.allclose(a, b, rtol=1e-9, atol=1e-12):
            found.append(field.name)
    return found
