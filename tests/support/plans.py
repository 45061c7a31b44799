"""A sector that is asked for by name, as the command does."""

from calnet_ops.platform import Platform
from calnet_ops.steps.ingest import IngestShard, plan_shards
from calnet_ops.steps.listing import list_now


def plan_now(
    sector: int, platform: Platform, max_bytes_per_s: float | None = None
) -> list[IngestShard]:
    """List a sector if it is not, and cut it into shards."""
    list_now(sector, platform)
    return plan_shards(sector, platform, max_bytes_per_s)
