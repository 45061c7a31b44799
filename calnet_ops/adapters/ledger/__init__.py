"""The small facts that change, in one SQL database."""

from calnet_ops.adapters.ledger.sql import (
    Decision,
    Delivery,
    Ledger,
    Promotion,
    StepRecord,
    open_ledger,
)

__all__ = ["Decision", "Delivery", "Ledger", "Promotion", "StepRecord", "open_ledger"]
