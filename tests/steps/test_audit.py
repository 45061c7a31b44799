"""A stored file that is gone or changed is found, told once, and named."""

import json

import pytest

from calnet_ops import keys
from calnet_ops.steps import audit
from tests.support.spoc_files import spoc_bytes, spoc_name
from tests.support.stored_sectors import store_sector

FIRST = 900_000_000_001


@pytest.fixture(scope="module")
def files() -> dict[str, bytes]:
    return {spoc_name(tic): spoc_bytes(tic=tic) for tic in range(FIRST, FIRST + 6)}


def test_sound_store_is_found_sound_again_and_again(platform, files):
    store_sector(platform, files)
    first, second = audit.audit_store(platform), audit.audit_store(platform)
    assert (first["n_stored"], first["n_read"], first["faults"]) == (6, 6, [])
    assert (first["round"], second["round"]) == (0, 1)
    assert platform.ledger.latest("audit", 0).key == second["report"]
    assert platform.ledger.notices() == []


def test_changed_and_missing_files_are_named_and_a_person_told(platform, files):
    store_sector(platform, files)
    gone, changed = (keys.raw(87, 1, name) for name in list(files)[:2])
    del platform.store.objects[gone]
    platform.store.objects[changed] = b"other bytes"
    record = audit.audit_store(platform)
    assert (record["n_listed_missing"], record["n_changed"]) == (1, 1)
    found = {fault["key"]: fault["fault"] for fault in record["faults"]}
    assert found == {gone: "missing", changed: "changed"}
    assert json.loads(platform.store.load(record["report"]))["n_changed"] == 1
    (notice,) = platform.ledger.notices()
    assert "2 stored files" in notice["subject"]


def test_a_hundred_rounds_read_every_file_of_a_large_sector():
    stored = [{"key": f"tess/{i}", "sha256": f"{i * 7919 % 5003:064x}"} for i in range(5003)]
    draws = [{row["key"] for row in audit._draw(stored, number)} for number in range(100)]
    assert {len(draw) for draw in draws} == {51}
    assert not draws[0] & draws[1]
    assert set().union(*draws) == {row["key"] for row in stored}
    assert audit._draw(stored, 3) == audit._draw(stored[::-1], 3)


def test_empty_platform_has_nothing_to_audit(platform):
    assert audit.audit_store(platform)["n_sector"] == 0
