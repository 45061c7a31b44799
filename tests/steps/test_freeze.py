import gzip
from dataclasses import replace

import pytest

from calnet_ops.errors import MissingInput, WrongConfiguration
from calnet_ops.science.labels.records import Details, LabelRecord
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
    assert (first["n_new"], first["n_set_aside"]) == (5, 1)
    assert again["n_new"] == 0
    assert len(platform.ledger.decisions()) == 5


def test_details_that_a_catalog_did_not_give_before_are_added_once(platform):
    load_labels(RECORDS, platform)
    details = Details(2.5, 1500.25, 0.3, 84.1, -80.5, 5_412_250_540_681_250_560, 77)
    fuller = [replace(RECORDS[0], details=details)]
    assert load_labels(fuller, platform)["n_new"] == 1
    assert load_labels(fuller, platform)["n_new"] == 0
    assert platform.ledger.decisions()[-1].details == details
    row = platform.store.load_table(freeze_labels(platform)["key"]).to_pylist()[0]
    assert (row["period_d"], row["epoch_btjd"], row["gaia"]) == (2.5, 1500.25, details.gaia)


def test_hosts_of_planets_called_binaries_are_named_in_the_label_set(platform):
    load_labels(RECORDS, platform)
    record = freeze_labels(platform)
    rows = platform.store.load_table(record["key"]).to_pylist()
    assert {row["tic"]: row["set_aside"] for row in rows if row["set_aside"]} == {12: "list one"}
    assert record["n_set_aside"] == 1


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


def test_what_is_no_catalog_in_a_folder_is_left_out_and_named(tmp_path, platform):
    folder = tmp_path / "labels"
    folder.mkdir()
    (folder / "one.csv").write_text("tic,verdict\n11,EB\n")
    (folder / "README.md").write_text("Labels\n------\n\nOf several people, and more.\n")
    (folder / "sky.png").write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(range(256)) * 1000)
    (folder / "fruit.csv").write_text("colour,weight\nred,3\n")
    loaded = load_labels(read_labels(folder), platform)
    assert loaded["n_new"] == 1
    assert loaded["files_ignored"] == ["README.md", "fruit.csv", "sky.png"]


def test_a_folder_without_a_catalog_is_an_error(tmp_path):
    (tmp_path / "README.md").write_text("Nothing yet.\n")
    with pytest.raises(WrongConfiguration, match=r"none in README\.md"):
        read_labels(tmp_path)


@pytest.mark.parametrize("body", [b"Labels of 3 people\n", b"\x89PNG\r\n\x1a\n\xff\xfe", b""])
def test_a_single_file_must_be_a_catalog(tmp_path, body):
    file = tmp_path / "labels"
    file.write_bytes(body)
    with pytest.raises(WrongConfiguration, match="labels"):
        read_labels(file)


def test_a_compressed_catalog_says_the_same_under_the_same_name(tmp_path):
    body = b"\xef\xbb\xbftic,verdict\n11,EB\n"
    (tmp_path / "one.csv").write_bytes(body)
    (tmp_path / "one.csv.gz").write_bytes(gzip.compress(body))
    plain, compressed = (read_labels(tmp_path / name) for name in ("one.csv", "one.csv.gz"))
    assert plain.records == compressed.records == (LabelRecord(11, "EB", "", "one.csv", "catalog"),)


def test_a_damaged_catalog_is_named(tmp_path):
    (tmp_path / "old.csv").write_bytes("tic,verdict,note\n11,EB,Åse\n".encode("latin-1"))
    with pytest.raises(WrongConfiguration, match=r"old\.csv, line 2.*UTF-8"):
        read_labels(tmp_path)
    (tmp_path / "old.csv").write_bytes(gzip.compress(b"tic,verdict\n11,EB\n")[:-9])
    with pytest.raises(WrongConfiguration, match=r"old\.csv.*readable"):
        read_labels(tmp_path / "old.csv")
