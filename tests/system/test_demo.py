"""The whole loop through real servers: what `make demo` shows, on a smaller sky."""

import csv
import json
import os
import shlex
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from dataclasses import asdict
from pathlib import Path

import httpx
import psutil
import pyarrow.parquet as pq
import pytest
import tenacity
from playwright.sync_api import expect, sync_playwright

from calnet_ops.cli.supervisor import MARK, Supervisor
from calnet_ops.platform import open_platform
from calnet_ops.science.catalog.formats import FORMATS
from calnet_ops.simulator.faults import Fate, Faults
from tests.support.browser import CHROMIUM_ARGUMENTS, chromium_path

PICTURES = Path(__file__).parents[2] / "var" / "screenshots"
EXPECTED = {file.stem for file in (Path(__file__).parents[2] / "dags").glob("*.py")}

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


@contextmanager
def _playing(folder, *options):
    """A demonstration whose servers stay up; afterwards it is asked to end, and nothing is left.

    It runs under a supervisor, so that it ends as well if the tests themselves are killed.
    """
    logs = folder.with_name("logs")
    with Supervisor(logs, {**os.environ, "CI": "true"}) as supervisor:
        process = supervisor.spawn("demo", _command(folder, "--keep", *options))
        while not (folder / "summary.json").exists():
            assert process.poll() is None, (logs / "demo.log").read_text()[-6000:]
            time.sleep(1)
        try:
            yield json.loads((folder / "summary.json").read_text())
        finally:
            process.terminate()
            process.wait(60)
    assert not _left_behind(folder)


def _airflow(folder):
    """Airflow's REST API, logged in."""
    url = json.loads((folder / "paths.json").read_text())["airflow"]
    password = json.loads((folder / "credentials.json").read_text())["airflow_password"]
    login = {"username": "admin", "password": password}
    token = httpx.post(f"{url}/auth/token", json=login).json()["access_token"]
    return httpx.Client(
        base_url=f"{url}/api/v2", headers={"Authorization": f"Bearer {token}"}, timeout=30
    )


@tenacity.retry(stop=tenacity.stop_after_attempt(6), wait=tenacity.wait_fixed(1), reraise=True)
def _pause(airflow, dag):
    """Let a DAG start no more runs; Airflow refuses while its SQLite has another writer."""
    airflow.patch(f"/dags/{dag}", json={"is_paused": True}).raise_for_status()


def _settings(folder):
    """What `source env.sh` sets."""
    lines = (folder / "env.sh").read_text().splitlines()
    return dict(shlex.split(line)[1].split("=", 1) for line in lines)


@pytest.fixture(scope="module")
def demo(tmp_path_factory):
    """A demonstration on compact simulated sectors, servers still up."""
    folder = tmp_path_factory.mktemp("demo") / "demo"
    with _playing(folder, "--compact", "--learn", "260", "--find", "60") as summary:
        yield folder, summary


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


def test_files_that_the_archive_has_lost_come_from_the_second_source(demo):
    folder, summary = demo
    faults = Faults.load(folder / "faults.json")
    fates = [faults.fate_of(file.name) for file in (folder / "archive").glob("s06*/*.fits")]
    odd = [fate for fate in fates if fate is not Fate.SOUND]
    assert set(odd) == {Fate.BAD_AT_FIRST, Fate.MISSING_AT_FIRST}
    assert (summary["n_recovered"], summary["n_suspect"]) == (len(odd), 0)


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


def test_commands_give_the_same_bytes_as_the_dags(demo, tmp_path):
    folder, summary = demo
    (new,) = summary["new_sectors"]
    dags = open_platform(folder / "paths.json")
    paths = json.loads((folder / "paths.json").read_text())
    paths["store"]["bucket"] = "byhand"
    paths["database"] = "sqlite:///byhand.db"
    (tmp_path / "paths.json").write_text(json.dumps(paths))
    credentials = json.loads((folder / "credentials.json").read_text())
    environment = {
        **os.environ,
        "CALNET_PATHS": str(tmp_path / "paths.json"),
        "CALNET_S3_ACCESS_KEY": credentials["s3_access_key"],
        "CALNET_S3_SECRET_KEY": credentials["s3_secret_key"],
    }
    with pytest.MonkeyPatch.context() as patch:
        for name, value in environment.items():
            patch.setenv(name, value)
        hand = open_platform(tmp_path / "paths.json")
        hand.store.make_bucket()
        hand.ledger.migrate()
        for key in dags.store.iter_keys("models/"):
            hand.store.save_new(key, dags.store.load(key))
        champion = dags.ledger.champion()
        assert champion
        promotion = {k: v for k, v in asdict(champion).items() if k != "at_utc"}
        hand.ledger.add_promotion(**promotion)
        for command in ("ingest", "validate", "extract", "score", "candidates"):
            words = (sys.executable, "-m", "calnet_ops.cli", command, new, "--json")
            answer = subprocess.run(words, env=environment, capture_output=True, check=False)
            assert answer.returncode == 0, answer.stderr.decode()
            assert json.loads(answer.stdout)
        for prefix in ("tess/lc", "quarantine", "manifest", "features/v1", "scores", "candidates"):
            found, expected = (
                # whose eclipses they are is asked of all sectors, and one is there by hand
                [
                    k
                    for k in store.iter_keys(f"{prefix}/")
                    if f"/{new}/" in k and "attribution" not in k
                ]
                for store in (hand.store, dags.store)
            )
            assert found
            assert found == expected
            assert all(hand.store.load(key) == dags.store.load(key) for key in found)


def test_a_back_fill_that_is_killed_goes_on_in_its_order(demo):
    folder, _ = demo
    environment = {**os.environ, **_settings(folder)}
    asked, wanted = "12,14,11,13,2000", ["s012", "s014", "s011", "s013"]

    def command(*words):
        return (sys.executable, "-m", "calnet_ops.cli", *words)

    with _airflow(folder) as airflow:

        def runs():
            answer = airflow.get("/dags/ingest_sector/dagRuns?run_id_prefix_pattern=backfill_s")
            return answer.json()["dag_runs"]

        for dag in ("detect_sectors", "score_sector"):  # or they bring and use the sectors as well
            _pause(airflow, dag)
        sectors = [word for key in wanted for word in ("--sector", key[1:])]
        sky = command("archive", "simulate", str(folder / "archive"), *sectors)
        subprocess.run((*sky, "--stars", "8", "--compact"), check=True, capture_output=True)
        fill = command("backfill", asked, "--order", "given", "--max-rate", "50MB", "--json")
        with subprocess.Popen(fill, env=environment, stderr=subprocess.DEVNULL) as process:
            while not any(run["state"] == "running" for run in runs()):
                assert process.poll() is None
                time.sleep(0.5)
            process.send_signal(signal.SIGKILL)
        again = subprocess.run(fill, env=environment, check=False, capture_output=True)
        assert again.returncode == 0, again.stderr.decode()
        summary = json.loads(again.stdout)
        assert summary["done"] == wanted
        assert summary["not in the archive"] == ["s2000"]
        started = sorted(runs(), key=lambda run: run["start_date"])
        assert [run["partition_key"] for run in started] == wanted
        assert {run["conf"]["max_bytes_per_s"] for run in started} == {50e6}
        once_more = subprocess.run(fill, env=environment, check=True, capture_output=True)
        assert json.loads(once_more.stdout) == {**summary, "queued": []}
        assert len(runs()) == len(wanted)


def test_an_operator_sees_the_sector_in_the_airflow_ui(demo):
    folder, summary = demo
    (new,) = summary["new_sectors"]
    credentials = json.loads((folder / "credentials.json").read_text())
    paths = json.loads((folder / "paths.json").read_text())
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS
        )
        page = browser.new_context(
            http_credentials={"username": "vetter", "password": credentials["vetter_password"]},
            viewport={"width": 1500, "height": 950},
        ).new_page()
        page.goto(f"{paths['airflow']}/auth/login/")
        page.fill("input[name=username]", "admin")
        page.fill("input[name=password]", credentials["airflow_password"])
        page.press("input[name=password]", "Enter")
        page.wait_for_url(f"{paths['airflow']}/")
        page.goto(f"{paths['airflow']}/plugin/sectors")
        frame = page.frame_locator("iframe")
        expect(frame.get_by_text(new).first).to_be_visible(timeout=20_000)
        PICTURES.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=PICTURES / "airflow-sectors.png")
        with _airflow(folder) as airflow:
            asked = {"partition_key_pattern": new, "limit": 1}
            (run,) = airflow.get("/dags/ingest_sector/dagRuns", params=asked).json()["dag_runs"]
        task = f"/dags/ingest_sector/runs/{run['dag_run_id']}/tasks/validate/details"
        page.goto(f"{paths['airflow']}{task}")
        page.get_by_role("link", name="Data Docs").click()
        page.wait_for_url(f"{paths['airflow']}/calnet/docs/{new}/")
        expect(page.get_by_role("heading", name="Data Docs")).to_be_visible()
        page.goto(f"{paths['web']}/ops")
        expect(page.get_by_text(summary["release_version"]).first).to_be_visible()
        page.screenshot(path=PICTURES / "ops.png")
        page.goto(f"{paths['web']}/docs/{new}/")
        page.screenshot(path=PICTURES / "data-docs.png")
        browser.close()


def test_real_light_curves_go_the_same_way(shared_data, tmp_path):
    archive = tmp_path / "tess"
    for sector in REAL:
        shutil.copytree(shared_data / "tess" / f"s{sector:03d}", archive / f"s{sector:03d}")
    options = ("--compact", "--learn", "260", "--archive", str(archive))
    labels = ("--labels", str(shared_data / "labels"))
    with _playing(tmp_path / "demo", *options, *labels) as summary:
        n_real = len(list(archive.glob("*/*.fits")))
        assert len(summary["real_stars"]) == n_real
        assert all(0 <= star["probability"] <= 1 for star in summary["real_stars"])
        assert not all(star["trained_on"] for star in summary["real_stars"])
        assert summary["simulated"]
