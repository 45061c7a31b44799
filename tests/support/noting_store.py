"""A store that notes what is asked of it."""

from typing_extensions import override

from tests.support.memory_store import MemoryStore


class NotingStore(MemoryStore):
    """Store in memory with a list of all reads."""

    def __init__(self) -> None:
        super().__init__()
        self.read: list[str] = []

    @override
    def load(self, key: str) -> bytes:
        """Note and read."""
        self.read.append(key)
        return super().load(key)

    def reads_of(self, *starts: str) -> list[str]:
        """Keys read so far that start so; then forget all reads."""
        found = [key for key in self.read if key.startswith(starts)]
        self.read.clear()
        return found
