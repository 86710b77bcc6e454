import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from depin_lib import compute

WORK = st.lists(st.integers(1, 9), min_size=1, max_size=6)
SPEEDS = st.lists(st.sampled_from([1.0, 1.5, 2.0]), min_size=1, max_size=3)


def best_by_trying_all(tasks: list[int], speeds: list[float]) -> float:
    """Every way to give every task to a machine."""
    best = np.inf
    for places in itertools.product(range(len(speeds)), repeat=len(tasks)):
        load = [0.0] * len(speeds)
        for task, machine in zip(tasks, places, strict=True):
            load[machine] += task / speeds[machine]
        best = min(best, max(load))
    return best


@given(tasks=WORK, speeds=SPEEDS)
def test_search_finds_the_shortest_schedule(tasks: list[int], speeds: list[float]) -> None:
    optimum = compute.optimal_makespan(tasks, speeds)
    assert optimum == pytest.approx(best_by_trying_all(tasks, speeds))
    assert compute.makespan_bound(tasks, speeds) <= optimum * (1 + 1e-12)


@given(tasks=st.lists(st.floats(0.1, 9), min_size=1, max_size=12), machines=st.integers(1, 5))
def test_lists_keep_grahams_promise(tasks: list[float], machines: int) -> None:
    optimum = compute.optimal_makespan(tasks, np.ones(machines))
    plain = compute.list_schedule(tasks, np.ones(machines))
    longest = compute.list_schedule(tasks, np.ones(machines), longest_first=True)
    assert optimum * (1 - 1e-12) <= plain.makespan <= (2 - 1 / machines) * optimum * (1 + 1e-12)
    assert longest.makespan <= (4 / 3 - 1 / (3 * machines)) * optimum * (1 + 1e-12)
    assert plain.done.sum() == pytest.approx(sum(tasks))
    for machine in range(machines):
        mine = np.array(tasks)[plain.machine == machine].sum()
        assert plain.done[machine] == pytest.approx(mine)


def test_worst_cases_of_graham() -> None:
    assert compute.list_schedule([1] * 6 + [3], [1] * 3).makespan == 5
    assert compute.list_schedule([2, 3, 2, 3, 2], [1, 1], longest_first=True).makespan == 7
    assert compute.optimal_makespan([3, 3, 2, 2, 2], [1, 1]) == 6


def test_slowest_machine() -> None:
    assert compute.slowest_of(1) == pytest.approx(1)
    assert compute.slowest_of(3, mean=6) == pytest.approx(6 + 3 + 2)
    assert compute.slowest_of(100) == pytest.approx(sum(1 / k for k in range(1, 101)))


def test_unequal_cards_in_step() -> None:
    fleet = [5438.38] * 2 + [3325.26] * 6
    equal = compute.synchronous_throughput(fleet)
    fair = compute.synchronous_throughput(fleet, proportional=True)
    assert (round(equal), round(fair)) == (26602, 30828)
    assert 1 - equal / fair == pytest.approx(0.137, abs=5e-4)
    assert compute.fleet_throughput(fleet) == fair


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: compute.optimal_makespan(np.ones(25), [1]), "25 entries; allowed: at most 24"),
        (lambda: compute.list_schedule([], [1]), "tasks is empty"),
        (lambda: compute.list_schedule([1], [0]), r"speeds\[0\] is 0 work per hour"),
        (lambda: compute.slowest_of(2.5), "machines is 2.5; allowed: whole numbers"),
        (lambda: compute.fleet_throughput([1], overhead=0.5), "overhead is 0.5"),
        (lambda: compute.fleet_throughput([1], availability=1.5), "availability is 1.5"),
    ],
)
def test_bad_input_is_named(call: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        call()
