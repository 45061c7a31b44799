"""What a task about a sector begins with."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from calnet_ops.platform import Platform


def sector(partition_key: str) -> "tuple[int, Platform]":
    """Number of the sector that a run is about, and the platform."""
    from calnet_ops.keys import parse_sector
    from calnet_ops.platform import open_platform

    return parse_sector(partition_key), open_platform()
