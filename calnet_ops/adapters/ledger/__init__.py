"""The small facts that change, in one SQL database."""

from calnet_ops.adapters.ledger.hook_calls import HookCall
from calnet_ops.adapters.ledger.leases import Lease
from calnet_ops.adapters.ledger.promotion import Promotion
from calnet_ops.adapters.ledger.sql import (
    Decision,
    Delivery,
    Ledger,
    StepRecord,
    open_ledger,
)

__all__ = [
    "Decision",
    "Delivery",
    "HookCall",
    "Lease",
    "Ledger",
    "Promotion",
    "StepRecord",
    "open_ledger",
]
