"""A platform on which a few things have happened, and the pages of it."""

import shutil
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from calnet_ops import keys
from calnet_ops.adapters.scheduler import Approval
from calnet_ops.errors import ServiceUnavailable
from calnet_ops.platform import Platform, open_platform
from calnet_ops.web.app import make_app
from tests.support.memory_store import MemoryStore
from tests.support.platforms import make_platform
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name
from tests.support.web_client import TestClient

MODEL = "feedc0de00000001"
OTHER_MODEL = "feedc0de00000003"
FIRST_TIC = 900_000_000_001
VETTER = ("ada", "correct horse")


class RecordingScheduler:
    """A scheduler in memory: what it was asked to start, what waits for a yes."""

    def __init__(self) -> None:
        self.started: list[str] = []
        self.approvals: list[Approval] = []
        self.delay_s = 0.0
        self.broken = False

    def trigger_run(self, dag_id: str, partition_key=None) -> None:
        """Note the DAG."""
        self._answer()
        self.started.append(dag_id)

    def waiting_approvals(self) -> list[Approval]:
        """Tell."""
        time.sleep(self.delay_s)
        self._answer()
        return self.approvals

    def _answer(self) -> None:
        if self.broken:
            raise ServiceUnavailable("Airflow", found="no answer", expected="an answer")


def candidate(tic: int, sector: int, **changes) -> dict[str, Any]:
    """One row of a candidate table."""
    row = {
        "tic": tic,
        "sector": sector,
        "probability": 0.97,
        "n_segment": 2,
        "period": 1.3,
        "period_err": 0.001,
        "epoch_bjd_tdb": 2457000 + 1.3 * 2816.2,
        "depth_1": 0.2,
        "depth_2": 0.05,
        "duration_1": 3.1,
        "duration_2": 3.0,
        "eb_type": "EA",
        "n_eclipse": 9,
        "ra": 83.6331,
        "dec": -22.0145,
        "tmag": 9.87,
        "teff": 6120.0,
        "camera": 2,
        "ccd": 3,
        "simulated": True,
        "curve": [1.0] * 200,
    }
    return row | changes


def write_candidates(platform: Platform, sector: int, rows: list[dict[str, Any]]) -> None:
    """Store a candidate table and note it, as the step does."""
    key = keys.candidates(MODEL, sector, f"c0ffee{len(rows):010d}")
    platform.store.save_table(key, pa.Table.from_pylist(rows))
    facts = {"n_candidate": len(rows)}
    platform.ledger.record("candidates", sector, key, model_id=MODEL, facts=facts)


def write_curves(platform: Platform, sector: int, bodies: dict[int, bytes]) -> str:
    """Store light curves by TIC number; key of their manifest."""
    rows = []
    for tic, body in bodies.items():
        key = keys.raw(sector, 1, spoc_name(tic, sector))
        platform.store.save_new(key, body, "application/fits")
        rows.append({"tic": tic, "status": "stored", "key": key})
    rows.append({"tic": 5, "status": "quarantined", "key": "quarantine/x"})
    manifest = keys.manifest(sector, "abcd000000000000")
    platform.store.save_table(manifest, pa.Table.from_pylist(rows))
    return manifest


@cache
def spoc_body() -> bytes:
    """A light curve, made once: the pages look at the file's arrays, not at its name."""
    arrays = spoc_arrays()
    arrays["QUALITY"][[2000, 7000]] = 32
    return spoc_bytes(arrays)


def write_sector(platform: Platform, sector: int, n_candidate: int) -> None:
    """A sector that went all the way to its candidates."""
    ledger = platform.ledger
    ledger.add_delivery(sector, 1, state="listed", n_listed=500, listing_sha256="0" * 64)
    docs = keys.data_docs(sector, "d0c5000000000000")
    platform.store.save_new(docs, b"<h1>Data Docs</h1>", "text/html")
    delivery = ledger.delivery(sector)
    assert delivery is not None
    facts = {
        "delivery": 1,
        "n_stored": 497,
        "n_quarantined": {"truncated": 2, "empty file": 1},
        "n_recovered": 4,
        "n_suspect": 0,
        "simulated": True,
        "docs": docs,
        "manifest": write_curves(platform, sector, {FIRST_TIC: spoc_body()}),
    }
    ledger.move_delivery(delivery, state="raw", facts=facts)
    pace = {"pulled_files": 497, "pulled_bytes": 930_000_000, "pulled_seconds": 10.0}
    ledger.record("ingest", sector, f"manifest-{sector}", facts=pace)
    ledger.record("validate", sector, f"report-{sector}", facts={})
    skipped = {"n_skipped": {"too few good cadences": 4}}
    ledger.record("features-v1", sector, f"features-{sector}", facts=skipped)
    score = {"n_target": 493, "n_segment": 981, "n_above": n_candidate}
    ledger.record("score", sector, f"scores-{sector}", model_id=MODEL, facts=score)
    rows = [candidate(FIRST_TIC + i, sector) for i in range(n_candidate)]
    write_candidates(platform, sector, rows)


def write_drift(platform: Platform, sector: int, state: str, warnings: list[str]) -> None:
    """What `watch_drift` notes of a sector, and its page."""
    docs = keys.drift(MODEL, sector, "d1f7000000000000", "index.html")
    platform.store.save_new(docs, b"<h1>Drift</h1>", "text/html")
    estimate = {"value": 0.93, "low": 0.9, "high": 0.96}
    facts = {"state": state, "warnings": warnings, "excess": 1.4 if warnings else 0.4}
    facts |= {"expected": {"recall": estimate, "precision": estimate}, "calibrated": True}
    key = docs.replace("index.html", "drift.json")
    facts |= {"docs": docs}
    platform.ledger.record("drift", sector, key, model_id=MODEL, facts=facts)


def fill(platform: Platform) -> None:
    """Two finished sectors, one halted, one just listed; a champion, a refusal, a release."""
    ledger = platform.ledger
    champion = {"model_id": MODEL, "threshold": 0.62, "simulated": True}
    ledger.add_promotion(model_version=1, action="promoted", reason="passed the gate", **champion)
    ledger.add_promotion(
        model_version=2, action="refused", reason="no verdict", actor="ben", **champion
    )
    decided = {"start": False, "reason": "17 labels have changed", "n_changed": 17}
    ledger.record("retrain", 0, "retrain/1", model_id=MODEL, facts=decided)
    write_sector(platform, 86, 3)
    write_sector(platform, 87, 5)
    ledger.record("train", 0, "model.json", model_id=MODEL, facts={"least_recall": 0.9})
    write_drift(platform, 86, "usual", [])
    write_drift(platform, 87, "warn", ["flux_skew of whole sector against recent: 0.228"])
    ledger.add_delivery(
        88, 1, state="halted", n_listed=500, listing_sha256="1" * 64, facts={"manifest": "m"}
    )
    counts = {"n_target": 119, "n_expected": None, "n_planned": 200}
    ledger.add_delivery(
        89, 1, state="appearing", n_listed=120, listing_sha256="2" * 64, facts=counts
    )
    ledger.notice_once("s088 was halted", "Median flux of camera 3 is 40% off.")
    facts = {"version": "v2026.11.0-simulated", "uri": "s3://memory/releases/x", "n_row": 4}
    ledger.record("release", 0, "releases/v2026.11.0-simulated/", facts=facts)
    pointer = b'{"version":"v2026.11.0-simulated"}'
    platform.store.move_pointer(keys.LATEST, pointer, "")


def promote_against_the_gate(platform: Platform) -> None:
    """Another version, by somebody's word."""
    platform.ledger.add_promotion(
        model_version=3,
        model_id=OTHER_MODEL,
        action="promoted",
        reason="the gate says fail: recall of EW: found 0.71, expected at least 0.90",
        threshold=0.55,
        simulated=True,
        previous_version=1,
        previous_model_id=MODEL,
        actor="anna",
        seen_by="webhook",
        override="version 1 calls every star of camera 3 a binary",
    )


@pytest.fixture(scope="session")
def history(tmp_path_factory) -> Platform:
    """What `fill` wrote, made once; tests get copies."""
    made = make_platform(tmp_path_factory.mktemp("history"))
    fill(made)
    return made


@pytest.fixture
def scheduler() -> RecordingScheduler:
    """The scheduler of the filled platform."""
    return RecordingScheduler()


@pytest.fixture
def filled_platform(history: Platform, tmp_path: Path, scheduler: RecordingScheduler) -> Platform:
    """A platform on which `fill` has happened."""
    for name in ("paths.json", "ledger.db"):
        shutil.copy(history.root / name, tmp_path / name)
    platform = open_platform(tmp_path / "paths.json")
    store = MemoryStore()
    store.objects.update(vars(history.store)["objects"])
    platform.__dict__.update(store=store, scheduler=scheduler)
    return platform


@pytest.fixture
def pages(filled_platform: Platform) -> Iterator[TestClient]:
    """The application with somebody logged in."""
    with TestClient(make_app(filled_platform, users=dict([VETTER]))) as client:
        client.auth = VETTER
        yield client
