"""Verdicts of the checks, for tests of what comes after them."""

from calnet_ops.platform import Platform
from calnet_ops.steps.publish import CHECKED, StagedRecord


def pass_checks(staged: StagedRecord, platform: Platform) -> None:
    """Note that a staged catalog was judged and found good."""
    facts = {"staging": staged["staging"], "halted": []}
    platform.ledger.record(CHECKED, 0, staged["staging"], facts=facts)
