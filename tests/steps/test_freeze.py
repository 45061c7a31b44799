import pytest

from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.science.labels.records import LabelRecord
from calnet_ops.steps.freeze import freeze_labels, load_labels, read_labels

RECORDS = [
    LabelRecord(11, "EB", "EA", "list one", "catalog"),
    LabelRecord(12, "EB", "", "list one", "catalog"),
    LabelRecord(13, "NOT_EB", "", "list two", "catalog"),
    LabelRecord(12, "NOT_EB", "", "planets", "planet_host"),
    LabelRecord(900_000_000_001, "EB", "EW", "truth", "simulated"),
]


def test_loading_twice_changes_nothing(platform):
    first = load_labels(RECORDS, platform)
    again = load_labels(RECORDS, platform)
    assert (first["n_new"], first["n_set_aside"]) == (4, 1)
    assert again["n_new"] == 0
    assert len(platform.ledger.decisions()) == 4


def test_a_label_set_has_one_verdict_a_star(platform):
    load_labels(RECORDS, platform)
    record = freeze_labels(platform)
    rows = platform.store.load_table(record["key"]).to_pylist()
    assert [(row["tic"], row["verdict"], row["eb_type"], row["source"]) for row in rows] == [
        (11, "EB", "EA", "catalog"),
        (12, "NOT_EB", "", "planet_host"),
        (13, "NOT_EB", "", "catalog"),
        (900_000_000_001, "EB", "EW", "simulated"),
    ]
    assert (record["n_eb"], record["n_not_eb"], record["simulated"]) == (2, 2, True)
    assert platform.ledger.latest("labels", 0).key == record["key"]


def test_the_same_labels_make_the_same_set_and_a_person_makes_another(platform):
    load_labels(RECORDS, platform)
    first = freeze_labels(platform)
    assert freeze_labels(platform) == first
    columns = {"sector": 5, "eb_type": "", "simulated": False, "note": ""}
    said = {"tic": 13, "verdict": "EB", "vetter": "a vetter", "source": "person"}
    platform.ledger.add_decisions([columns | said])
    second = freeze_labels(platform)
    assert second["set_id"] != first["set_id"]
    assert second["n_eb"] == first["n_eb"] + 1


def test_nothing_said_is_no_label_set(platform):
    with pytest.raises(MissingInput, match="no star with a verdict"):
        freeze_labels(platform)


def test_a_folder_is_all_of_its_catalogs(tmp_path):
    (tmp_path / "one.csv").write_text("tic,is_eb,eb_type\n11,True,EA\n")
    (tmp_path / "two.csv").write_text("tic,verdict\n12,NOT_EB\n")
    assert {(r.tic, r.verdict, r.catalog) for r in read_labels(tmp_path)} == {
        (11, "EB", "one.csv"),
        (12, "NOT_EB", "two.csv"),
    }


def test_an_absent_catalog_is_named(tmp_path):
    with pytest.raises(WrongConfiguration, match="absent"):
        read_labels(tmp_path / "absent.csv")
