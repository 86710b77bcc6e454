"""Vectors of RENDER's issue and the budgets cut from it."""

from dataclasses import astuple
from typing import Any

from depin_lib import economics

from ..harness import adapter


@adapter("rnp001_supply_cap")
def supply_cap(inputs: dict[str, Any]) -> Any:
    rules = economics.RenderRules(
        initial_supply=inputs["initial"], extra_share=inputs["extra_share"]
    )
    return [rules.new_tokens, rules.cap]


@adapter("render_year1_monthly")
def year_one_monthly(inputs: dict[str, Any]) -> Any:
    return astuple(economics.render_year_one_split(inputs["annual"]))


@adapter("render_year1_share_of_new_tokens")
def share_of_new_tokens(inputs: dict[str, Any]) -> Any:
    return economics.render_share_of_new_tokens(inputs["annual"], new_tokens=inputs["extra"])


@adapter("render_epoch_pool_bme_start")
def node_pool(inputs: dict[str, Any]) -> Any:
    return economics.render_node_pool(inputs["monthly_node"])


@adapter("rnp022_year2_node_budget")
def unspent_budget(inputs: dict[str, Any]) -> Any:
    return economics.render_unspent_budget(inputs["in"], inputs["out"])


@adapter("rnp022_year3_weekly")
def weekly_node_rewards(inputs: dict[str, Any]) -> Any:
    return economics.render_weekly_node_rewards(inputs["jobs"], inputs["availability"])
