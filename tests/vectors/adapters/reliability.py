"""Vectors of interruptions, checkpoints, fleets of machines and their schedules."""

from dataclasses import asdict
from typing import Any

from depin_lib import compute

from ..harness import Vector, adapter, by_hand, compare

#: What the vector per GPU takes from the job's: days and interruptions of Llama 3's training.
LLAMA3_DAYS, LLAMA3_INTERRUPTIONS = 54, 419


@adapter("young_interval")
def young(inputs: dict[str, Any]) -> Any:
    return compute.young_interval(inputs["C"], inputs["M"])


@adapter("daly_interval")
def daly(inputs: dict[str, Any]) -> Any:
    return compute.daly_interval(inputs["C"], inputs["M"])


@adapter("daly_runtime")
def run_time(inputs: dict[str, Any]) -> Any:
    return compute.expected_run_hours(
        inputs["Ts"],
        inputs["C"],
        inputs["R"],
        inputs["M"],
        interval_hours=inputs.get("tau"),
    )


@adapter("runtime_without_checkpoints")
def no_checkpoints(inputs: dict[str, Any]) -> Any:
    return compute.expected_run_hours_without_checkpoints(
        inputs["T"], 1 / inputs["lam"], restart_hours=inputs.get("R", 0.0)
    )


@adapter("llama3_mtbf_h")
def job_mtbf(inputs: dict[str, Any]) -> Any:
    return compute.observed_mtbf(24 * inputs["days"], inputs["failures"])


@by_hand("llama3_per_gpu_mtbf_years")
def gpu_mtbf(vector: Vector) -> None:
    known = {"days": LLAMA3_DAYS, "failures": LLAMA3_INTERRUPTIONS} | vector["inputs"]
    years = compute.machine_mtbf_years(job_mtbf(known), known["gpus"])
    compare(years, vector["expected"], vector["tol"])


@adapter("cluster_mttf")
def cluster(inputs: dict[str, Any]) -> Any:
    return compute.failure_rate_mtbf(
        inputs["gpus"],
        inputs["r_f_per_1000_node_days"],
        gpus_per_node=inputs.get("gpus_per_node", 8),
    )


@adapter("checkpoint_overhead")
def overhead(inputs: dict[str, Any]) -> Any:
    c, r, m = inputs["C"], inputs["R"], inputs["M"]
    tau = inputs.get("tau", compute.optimal_interval(c, m))
    phi = compute.checkpoint_overhead(c, r, m, interval_hours=tau)
    return {"tau": tau, "phi": phi, "efficiency": 1 / phi}


@adapter("spot_zone")
def spot(inputs: dict[str, Any]) -> Any:
    zone = compute.spot_zone(
        inputs["mean_up_h"],
        inputs["mean_down_h"],
        inputs["C"],
        inputs["R"],
        interval_hours=inputs.get("tau"),
    )
    return asdict(zone) | {"tau": zone.interval_hours, "phi": zone.overhead}


@adapter("breakeven_discount")
def discount(inputs: dict[str, Any]) -> Any:
    return compute.breakeven_discount(inputs["phi"], verification=inputs.get("verify", 0.0))


@adapter("availability_replicas")
def replicas(inputs: dict[str, Any]) -> Any:
    if "k" in inputs:
        return compute.availability_of_k(inputs["a"], inputs["n"], inputs["k"])
    return compute.availability_of_any(inputs["a"], inputs["n"])


@adapter("harmonic_straggler")
def straggler(inputs: dict[str, Any]) -> Any:
    return compute.slowest_of(inputs["n"], mean=1 / inputs.get("mu", 1.0))


@by_hand("makespan")
def makespan(vector: Vector) -> None:
    """The ratio is that of whichever rule the vector names: the list as it is, or longest first."""
    jobs = (vector["inputs"]["tasks"], vector["inputs"]["speeds"])
    wanted = vector["expected"]
    rule = "lpt" if "lpt" in wanted else "lst"
    found = {"lower_bound": compute.makespan_bound(*jobs)}
    for name in ("lst", "lpt"):
        found[name] = compute.list_schedule(*jobs, longest_first=name == "lpt").makespan
    if {"optimum", "ratio"} & set(wanted):
        found["optimum"] = compute.optimal_makespan(*jobs)
        found["ratio"] = found[rule] / found["optimum"]
    compare(found, wanted, vector["tol"])
