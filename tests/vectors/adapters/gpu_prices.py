"""Vectors of price comparisons, revenue per machine and the size of claimed fleets."""

from typing import Any

from depin_lib import compute

from ..harness import adapter


@adapter("aws_p5_per_gpu")
def per_gpu(inputs: dict[str, Any]) -> Any:
    return compute.price_per_gpu_hour(inputs["instance_usd_h"], inputs["gpus"])


@adapter("relative_price")
def discount_to_cloud(inputs: dict[str, Any]) -> Any:
    return compute.discount(inputs["market"], inputs["aws"])


@adapter("relative_price/aws_p")
def price_cut(inputs: dict[str, Any]) -> Any:
    return compute.discount(inputs["new"], inputs["old"])


@adapter("relative_price/h")
def premium_or_fall(inputs: dict[str, Any]) -> Any:
    """Two forms share this kind: dearer than spot, and a fall from one date to another."""
    if "spot" in inputs:
        return compute.relative_price(inputs["market"], inputs["spot"])
    return compute.discount(inputs["p1"], inputs["p0"])


@adapter("render_fee_grossup")
def fee_gross_up(inputs: dict[str, Any]) -> Any:
    return compute.fee_gross_up(inputs["net"], inputs["fee"])


@adapter("akash_usd_per_active_gpu_h")
def spend_per_gpu_hour(inputs: dict[str, Any]) -> Any:
    return compute.revenue_per_unit(inputs["daily_usd"], inputs["active_gpus"], hours=24)


@adapter("aethir_arr_per_container_h")
def revenue_per_container_hour(inputs: dict[str, Any]) -> Any:
    return compute.revenue_per_unit(
        inputs["arr"], inputs["containers"], hours=compute.HOURS_PER_YEAR
    )


@adapter("salad_rev_per_gpu_year")
def revenue_per_gpu_year(inputs: dict[str, Any]) -> Any:
    return compute.revenue_per_unit(inputs["rev"], inputs["gpus"], share=inputs["share"])


@adapter("dgx_claim_gpus")
def claimed_gpus(inputs: dict[str, Any]) -> Any:
    return int(compute.fleet(inputs["systems"], gpus_per_system=inputs["gpus_per_system"]).gpus)


@adapter("dgx_claim_value_usd_bn")
def claimed_value(inputs: dict[str, Any]) -> Any:
    return compute.fleet(inputs["systems"], usd_per_system=inputs["usd_each"]).value_usd / 1e9


@adapter("dgx_claim_power_gw")
def claimed_power(inputs: dict[str, Any]) -> Any:
    return compute.fleet(inputs["systems"], kw_per_system=inputs["kw_each"]).power_kw / 1e6


@adapter("bigthree_capex_2025_bn")
def capex_of_three(inputs: dict[str, Any]) -> Any:
    """A subtraction, for which the library needs no function."""
    return inputs["four_firms"] - inputs["meta"]
