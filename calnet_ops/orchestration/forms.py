"""What a person may fill in when a DAG is started by hand."""

from typing import Any

from airflow.sdk import Param

RETRAIN = {
    "recipe": Param(
        None,
        type=["null", "string"],
        title="Recipe",
        description="Name of the settings, such as published; by default CALNET_RECIPE",
    ),
    "network": Param(
        None,
        type=["null", "string"],
        title="Network",
        description="Name of the network, such as calnet; by default that of the recipe",
    ),
    "features": Param(
        None,
        type=["null", "string"],
        title="Features",
        description="Version to learn from, such as v2; by default CALNET_FEATURES, else as before",
    ),
    "seed": Param(None, type=["null", "integer"], title="Seed", description="By default 1"),
    "min_new_labels": Param(
        None,
        type=["null", "integer"],
        minimum=1,
        title="Changed labels needed",
        description="By default CALNET_RETRAIN_LABELS, else 200; a run by hand needs one",
    ),
    "max_loss": Param(
        None,
        type=["null", "number"],
        minimum=0,
        maximum=0.5,
        title="Loss allowed",
        description="How far recall or precision may fall behind the champion's; by default "
        "CALNET_MAX_LOSS, else 0.02",
    ),
    "max_part_loss": Param(
        None,
        type=["null", "number"],
        minimum=0,
        maximum=0.5,
        title="Loss allowed of a type or magnitude",
        description="Where chance does not explain it; by default CALNET_MAX_PART_LOSS, else 0.05",
    ),
    "force": Param(
        False,
        type="boolean",
        title="Train in any case",
        description="Also if the labels did not change since the last training",
    ),
    "reason": Param(
        None, type=["null", "string"], title="Why", description="For those who look later"
    ),
}
"""Parameters of `retrain`, all of which may stay empty."""

HAND = "hand"
CAUSES = {"scheduled": "monthly", "asset_triggered": "event"}
"""What makes Airflow start a run, in the words of `steps.trigger`, which takes a second to import;
all else is by hand."""


def cause(run_type: Any) -> str:
    """What made Airflow start a run of `retrain`."""
    return CAUSES.get(str(getattr(run_type, "value", run_type)), HAND)
