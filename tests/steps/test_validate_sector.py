"""A damaged sector is told from a sound one, by the right expectation and with its severity."""

import json
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.errors import SectorNotTrusted
from calnet_ops.science.checks.expectations import EXPECTATIONS
from calnet_ops.science.checks.statistics import file_statistics
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps import validate
from tests.support.stored_sectors import store_statistics

N_STAR = 120
N_WHOLE = 1200

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("great_expectations"),
    pytest.mark.timeout(180),  # the import of Great Expectations alone takes 7 to 16 s
    pytest.mark.filterwarnings("ignore"),  # it warns of its own use of deprecated modules
]


@pytest.fixture(scope="module")
def sound(tmp_path_factory) -> list[dict[str, Any]]:
    """Statistics of a simulated sector, none of whose stars is odd."""
    folder = tmp_path_factory.mktemp("sky")
    simulate_sector(folder, 87, n_star=N_STAR, seed=5, compact=True, workers=1)
    return [statistics_of(file) for file in sorted((folder / "s087").glob("*.fits"))]


def statistics_of(file: Path) -> dict[str, Any]:
    body = file.read_bytes()
    spoc.verify(file.name, body)
    return file_statistics(spoc.read(body)) | {"file_name": file.name, "sha256": "0" * 64}


def whole_sector(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Each star ten times under other numbers, spread over all CCDs."""
    tiled = []
    for number in range(N_WHOLE):
        row = dict(rows[number % len(rows)])
        tic = 900_087_100_001 + number
        name = str(keys.SpocName("2024353092137", 87, tic, "0284"))
        place = {"camera": 1 + number % 4, "ccd": 1 + number // 4 % 4}
        tiled.append(row | place | {"tic": tic, "file_name": name})
    return tiled


def judge(platform, rows, changes=None, sector=87, **facts):
    """Store a sector, judge it; record and report."""
    store_statistics(platform, pa.Table.from_pylist(rows), sector, changes, **facts)
    record = validate.validate_sector(sector, platform)
    return record, json.loads(platform.store.load(record["report"]))


def marked(report) -> dict[str, list[str]]:
    return {item["name"]: [row["row"] for row in item["rows"]] for item in report["marked"]}


def test_sound_sector_of_a_thousand_files_has_nothing_to_tell(platform, sound):
    rows = whole_sector(sound)
    record, report = judge(platform, rows, n_target=N_WHOLE, n_expected=N_WHOLE)
    assert (record["n_rejected"], record["warned"], record["halted"]) == (0, [], [])
    assert report["not_judged"] == [item.name for item in EXPECTATIONS if item.min_before]


DAMAGES: dict[str, dict[str, Any]] = {
    "times are those of the sector": {"time_start": 3600.0, "time_stop": 3612.0},
    "header agrees with file name": {"tic": 123},
    "flux is in electrons per second": {"flux_unit": "Jy"},
    "time is in days": {"time_unit": "s"},
    "cadence numbers are contiguous": {"n_cadence_jump": 1},
    "times increase": {"n_time_fall": 2},
    "flux can be this star's": {"magnitude_residual": 6.0},
}


def test_rejected_files_are_named_with_the_first_thing_against_them(platform, sound):
    damaged = [dict(row) for row in sound]
    for number, damage in enumerate(DAMAGES.values()):
        damaged[number] |= damage
    record, report = judge(platform, damaged)
    found = {row["file_name"]: row["reason"] for row in report["rejected"]}
    assert found == {
        row["file_name"]: f"check failed: {name}"
        for row, name in zip(damaged, DAMAGES, strict=False)
    }
    assert record["n_rejected"] == len(DAMAGES)
    assert platform.ledger.delivery(87).state == "raw"


def test_dead_and_odd_ccds_are_marked_by_name(platform, sound):
    rows = [
        row
        for row in whole_sector(sound)
        if (row["camera"], row["ccd"]) != (2, 3) or row["tic"] % 97 == 0
    ]
    for row in rows:
        if (row["camera"], row["ccd"]) == (4, 1):
            row["flux_err_ppm"] *= 3
            row["scatter_ppm"] *= 3
    rows += [
        dict(row, tic=row["tic"] + 10**6, file_name=row["file_name"].replace("900087", "900088"))
        for row in rows[:100]
    ]
    record, report = judge(platform, rows)
    assert marked(report)["no CCD is left behind"] == ["camera 2 CCD 3"]
    assert marked(report)["noise is that of the other CCDs"] == ["camera 4 CCD 1"]
    assert "noise is that of the other CCDs" in record["warned"]


def test_marked_files_are_counted_and_the_first_are_named(platform, sound):
    damaged = [row | ({"share_good": 0.2} if n < 110 else {}) for n, row in enumerate(sound)]
    record, report = judge(platform, damaged)
    (mark,) = [item for item in report["marked"] if item["name"] == "most cadences are good"]
    assert (mark["n"], len(mark["rows"]), record["n_marked"]) == (110, 100, 110)
    assert record["warned"] == ["most cadences are good"]
    rows = platform.store.load_table(record["marks"]).to_pylist()  # all of them
    assert {row["tic"] for row in rows} == {row["tic"] for row in damaged[:110]}
    assert {(row["expectation"], row["found"]) for row in rows} == {(mark["name"], "0.2")}


@pytest.mark.parametrize(
    ("damage", "facts", "halt"),
    [
        (lambda row: row | {"camera": 1 + row["camera"] % 3}, {}, "all cameras are there"),
        (
            lambda row: row | {"time_start": 3600.0, "time_stop": 3612.0},
            {},
            "most files are of the sector in time",
        ),
        (lambda row: row, {"n_expected": 20_000}, "the sector is no part of its CDPP table"),
    ],
    ids=["camera", "window", "part"],
)
def test_halt_stops_the_sector_until_it_is_looked_at(platform, sound, damage, facts, halt):
    rows = [damage(row) for row in whole_sector(sound)]
    with pytest.raises(SectorNotTrusted, match=halt) as caught:
        judge(platform, rows, **facts)
    assert "/docs/s087/" in caught.value.cure
    assert platform.ledger.delivery(87).state == "halted"


def test_looks_copies_and_releases_are_told_from_the_manifest(platform, sound):
    changes = {
        0: {"status": "quarantined", "reason": "duplicate target"},
        1: {"trust": "recovered"},
        2: {"trust": "recovered"},
        3: {"compared": "differs", "procver": "spoc-9"},
        4: {"trust": "suspect", "status": "quarantined", "reason": "truncated", "data_rel": 9},
    }
    record, report = judge(platform, sound, changes)
    assert set(record["warned"]) == {
        "few files are quarantined",
        "no star is listed twice",
        "files come right the first time",
        "no file is in doubt",
        "both sources serve the same bytes",
        "one pipeline made all files",
    }
    assert [row["reason"] for row in report["quarantined"]] == ["duplicate target", "truncated"]


def test_sector_is_compared_with_those_judged_before_and_its_verdict_stands(platform, sound):
    for number in (80, 81, 82):
        moved = [row | {"sector": number} for row in sound]
        for row in moved:
            spoc_name = keys.SpocName.parse(row["file_name"])
            row["file_name"] = str(keys.SpocName(spoc_name.stamp, number, row["tic"], "0001"))
            row["time_start"] = row["time_stop"] = np.nan
        judge(platform, moved, sector=number)
    dimmer = [row | {"magnitude_residual": row["magnitude_residual"] + 0.4} for row in sound]
    record, report = judge(platform, dimmer)
    assert record["warned"] == ["zero point is that of other sectors"]
    assert len(report["before"]) == 3
    assert "zero point is that of other sectors" not in report["not_judged"]
    later = [row | {"sector": 88} for row in sound]
    for row in later:
        row["file_name"] = row["file_name"].replace("s0087", "s0088")
        row["time_start"] = row["time_stop"] = np.nan
    judge(platform, later, sector=88)
    assert validate.validate_sector(87, platform) == record


def test_known_issues_are_named_beside_what_is_wrong(platform, sound):
    rows = []
    for row in sound:
        name = keys.SpocName.parse(row["file_name"])
        file_name = str(keys.SpocName(name.stamp, 3, name.tic, "0123"))
        times = {"time_start": 1382.1, "time_stop": 1409.3}
        rows.append(row | times | {"sector": 3, "file_name": file_name})
    rows[0]["magnitude_residual"] = 7.0
    for row in rows:
        row["share_manual_exclude"] = 0.6
    record, report = judge(platform, rows, {1: {"status": "quarantined"}}, sector=3)
    assert record["warned"] == ["manual exclude flags are as usual"]
    (unmet,) = [item for item in report["expectations"] if not item["met"]][-1:]
    assert "s0003-pointing-tests-start" in unmet["known_issues"]
    assert "s0003-pointing-tests-start" in report["rejected"][0]["known_issues"]
    assert "s0003-redelivery" in report["quarantined"][0]["known_issues"]
    assert "s0003-tic220393543" not in report["quarantined"][0]["known_issues"]
