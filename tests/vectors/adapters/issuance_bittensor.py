"""Vectors of TAO's emission per block."""

from typing import Any

from depin_lib import economics

from ..harness import adapter


@adapter("block_emission")
def block_emission(inputs: dict[str, Any]) -> Any:
    return economics.tao_block_emission_rao([int(x) for x in inputs["issuance_rao"]])


@adapter("tao_block_emission")
def tao_block_emission(inputs: dict[str, Any]) -> Any:
    return economics.tao_block_emission(inputs["issuance"])
