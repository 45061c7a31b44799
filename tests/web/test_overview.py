from calnet_ops import keys
from calnet_ops.adapters.scheduler import Approval
from calnet_ops.web.overview import overview, waiting_approvals
from tests.web.conftest import FIRST_TIC, MODEL, promote_against_the_gate


def test_an_empty_platform_has_an_overview(platform):
    shown = overview(platform)
    assert shown.sectors == []
    assert shown.champion is None
    assert shown.waiting.n_candidate == 0


def test_a_finished_sector_shows_its_counts(filled_platform):
    row = next(item for item in overview(filled_platform).sectors if item.sector == 87)
    assert all(row.stages.values())
    assert (row.name, row.state, row.simulated) == ("s087", "raw", True)
    assert (row.n_listed, row.n_stored, row.n_target, row.n_candidate) == (500, 497, 493, 5)
    assert row.quarantined == {"empty file": 1, "truncated": 2}
    assert row.skipped == {"too few good cadences": 4}
    assert row.bytes_per_s == 93e6
    assert row.raw_after_s is not None
    assert row.raw_after_s >= 0
    assert row.docs


def test_drift_and_expected_figures_are_those_of_the_champion(filled_platform):
    shown = overview(filled_platform)
    rows = {row.sector: row for row in shown.sectors}
    assert (rows[86].drift, rows[87].drift, rows[89].drift) == ("usual", "warn", None)
    assert rows[87].drift_warnings == ["flux_skew of whole sector against recent: 0.228"]
    assert (rows[87].expected_recall, rows[89].expected_recall) == (0.93, None)
    assert shown.least_recall == 0.9


def test_expected_figures_of_a_model_without_calibration_are_not_shown(filled_platform):
    facts = filled_platform.ledger.latest("drift", 87, MODEL).facts | {"calibrated": False}
    filled_platform.ledger.record("drift", 87, "other.json", model_id=MODEL, facts=facts)
    row = next(row for row in overview(filled_platform).sectors if row.sector == 87)
    assert (row.drift, row.expected_recall, row.expected_precision) == ("warn", None, None)


def test_what_is_not_known_yet_is_not_zero(filled_platform):
    row = overview(filled_platform).sectors[0]
    assert (row.sector, row.progress) == (89, "appearing, 119 of about 200")
    assert row.n_stored is row.n_target is row.raw_after_s is row.bytes_per_s is None


def test_a_star_in_two_sectors_waits_once(filled_platform):
    assert overview(filled_platform).waiting.n_candidate == 5


def test_a_judged_star_waits_no_more_and_a_withdrawn_one_again(filled_platform):
    decision = {
        "tic": FIRST_TIC,
        "sector": 87,
        "verdict": "EB",
        "eb_type": "EA",
        "vetter": "ada",
        "source": "person",
        "simulated": True,
        "note": "",
    }
    filled_platform.ledger.add_decisions([decision])
    assert overview(filled_platform).waiting.n_candidate == 4
    filled_platform.ledger.add_decisions([decision | {"verdict": "WITHDRAWN"}])
    assert overview(filled_platform).waiting.n_candidate == 5


def test_a_label_of_a_catalog_is_no_vetting(filled_platform):
    label = {
        "tic": FIRST_TIC,
        "sector": 0,
        "verdict": "EB",
        "eb_type": "",
        "vetter": "villanova",
        "source": "catalog",
        "simulated": False,
        "note": "",
    }
    filled_platform.ledger.add_decisions([label])
    assert overview(filled_platform).waiting.n_candidate == 5


def test_halted_sectors_refusals_and_notices_are_shown(filled_platform):
    shown = overview(filled_platform)
    assert shown.waiting.halted == ["s088"]
    assert [item.model_version for item in shown.refused] == [2]
    assert shown.notices[0]["subject"] == "s088 was halted"


def test_candidates_follow_the_champion_and_come_back_with_a_rollback(filled_platform):
    before = overview(filled_platform)
    promote_against_the_gate(filled_platform)
    other = overview(filled_platform)
    assert other.champion is not None
    assert (other.champion.model_version, other.waiting.n_candidate) == (3, 0)
    assert not any(row.stages["candidates"] for row in other.sectors)
    promotion = {"model_version": 1, "model_id": MODEL, "threshold": 0.62, "simulated": True}
    filled_platform.ledger.add_promotion(action="promoted", reason="rolled back to", **promotion)
    after = overview(filled_platform)
    assert (after.sectors, after.waiting) == (before.sectors, before.waiting)
    assert after.n_promoted == 3


def test_it_is_shown_whether_a_training_was_started_and_why(filled_platform):
    look = overview(filled_platform).retrain
    assert look is not None
    assert (look.start, look.reason, look.n_changed) == (False, "17 labels have changed", 17)


def test_sector_is_halted_also_while_its_next_delivery_appears(filled_platform):
    more = {"n_listed": 501, "listing_sha256": "3" * 64, "facts": {"manifest": "m"}}
    filled_platform.ledger.add_delivery(88, 2, state="appearing", **more)
    shown = overview(filled_platform)
    assert shown.waiting.halted == ["s088"]
    assert {row.name: row.state for row in shown.sectors}["s088"] == "appearing"


def test_the_release_that_latest_names_is_current(filled_platform):
    (release,) = overview(filled_platform).releases
    assert (release.version, release.current) == ("v2026.11.0-simulated", True)
    filled_platform.store.objects[keys.LATEST] = b'{"version":"another"}'
    assert not overview(filled_platform).releases[0].current


def test_missing_facts_are_tolerated(platform):
    platform.ledger.add_delivery(3, 1, state="raw", n_listed=2, listing_sha256="0" * 64)
    for step in ("ingest", "features-v1", "score"):
        platform.ledger.record(step, 3, f"{step}-key")
    (row,) = overview(platform).sectors
    assert row.n_stored is None


def test_approvals_that_wait_are_told(filled_platform, scheduler):
    asked = Approval(
        dag_id="publish_release",
        run_id="run",
        task_id="approve",
        subject="Publish v2?",
        body="",
        options=["Approve"],
    )
    scheduler.approvals = [asked]
    assert waiting_approvals(filled_platform).items == [asked]


def test_without_airflow_the_approvals_are_unknown(filled_platform, scheduler):
    scheduler.broken = True
    assert "no answer" in waiting_approvals(filled_platform).trouble
