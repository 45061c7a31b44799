import pyarrow as pa

from calnet_ops.steps.stored_files import stored_files, stored_keys


def test_only_files_in_the_store_are_told(platform):
    rows = [
        {"tic": 1, "status": "stored", "key": "tess/1", "simulated": True},
        {"tic": 2, "status": "quarantined", "key": "quarantine/2", "simulated": True},
        {"tic": None, "status": "quarantined", "key": "", "simulated": False},
    ]
    platform.store.save_table("manifest", pa.Table.from_pylist(rows))
    assert stored_keys("manifest", platform.store) == {1: "tess/1"}
    files = stored_files("manifest", platform.store, ["tic", "simulated"])
    assert files.to_pylist() == [{"tic": 1, "simulated": True}]
