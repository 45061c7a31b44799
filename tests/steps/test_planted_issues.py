"""What goes wrong in a simulated sector is found by the checks, and explained by known issues."""

import json

import pytest

from calnet_ops.keys import SpocName
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.issues import FILE_NAME, PlantedIssue
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.steps import validate
from calnet_ops.steps.known_issues import keep_known_issues
from tests.support.stored_sectors import store_sector

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("great_expectations"),
    pytest.mark.timeout(180),  # the import of Great Expectations alone takes 7 to 16 s
    pytest.mark.filterwarnings("ignore"),  # it warns of its own use of deprecated modules
]

N_STAR = 104
"""Enough for checks that small sectors are spared."""


def test_planted_issue_is_found_and_explained(platform, tmp_path):
    issue = PlantedIssue(3664.0, 3671.0, "manual exclude", camera=2)
    report = simulate_sector(
        tmp_path, 87, n_star=N_STAR, seed=3, compact=True, workers=1, issues=[issue]
    )
    files = {row.file_name: (report.folder / row.file_name).read_bytes() for row in report.truth}
    store_sector(platform, files)
    keep_known_issues(platform, tmp_path / "mast" / FILE_NAME)
    record = validate.validate_sector(87, platform)
    assert "most cadences are good" in record["warned"]
    found = json.loads(platform.store.load(record["report"]))
    (line,) = [item for item in found["expectations"] if item["name"] == "most cadences are good"]
    assert line["known_issues"] == ["planted-s0087-1"]
    (marked,) = [item for item in found["marked"] if item["name"] == "most cadences are good"]
    on_camera = [SpocName.parse(name).tic for name, body in files.items() if camera(body) == 2]
    assert sorted(SpocName.parse(row["row"]).tic for row in marked["rows"]) == sorted(on_camera)
    assert all(row["known_issues"] == ["planted-s0087-1"] for row in marked["rows"])


def camera(body: bytes) -> int:
    return spoc.read(body).camera
