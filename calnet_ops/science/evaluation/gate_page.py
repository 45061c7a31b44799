"""The gate's rules with their reasons, as the page of thresholds has them."""

from calnet_ops.science.evaluation.gate import (
    DEFAULT_MARGINS,
    MAX_UNSURE_LOSS,
    MIN_RELATIVE_SPEED,
    RULES,
)
from calnet_ops.science.evaluation.verdict import Tier

AGAINST = (
    (
        Tier.CRITICAL,
        "recall, precision against the champion",
        f"at least {-DEFAULT_MARGINS.loss:g}, or one star lost",
        "less than retraining with another seed moves them",
    ),
    (
        Tier.CRITICAL,
        "recall of a type; recall, precision of a magnitude",
        f"at least {-DEFAULT_MARGINS.part_loss:g}, or explained by chance",
        "good at one kind and blind to another is not good; from 10 stars on",
    ),
    (
        Tier.SUPPORTING,
        "the same of all stars, surely: lower 95% end",
        f"at most {MAX_UNSURE_LOSS:g}, or one over the root of the stars, below the first",
        "the test stars are enough to tell",
    ),
    (
        Tier.SUPPORTING,
        "speed against the champion",
        f"at least {MIN_RELATIVE_SPEED:g}",
        "sectors do not take longer",
    ),
    (
        Tier.CRITICAL,
        "calibration",
        f"at most {DEFAULT_MARGINS.excess_error:g}",
        "a threshold means the same on other stars",
    ),
    (Tier.CRITICAL, "features", "a version that is stored", "else it cannot score"),
    (Tier.CRITICAL, "order of outputs", "output 0", "0 is P(EB) in every graph of ours"),
)
"""What depends on margins or on the champion."""


INTRODUCTION = (
    "The gate's rules, from `calnet_ops/science/evaluation/gate.py`; what the tiers mean and how "
    "the numbers come about is told in [training.md](training.md#gate)."
)


def document() -> str:
    """The table, in Markdown."""
    rows = [
        (rule.tier, rule.name, f"{'at most' if rule.at_most else 'at least'} {rule.bound:g}",
         rule.reason)
        for rule in RULES
    ]  # fmt: skip
    ordered = sorted([*rows, *AGAINST], key=lambda row: list(Tier).index(row[0]))
    return "\n".join(
        [
            "## Of a model",
            "",
            INTRODUCTION,
            "",
            "| tier | rule | bound | why |",
            "|---|---|---|---|",
            *(f"| {tier} | {name} | {bound} | {why} |" for tier, name, bound, why in ordered),
        ]
    )
