"""A move of the alias `champion`, as the ledger keeps it."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Promotion:
    """A move of the alias ``champion``, or the refusal of one."""

    model_version: int
    model_id: str
    action: str
    """``promoted`` or ``refused``."""
    reason: str
    threshold: float
    """Probability from which a target is a candidate."""
    simulated: bool
    """Whether simulated stars had a part in its training."""
    at_utc: datetime
    """When we saw it: production follows from here on."""
    previous_version: int = 0
    """In production before, by our own ledger; 0 if there was none (or in rows of old)."""
    previous_model_id: str = ""
    actor: str = ""
    """Who moved the alias; see `steps.promotion_actor` for what can be known."""
    seen_by: str = ""
    """``webhook``, ``poll`` or ``command``."""
    delivery: str = ""
    """Id of the webhook's delivery, if there was one."""
    moved_utc: datetime | None = None
    """When the alias moved, as MLflow's login or its webhook says."""
    override: str = ""
    """Why a person put it into production against the gate; empty if the gate had no objection."""
