"""Platforms for tests: a store in memory, a ledger in a temporary SQLite file."""

import json
from pathlib import Path

from calnet_ops.platform import Platform, open_platform
from tests.support.memory_store import MemoryStore


def make_platform(folder: Path, archive: str = "http://127.0.0.1:1") -> Platform:
    """A platform without servers; `archive` is the base URL of a mirror if a test runs one."""
    file = folder / "paths.json"
    file.write_text(
        json.dumps(
            {
                "archive": {"pages": archive, "products": archive, "target_lists": archive},
                "store": {"endpoint": None, "bucket": "memory"},
                "database": "sqlite:///ledger.db",
                "mlflow": "http://127.0.0.1:1",
                "airflow": "http://127.0.0.1:1",
                "web": "http://127.0.0.1:1",
                "work": "work",
            }
        )
    )
    platform = open_platform(file)
    platform.__dict__["store"] = MemoryStore()
    platform.ledger.migrate()
    return platform
