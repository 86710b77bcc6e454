"""Several mechanisms: the split loses no rao, and the whole is its twin in exact integers."""

from dataclasses import dataclass
from fractions import Fraction
from math import floor
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import subnets

from . import fixed_twin

U16 = subnets.U16_MAX


@given(st.integers(0, 2**64 - 1), st.integers(1, 16), st.lists(st.integers(0, 4_000), max_size=16))
def test_nothing_is_lost_and_shares_are_kept(rao: int, count: int, split: list[int]) -> None:
    parts = subnets.split_emission(rao, count, split)
    assert sum(parts) == rao
    assert len(parts) == count
    wanted = [rao * share // U16 for share in [*split, *[0] * count][:count]]
    assert parts[1:] == wanted[1:]
    assert parts[0] >= wanted[0]
    even = subnets.split_emission(rao, count)
    assert sum(even) == rao
    assert even[0] - min(even) < count


@pytest.mark.parametrize(
    ("given_", "message"),
    [
        ({"rao": -1}, "rao is -1; allowed"),
        ({"rao": 2**64}, "rao is 18446744073709551616; allowed"),
        ({"mechanisms": 17}, "mechanisms is 17; allowed"),
        ({"split": [60_000, 6_000]}, "split sums to 66000; allowed: at most 65535"),
        ({"split": [-1]}, "split is -1; allowed"),
    ],
)
def test_bad_input_is_named(given_: dict[str, Any], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        subnets.split_emission(**{"rao": 10, "mechanisms": 2} | given_)


# ------------------------------------------------------------------------------ several mechanisms


STORED = ("consensus", "dividends", "validator_trust", "stake")
#: Field of the result: name in the twin.
NAMES = {
    "server_rao": "server",
    "validator_rao": "validator",
    "emission_rao": "combined",
    "stake_weight": "stake",
    "incentive": "incentive",
    "consensus": "consensus",
    "dividends": "dividends",
    "validator_trust": "validator_trust",
    "active": "active",
    "permits": "permits",
}


@dataclass
class Drawn:
    """A subnet with several mechanisms, as the chain stores it."""

    weights: list[np.ndarray]
    bonds: list[np.ndarray]
    updated: list[np.ndarray]
    stake: np.ndarray
    registered: np.ndarray
    rao: int
    split: list[int] | None
    yuma3: bool


def draw(seed: int) -> Drawn:
    rng = np.random.default_rng(seed)
    n, count = int(rng.integers(1, 7)), int(rng.integers(1, 5))
    cut = np.sort(rng.integers(0, U16 + 1, count - 1))
    shares = np.diff([0, *cut, U16]).tolist()
    return Drawn(
        weights=list(rng.integers(0, 4, (count, n, n))),
        bonds=list(rng.integers(0, U16 + 1, (count, n, n))),
        updated=list(rng.integers(0, 12, (count, n))),
        stake=rng.integers(0, 5, n),
        registered=rng.integers(0, 9, n),
        rao=int(rng.choice([0, 1, 7, 1000, 10**11 + 3, 2**62 + 5])),
        split=shares if rng.random() < 0.7 else None,
        yuma3=bool(rng.random() < 0.5),
    )


def twin_mechanism(drawn: Drawn, k: int, rao: int) -> dict[str, list]:
    """One mechanism's epoch and payout in Python's whole numbers."""
    n, block, cutoff, tempo = drawn.stake.size, 11, 5, 4
    updated = drawn.updated[k]
    constants = fixed_twin.Constants(
        kappa=32_767,
        bonds_penalty=U16,
        bonds_moving_average=900_000,
        alpha_low=45_875,
        alpha_high=58_982,
        steepness=1_000,
        yuma3=drawn.yuma3,
        liquid=False,
        drop=False,
        max_validators=64,
        threshold=0,
        cutoff=cutoff,
        tempo=tempo,
    )
    active = (updated + cutoff >= block).tolist()
    found = fixed_twin.epoch(
        drawn.weights[k].tolist(),
        [Fraction(int(s)) for s in drawn.stake],
        drawn.bonds[k].tolist(),
        constants,
        own_column=list(range(n)),
        permits=[True] * n,
        owner=None,
        active=active,
        counts=(updated[:, np.newaxis] > drawn.registered).tolist(),
        kept=(drawn.registered < block - tempo).tolist(),
    )
    both = [i + d for i, d in zip(found["incentive"], found["dividends"], strict=True)]
    server = [fixed_twin.quotient(i, sum(both)) for i in found["incentive"]]
    validator = [fixed_twin.quotient(d, sum(both)) for d in found["dividends"]]
    combined = [fixed_twin.quotient(x, sum(both)) for x in both]
    if not any(both):
        stake = found["active_stake"] if any(found["active_stake"]) else found["stake"]
        validator = combined = stake
    paid = {"server": server, "validator": validator, "combined": combined}
    found |= {name: [share * rao >> 32 for share in shares] for name, shares in paid.items()}
    return found | {"active": active, "permits": [s > 0 for s in found["stake"]]}


def twin_subnet(drawn: Drawn) -> dict[str, list]:
    """The accumulation of the chain, mechanism by mechanism and uid by uid."""
    parts = subnets.split_emission(drawn.rao, len(drawn.weights), drawn.split)
    n = drawn.stake.size
    sums: dict[str, list] = {name: [0] * n for name in NAMES.values()}
    incentives = []
    for k, part in enumerate(parts):
        found = twin_mechanism(drawn, k, part)
        share = Fraction(part, drawn.rao) if drawn.rao else Fraction(1 if k == 0 else 0)
        weight = Fraction(floor(share * 2**64), 2**64)
        incentives.append([fixed_twin.stored(x) for x in found["incentive"]])
        for uid in range(n):
            sums["server"][uid] += found["server"][uid]
            sums["validator"][uid] += found["validator"][uid]
            sums["active"][uid] |= found["active"][uid]
            sums["permits"][uid] |= found["permits"][uid]
            sums["combined"][uid] = floor(sums["combined"][uid] + found["combined"][uid] * weight)
            for name in STORED:
                value = fixed_twin.stored(found[name][uid])
                sums[name][uid] = min(U16, floor(sums[name][uid] + value * weight))
    return sums | {"incentive": incentives}


def run(drawn: Drawn) -> subnets.MechanismsResult:
    params = subnets.YumaParams(
        bonds_rule="yuma3" if drawn.yuma3 else "yuma2", activity_cutoff=5, tempo=4
    )
    return subnets.epoch_with_mechanisms(
        drawn.weights,
        drawn.stake,
        drawn.rao,
        split=drawn.split,
        bonds=[b / U16 for b in drawn.bonds],
        last_update=drawn.updated,
        registered=drawn.registered,
        block=11,
        params=params,
    )


@given(st.integers(0, 10**9))
def test_mechanisms_together_are_their_twin(seed: int) -> None:
    drawn = draw(seed)
    found, wanted = run(drawn), twin_subnet(drawn)
    for ours, twins in NAMES.items():
        assert getattr(found, ours).tolist() == wanted[twins], ours
    assert sum(found.split_rao) == drawn.rao
    assert int(found.server_rao.sum() + found.validator_rao.sum()) <= drawn.rao


def test_one_mechanism_is_an_epoch() -> None:
    drawn = draw(3)
    one = Drawn(**vars(drawn) | {"split": None, "rao": 10**9, "weights": drawn.weights[:1]})
    one.bonds, one.updated = drawn.bonds[:1], drawn.updated[:1]
    found = run(one)
    assert found.split_rao == (10**9,)
    paid = found.epochs[0].payout_rao(10**9)
    assert found.server_rao.tolist() == paid["server"].tolist()
    assert found.emission_rao.tolist() == paid["combined"].tolist()
    frame = found.to_frame()
    assert frame["incentive_0"].tolist() == found.incentive[0].tolist()
    assert list(frame.index) == list(range(drawn.stake.size))


def test_the_stored_emission_is_half_of_what_two_equal_mechanisms_pay() -> None:
    weights = np.array([[0, 1], [1, 0]])
    found = subnets.epoch_with_mechanisms([weights, weights], [1, 1], 8_000)
    assert (found.server_rao + found.validator_rao).tolist() == [4_000, 4_000]
    assert found.emission_rao.tolist() == [2_000, 2_000]
    assert found.stake_weight.tolist() == [32_766, 32_766]  # 2 × floor(32,767 / 2)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": []}, "the number of mechanisms is 0; allowed"),
        ({"weights": [np.zeros((2, 2))] * 17}, "the number of mechanisms is 17; allowed"),
        (
            {"weights": [np.zeros((129, 129))] * 2, "stake": np.ones(129)},
            "129 uids × 2 mechanisms are 258; allowed: at most 256",
        ),
        ({"weights": [np.zeros((2, 3))]}, r"weights\[0\] has shape \(2, 3\); expected \(2, 2\)"),
        ({"bonds": [None]}, "bonds has 1 entries; expected 2: one a mechanism"),
        ({"rao": 2**63}, r"rao is 9223372036854775808; allowed"),
        ({"rao": -1}, "rao is -1; allowed"),
        ({"stake": [1, -1]}, r"stake\[1\] is -1"),
    ],
)
def test_bad_mechanisms_are_named(change: dict[str, Any], message: str) -> None:
    told: dict[str, Any] = {"weights": [np.zeros((2, 2))] * 2, "stake": [1, 1], "rao": 9} | change
    with pytest.raises(ValueError, match=message):
        subnets.epoch_with_mechanisms(told.pop("weights"), **told)
