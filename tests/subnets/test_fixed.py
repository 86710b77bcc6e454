"""The chain's arithmetic, bit for bit against a twin in Python's whole numbers."""

from fractions import Fraction
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import sparse

from depin_lib import subnets
from depin_lib.kernels import fixed_point

from . import fixed_twin

ONE, U16 = fixed_twin.ONE, fixed_twin.U16
BITS = ("consensus", "incentive", "dividends", "validator_trust", "stake", "active_stake")


class Case:
    """One subnet as the chain stores it, drawn from a seed, with ties, zeros and every mask."""

    def __init__(self, seed: int) -> None:
        self.rng = rng = np.random.default_rng(seed)
        n, m = (int(x) for x in rng.integers(1, 9, 2))
        m = int(rng.integers(60, 140)) if self.chance(0.05) else n if self.chance(0.4) else m
        high = int(rng.choice([2, 4, U16 + 1]))
        self.weights = rng.integers(0, high, (n, m))
        self.held = self.weights > 0
        few = rng.integers(0, 4, n)
        self.stake = few if self.chance(0.6) else rng.pareto(1.0, n) * 10.0 ** rng.integers(0, 9)
        self.bonds = rng.integers(0, U16 + 1, (n, m)) * (rng.random((n, m)) < 0.7)
        self.permits, self.owner = rng.random(n) < 0.9, None
        self.told: dict[str, Any] = {"permits": self.permits}
        if self.chance(0.3):
            self.owner = self.told["owner"] = int(rng.integers(n))
        self.updated, self.registered = rng.integers(0, 12, n), rng.integers(0, 12, m)
        self.block = 11
        if masked := self.chance(0.4):
            self.told |= {"last_update": self.updated, "registered": self.registered}
            self.told["block"] = self.block
        self.masked = masked
        self.constants = self.draw_constants()

    def chance(self, probability: float) -> bool:
        return bool(self.rng.random() < probability)

    def draw_constants(self) -> fixed_twin.Constants:
        pick, high = self.rng.choice, int(self.rng.integers(1, U16 + 1))
        return fixed_twin.Constants(
            kappa=int(pick([1, 20_000, 32_767, 32_768, 50_000, U16])),
            bonds_penalty=int(pick([0, 1, 30_000, U16])),
            bonds_moving_average=int(pick([0, 500_000, 900_000, 975_000, 1_000_000])),
            alpha_low=int(self.rng.integers(0, high + 1)),
            alpha_high=high,
            steepness=int(pick([-32_768, -100, 0, 1, 1_000, 3_333, 32_767])),
            yuma3=self.chance(0.7),
            liquid=self.chance(0.6),
            drop=self.chance(0.5),
            max_validators=64,
            threshold=int(pick([0, 0, 1])),
            cutoff=5,
            tempo=4,
        )

    def ours(self, arithmetic: str = "fixed", thin: str | None = None) -> subnets.EpochResult:
        k = self.constants
        params = subnets.YumaParams.from_chain(
            kappa=k.kappa,
            bonds_penalty=k.bonds_penalty,
            bonds_moving_average=k.bonds_moving_average,
            alpha_low=k.alpha_low,
            alpha_high=k.alpha_high,
            alpha_sigmoid_steepness=k.steepness,
            yuma3=k.yuma3,
            liquid_alpha=k.liquid,
            drop_unweighted_bonds=k.drop,
            stake_threshold=k.threshold,
            activity_cutoff=k.cutoff,
            tempo=k.tempo,
        )
        told = {"bonds": self.bonds / U16, "params": params, "arithmetic": arithmetic} | self.told
        if thin is None:
            return subnets.yuma_epoch(self.weights, self.stake, **told)
        where = np.nonzero(self.held)
        weights = sparse.csr_array((self.weights[where], where), shape=self.weights.shape)
        return subnets.yuma_epoch(weights.asformat(thin), self.stake, **told)

    def twins(self) -> dict[str, list]:
        n, m = self.weights.shape
        k, counts, kept, active = self.constants, np.ones((n, m), bool), [True] * m, [True] * n
        if self.masked:
            counts = self.updated[:, np.newaxis] > self.registered
            kept = (self.registered < self.block - k.tempo).tolist()
            active = (self.updated + k.cutoff >= self.block).tolist()
        own = [i if n == m and i != self.owner else -1 for i in range(n)]
        return fixed_twin.epoch(
            self.weights.tolist(),
            [Fraction(float(s)) for s in self.stake],
            self.bonds.tolist(),
            k,
            own_column=own,
            permits=self.permits.tolist(),
            owner=self.owner,
            active=active,
            counts=counts.tolist(),
            kept=kept,
            held=self.held.tolist(),
        )


def agree(case: Case, thin: str | None = None) -> None:
    found, wanted = case.ours(thin=thin), case.twins()
    for name in BITS:
        assert (getattr(found, name) * ONE).tolist() == wanted[name], name
    bonds = np.array(wanted["new_bonds"]).reshape(case.weights.shape)
    lost = ~found.permits
    had = case.permits | (np.arange(lost.size) == (-1 if case.owner is None else case.owner))
    bonds[lost] = np.where(had[lost, np.newaxis], 0, case.bonds[lost])
    new = found.bonds if thin is None else found.bonds.toarray()
    assert np.rint(new * U16).astype(int).tolist() == bonds.tolist()


@pytest.mark.parametrize("block", range(4))
def test_fixed_is_its_twin_to_the_last_bit(block: int) -> None:
    for seed in range(750 * block, 750 * (block + 1)):
        agree(Case(seed))


@given(st.integers(0, 10**9))
def test_fixed_is_its_twin_on_any_subnet(seed: int) -> None:
    agree(Case(seed))


def exponential(xs: list[int]) -> list[int]:
    """Compute e^x as the kernel does."""
    powers = np.array(xs)
    fixed_point.exponential(powers, np.empty_like(powers), np.empty_like(powers))
    return [int(power) for power in powers]


@given(st.integers(-25 * ONE, 25 * ONE))
def test_the_exponential_is_its_twin(x: int) -> None:
    held = max(-20 * ONE, min(20 * ONE, x))
    assert exponential([held]) == [fixed_twin.exponential(x)]


def test_the_exponential_is_its_twin_at_its_edges() -> None:
    edges = [0, 1, ONE - 1, ONE, ONE + 1, 20 * ONE - 1, 20 * ONE]
    xs = edges + [-x for x in edges]
    assert exponential(xs) == [fixed_twin.exponential(x) for x in xs]


def test_the_exponential_is_near_e() -> None:
    xs = np.array([-5.0, -1.0, 0.0, 0.5, 1.0, 5.0])
    found = np.array(exponential((xs * ONE).astype(int).tolist())) / ONE
    np.testing.assert_allclose(found, np.exp(xs), rtol=2e-7, atol=1e-8)


@given(st.integers(0, 10**9))
def test_both_arithmetics_pay_alike_where_no_tie_decides(seed: int) -> None:
    rng = np.random.default_rng(seed)
    weights, stake = rng.integers(1, U16 + 1, (9, 30)), rng.pareto(1.5, 9) + 0.1
    for rule in subnets.BOND_RULES:
        params = subnets.YumaParams(bonds_rule=rule, bonds_u16=True)
        a, b = (
            subnets.yuma_epoch(weights, stake, params=params, arithmetic=arithmetic)
            for arithmetic in ("float64", "fixed")
        )
        np.testing.assert_allclose(a.emission, b.emission, rtol=0, atol=1e-6)
        np.testing.assert_allclose(a.consensus, b.consensus, rtol=0, atol=1e-9)


def test_half_of_the_stake_is_a_majority_as_the_chain_holds_kappa() -> None:
    weights = [[U16, 0], [0, U16]]
    told: dict[str, Any] = {"validator_uids": -1, "arithmetic": "fixed"}
    assert subnets.yuma_epoch(weights, [1, 1], **told).consensus.tolist() == [1.0, 1.0]
    params = subnets.YumaParams.from_chain(kappa=32_768)
    found = subnets.yuma_epoch(weights, [1, 1], params=params, **told)
    assert found.consensus.tolist() == [0.0, 0.0]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [[0.5, 0.5]]}, "whole numbers from 0 to 65,535"),
        ({"weights": [[70_000, 1]]}, r"weights\[0, 0\] is 70000; allowed: finite, \[0, 65535\]"),
        ({"weights": np.ones((1, 40_000))}, "40000 columns; allowed: up to 32768"),
        ({"bonds": [[0.3, 0.0]]}, "bonds must be whole 65,535ths"),
        ({"stake": [1e30]}, r"allowed: below 2\*\*63"),
        ({"params": subnets.YumaParams(kappa=0.5)}, "kappa is 0.5, which the chain cannot store"),
        ({"params": subnets.YumaParams(bonds_moving_average=1 / 3)}, "1,000,000ths"),
    ],
)
def test_what_the_chain_cannot_hold_is_refused(change: dict[str, Any], message: str) -> None:
    told: dict[str, Any] = {"weights": [[1, 2]], "stake": [1.0], "arithmetic": "fixed"} | change
    with pytest.raises(ValueError, match=message):
        subnets.yuma_epoch(told.pop("weights"), told.pop("stake"), **told)


# ---------------------------------------------------------------------------------- sparse weights


def sprinkle(case: Case) -> Case:
    """Let rows hold some weights of 0, as the chain's can."""
    case.held |= case.rng.random(case.held.shape) < 0.3
    return case


@pytest.mark.parametrize("thin", ["csr", "csc"])
def test_sparse_is_its_twin_to_the_last_bit(thin: str) -> None:
    for seed in range(750):
        agree(sprinkle(Case(seed)), thin)


@given(st.integers(0, 10**9))
def test_sparse_is_its_twin_on_any_subnet(seed: int) -> None:
    agree(sprinkle(Case(seed)), "csc")


@given(st.integers(0, 10**9))
def test_sparse_and_dense_have_the_same_bits(seed: int) -> None:
    case = Case(seed)
    thin, dense = case.ours(thin="csr"), case.ours()
    assert thin.bonds.has_canonical_format
    assert (thin.bonds.data > 0).all()
    for name, values in vars(dense).items():
        found = getattr(thin, name)
        found = found.toarray() if name == "bonds" else found
        np.testing.assert_array_equal(found, values, err_msg=name)


def test_a_weight_of_zero_that_is_held_keeps_its_bond_under_liquid_alpha() -> None:
    case = Case(0)
    case.weights, case.bonds = np.array([[1, 0, 0], [1, 0, 0]]), np.full((2, 3), 30_000)
    case.held = np.array([[True, True, False], [True, False, False]])
    case.stake, case.permits, case.owner = np.ones(2), np.ones(2, bool), None
    case.told, case.masked = {"validator_uids": -1}, False
    k = case.constants
    k.yuma3 = k.liquid = k.drop = True
    k.bonds_penalty, k.threshold, k.alpha_low, k.alpha_high = U16, 0, 10_000, 20_000
    bonds = case.ours(thin="csr").bonds.toarray()
    assert bonds[0, 1] > 0
    assert bonds[0, 2] == bonds[1, 1] == bonds[1, 2] == 0
    assert case.ours().bonds[0, 1] == 0, "a dense matrix cannot hold a weight of 0"


def test_memory_goes_with_what_is_held() -> None:
    """As dense arrays the weights and the bonds would take 32 GB each."""
    n, m = 20_000, 200_000
    rng = np.random.default_rng(5)
    columns = rng.integers(0, m, (n, 3))
    columns[:, 0] = 7
    rows = np.repeat(np.arange(n), 3)
    weights = sparse.coo_array((np.ones(3 * n), (rows, columns.reshape(-1))), shape=(n, m)).tocsr()
    params = subnets.YumaParams(max_validators=n)
    found = subnets.yuma_epoch(weights, np.ones(n), params=params, arithmetic="fixed")
    assert found.consensus[7] > 0.3
    assert found.incentive[7] == 1.0
    assert found.bonds.nnz == n


def test_sparse_input_that_the_chain_cannot_hold_is_refused() -> None:
    told: dict[str, Any] = {"arithmetic": "fixed"}
    with pytest.raises(ValueError, match="whole numbers from 0 to 65,535"):
        subnets.yuma_epoch(sparse.csr_array([[0.5, 2]]), [1], **told)
    with pytest.raises(ValueError, match="70000; allowed"):
        subnets.yuma_epoch(sparse.csr_array([[70_000, 2]]), [1], **told)
    with pytest.raises(ValueError, match="32769 entries in a row; allowed: up to 32768"):
        subnets.yuma_epoch(sparse.csr_array(np.ones((1, 32_769))), [1], **told)
    with pytest.raises(ValueError, match="bonds must be whole 65,535ths"):
        subnets.yuma_epoch(sparse.csr_array([[1, 2]]), [1], bonds=[[0.3, 0.0]], **told)


def test_a_share_of_u16_is_the_division() -> None:
    for whole in range(65_536):
        assert fixed_point.share_of_u16(whole) == whole / 65_535
