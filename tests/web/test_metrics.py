import os
import shutil
import subprocess
import time
from pathlib import Path

import pytest

from calnet_ops.web.metrics import FAMILIES, document, exposition
from tests.web.conftest import promote_against_the_gate


def test_the_figures_of_a_sector_are_there(filled_platform):
    text = exposition(filled_platform).decode()
    for line in (
        'calnet_sector_state{sector="s088",state="halted"} 1.0',
        'calnet_sector_state{sector="s088",state="raw"} 0.0',
        'calnet_sector_files{sector="s087",status="stored"} 497.0',
        'calnet_sector_files{sector="s087",status="recovered"} 4.0',
        'calnet_sector_files{sector="s089",status="targets"} 119.0',
        'calnet_sector_files{sector="s089",status="expected"} 200.0',
        'calnet_quarantined_files{reason="truncated",sector="s087"} 2.0',
        'calnet_skipped_files{reason="too few good cadences",sector="s087"} 4.0',
        'calnet_targets_scored{sector="s087"} 493.0',
        'calnet_candidates{sector="s087"} 5.0',
        'calnet_drift_warning{sector="s086"} 0.0',
        'calnet_drift_warning{sector="s087"} 1.0',
        'calnet_drift_excess_ratio{sector="s087"} 1.4',
        'calnet_expected_ratio{figure="recall",sector="s087"} 0.93',
        "calnet_vetting_waiting 5.0",
        "calnet_champion_version 1.0",
        "calnet_promotions_total 1.0",
        "calnet_promotions_refused_total 1.0",
        "calnet_champion_override 0.0",
        "calnet_retrain_changed_labels 17.0",
        'calnet_release_rows{version="v2026.11.0-simulated"} 4.0',
    ):
        assert line in text.splitlines()


def test_a_champion_put_there_against_the_gate_is_told(filled_platform):
    promote_against_the_gate(filled_platform)
    lines = exposition(filled_platform).decode().splitlines()
    assert "calnet_champion_override 1.0" in lines
    (since,) = [line for line in lines if line.startswith("calnet_champion_since")]
    assert abs(float(since.split()[1]) - time.time()) < 60


def test_an_empty_platform_tells_of_no_champion(platform):
    text = exposition(platform).decode()
    assert "calnet_champion_version 0.0" in text
    for name in ("override", "since_timestamp_seconds", "threshold_ratio"):
        assert f"\ncalnet_champion_{name}" not in text


def test_what_is_not_known_has_no_sample(filled_platform):
    text = exposition(filled_platform).decode()
    assert 'calnet_targets_scored{sector="s089"}' not in text
    assert 'calnet_sector_files{sector="s088",status="expected"}' not in text
    assert 'calnet_drift_warning{sector="s089"}' not in text


def test_promtool_accepts_the_text(filled_platform):
    promtool = shutil.which("promtool")
    if promtool is None:
        if os.environ.get("CI") == "true":
            pytest.fail("promtool is missing: apt-get install prometheus")
        pytest.skip("no promtool (apt-get install prometheus)")
    text = exposition(filled_platform)
    done = subprocess.run(
        [promtool, "check", "metrics"], input=text, capture_output=True, check=False
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_every_family_is_documented_and_the_page_is_not_stale():
    page = Path(__file__).parents[2] / "docs" / "metrics.md"
    assert page.read_text() == document(), "run make docs"
    assert len({family.name for family in FAMILIES}) == len(FAMILIES)
