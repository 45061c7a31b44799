"""The whole loop through real servers: what `make demo` shows, on a smaller sky."""

import csv
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pyarrow.parquet as pq
import pytest

from calnet_ops.cli.supervisor import MARK
from calnet_ops.science.catalog.formats import FORMATS

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

REASONS = {
    "checksum mismatch", "duplicate target", "empty file", "flux without time", "foreign product",
    "header disagrees with file name", "not a FITS file", "truncated",
}  # fmt: skip
REAL = (7, 27, 42)
"""Real sectors for the second demonstration: few files each, stars of three kinds."""


def _command(folder, *options):
    return (sys.executable, "-m", "calnet_ops.cli", "demo", "--folder", str(folder), *options)


def _left_behind(folder):
    """Processes of a demonstration that still run, known by the mark in their environment."""
    found = []
    for process in psutil.process_iter():
        try:
            environment = process.environ()
            alive = process.status() != psutil.STATUS_ZOMBIE
        except (psutil.Error, OSError):
            continue
        if MARK in environment and str(folder) in environment.get("CALNET_PATHS", "") and alive:
            found.append(process.cmdline())
    return found


def _play(folder, *options):
    answer = subprocess.run(
        _command(folder, *options),
        env={**os.environ, "CI": "true"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stdout[-6000:]
    assert not _left_behind(folder)
    return json.loads((folder / "summary.json").read_text())


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demonstration on compact simulated sectors."""
    folder = tmp_path_factory.mktemp("demo")
    summary = _play(folder, "--compact", "--learn", "260", "--find", "60")
    return folder, summary


def test_a_sector_goes_from_the_archive_to_a_release(demo):
    _, summary = demo
    assert summary["ok"]
    assert summary["simulated"]
    assert summary["release_version"].endswith("-simulated")
    assert summary["n_candidates"] > 0
    assert summary["recall"] >= 0.8
    assert summary["precision"] >= 0.8


def test_every_bad_file_is_accounted_for_with_its_reason(demo):
    _, summary = demo
    assert set(summary["n_quarantined"]) == REASONS
    assert set(summary["n_skipped"]) == {"no good cadences", "too few good cadences"}
    n_file = summary["n_files"]
    n_out = sum(summary["n_quarantined"].values()) + sum(summary["n_skipped"].values())
    assert summary["n_targets_scored"] == n_file - n_out


def test_all_dags_of_the_loop_ran_and_none_failed(demo):
    _, summary = demo
    states = {run["state"] for run in summary["dag_runs"]}
    assert states <= {"success", "running", "queued"}
    ran = {(run["dag_id"], run["partition_key"]) for run in summary["dag_runs"]}
    (new,) = summary["new_sectors"]
    assert {("ingest_sector", new), ("score_sector", new)} <= ran
    assert {"detect_sectors", "retrain", "watch_promotion", "publish_release"} <= {
        d for d, _ in ran
    }


def test_scores_agree_with_the_truth_they_never_saw(demo):
    folder, summary = demo
    (new,) = summary["new_sectors"]
    with (folder / "truth" / f"{new}.csv").open() as lines:
        truth = {int(row["tic"]): row["is_eb"] == "True" for row in csv.DictReader(lines)}
    scores = pq.read_table(folder / "scores.parquet").to_pylist()
    rows = [row for row in scores if row["sector"] == int(new[1:])]
    called = {row["tic"] for row in rows if row["probability"] >= summary["threshold"]}
    binaries = {row["tic"] for row in rows if truth[row["tic"]]}
    assert summary["recall"] == pytest.approx(len(called & binaries) / len(binaries))
    assert summary["precision"] == pytest.approx(len(called & binaries) / len(called))


def test_the_release_reads_back_the_same_in_every_format(demo):
    folder, _ = demo
    tables = {}
    for name, form in FORMATS.items():
        with (folder / "release" / form.file_name).open("rb") as stream:
            tables[name] = form.read(stream)
    assert tables["parquet"].num_rows > 0
    assert all(table.equals(tables["parquet"]) for table in tables.values())


def test_nothing_is_left_when_a_demonstration_is_killed(tmp_path):
    folder = tmp_path / "demo"
    with subprocess.Popen(
        _command(folder, "--compact", "--learn", "20"),
        env={**os.environ, "CI": "true"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    ) as process:
        end = time.monotonic() + 90
        while len(_left_behind(folder)) < 4 and time.monotonic() < end:
            time.sleep(0.5)
        assert _left_behind(folder)
        process.send_signal(signal.SIGKILL)
    end = time.monotonic() + 40
    while _left_behind(folder) and time.monotonic() < end:
        time.sleep(0.5)
    assert not _left_behind(folder)


def test_real_light_curves_go_the_same_way(shared_data, tmp_path):
    archive = tmp_path / "tess"
    for sector in REAL:
        shutil.copytree(shared_data / "tess" / f"s{sector:03d}", archive / f"s{sector:03d}")
    summary = _play(
        tmp_path / "demo", "--compact", "--learn", "260", "--archive", str(archive),
        "--labels", str(Path(shared_data) / "labels"),
    )  # fmt: skip
    n_real = len(list(archive.glob("*/*.fits")))
    assert len(summary["real_stars"]) == n_real
    assert all(0 <= star["probability"] <= 1 for star in summary["real_stars"])
    assert summary["simulated"]
