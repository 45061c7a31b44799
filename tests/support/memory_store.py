"""A store in memory with the promises of the real one; those of both: `tests/adapters/store`."""

from collections.abc import Iterator, Mapping
from datetime import UTC, datetime

import pyarrow as pa
from typing_extensions import override

from calnet_ops.adapters.store import Store, from_parquet
from calnet_ops.adapters.store.facts import from_metadata, to_metadata
from calnet_ops.errors import KeyTaken, MissingInput, ServiceUnavailable
from calnet_ops.lineage import sha256_hex


class MemoryStore(Store):
    """Store whose objects are in a dictionary."""

    def __init__(self) -> None:
        self.bucket = "memory"
        self.objects: dict[str, bytes] = {}
        self.metadata: dict[str, dict[str, str]] = {}
        self.written: dict[str, datetime] = {}

    @override
    def make_bucket(self) -> None:
        """Nothing to make."""

    @override
    def save_new(
        self,
        key: str,
        body: bytes,
        content_type: str = "application/octet-stream",
        *,
        facts: Mapping[str, str] | None = None,
        digest: str | None = None,
    ) -> bool:
        """Write unless there."""
        true = sha256_hex(body)
        if digest not in {None, true}:
            raise ServiceUnavailable(key, found=f"sha256 {true}", expected=f"sha256 {digest}")
        metadata = to_metadata({**(facts or {}), "sha256": true})
        held = self.objects.setdefault(key, body)
        if held is body:
            self.metadata[key] = metadata
            self.written[key] = datetime.now(UTC).replace(tzinfo=None)
            return True
        if held != body:
            raise KeyTaken(key, found=sha256_hex(held), expected=true)
        return False

    @override
    def load_facts(self, key: str) -> dict[str, str]:
        """Facts alone; of objects that a test put there by hand, the hash."""
        return self.load_with_facts(key)[1]

    @override
    def load_with_facts(self, key: str) -> tuple[bytes, dict[str, str]]:
        """Bytes and facts."""
        body = self.load(key)
        return body, from_metadata(self.metadata.get(key, {"sha256": sha256_hex(body)}))

    @override
    def load(self, key: str) -> bytes:
        """Read."""
        if key not in self.objects:
            raise MissingInput(key, found="no such key", expected="an object")
        return self.objects[key]

    @override
    def exists(self, key: str) -> bool:
        """Whether it is there."""
        return key in self.objects

    @override
    def iter_keys(self, prefix: str) -> Iterator[str]:
        """Sorted keys."""
        return iter(sorted(key for key in self.objects if key.startswith(prefix)))

    @override
    def iter_written(self, prefix: str) -> Iterator[tuple[str, datetime]]:
        """Sorted keys and their times."""
        return ((key, self.written[key]) for key in self.iter_keys(prefix))

    @override
    def remove(self, key: str) -> None:
        """Remove, if it is there."""
        self.objects.pop(key, None)
        self.metadata.pop(key, None)

    @override
    def load_table(self, key: str, columns: list[str] | None = None) -> pa.Table:
        """Read Parquet."""
        return from_parquet(key, self.load(key), columns)

    @override
    def load_pointer(self, key: str) -> tuple[bytes | None, str]:
        """Bytes and their hash as tag."""
        body = self.objects.get(key)
        return (None, "") if body is None else (body, sha256_hex(body))

    @override
    def move_pointer(self, key: str, body: bytes, seen_tag: str) -> bool:
        """Compare and set."""
        held, tag = self.load_pointer(key)
        if tag != seen_tag:
            return held == body
        self.objects[key] = body
        return True
