"""Part II: consensus, bonds, pools, emission, registration, attacks."""

from .cases import SyntheticCase, synthetic_case, synthetic_cases
from .copying import (
    STRATEGIES,
    World,
    copier_advantage,
    copying_table,
    free_riding,
    liquid_alpha_cabal,
    stake_merge,
)
from .epoch import ARITHMETICS, EpochResult, yuma_epoch
from .guarantees import Coalition, RetentionMap, retention_map, smallest_coalition
from .matrices import (
    bond_ema,
    column_clip,
    column_max_upscale,
    column_normalise,
    interpolate,
    liquid_alpha_rates,
    max_upscale_u16,
    reset_bonds,
    row_normalise,
    safe_divide,
    sigmoid,
    top_k,
    weighted_column_sums,
    weighted_median,
    weighted_row_sums,
)
from .mechanisms import (
    MOST_MECHANISMS,
    MOST_UIDS,
    MechanismsResult,
    epoch_with_mechanisms,
    split_emission,
)
from .metagraph import Metagraph, fetch_metagraph, load_metagraph
from .parameters import BOND_RULES, U16_MAX, YumaParams
from .simulation import FIELDS, Snapshot, simulate_epochs
from .submission import submit_weights
from .variants import VARIANTS, Variant, simulate_variant

__all__ = [
    "ARITHMETICS",
    "BOND_RULES",
    "FIELDS",
    "MOST_MECHANISMS",
    "MOST_UIDS",
    "STRATEGIES",
    "U16_MAX",
    "VARIANTS",
    "Coalition",
    "EpochResult",
    "MechanismsResult",
    "Metagraph",
    "RetentionMap",
    "Snapshot",
    "SyntheticCase",
    "Variant",
    "World",
    "YumaParams",
    "bond_ema",
    "column_clip",
    "column_max_upscale",
    "column_normalise",
    "copier_advantage",
    "copying_table",
    "epoch_with_mechanisms",
    "fetch_metagraph",
    "free_riding",
    "interpolate",
    "liquid_alpha_cabal",
    "liquid_alpha_rates",
    "load_metagraph",
    "max_upscale_u16",
    "reset_bonds",
    "retention_map",
    "row_normalise",
    "safe_divide",
    "sigmoid",
    "simulate_epochs",
    "simulate_variant",
    "smallest_coalition",
    "split_emission",
    "stake_merge",
    "submit_weights",
    "synthetic_case",
    "synthetic_cases",
    "top_k",
    "weighted_column_sums",
    "weighted_median",
    "weighted_row_sums",
    "yuma_epoch",
]
