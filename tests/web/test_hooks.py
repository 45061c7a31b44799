import json
import time
from concurrent.futures import ThreadPoolExecutor

import pytest

from calnet_ops.platform import open_platform
from calnet_ops.web.app import make_app
from calnet_ops.web.routes.hooks import MAX_AGE_S, sign
from tests.support.web_client import TestClient

SECRET = "between us"
MOVED = {"name": "calnet", "alias": "champion", "version": "3"}
EVENT = {"entity": "model_version_alias", "action": "created", "data": MOVED}


@pytest.fixture(autouse=True)
def _secret(monkeypatch):
    monkeypatch.setenv("CALNET_MLFLOW_WEBHOOK_SECRET", SECRET)


def call(pages, event=EVENT, *, delivery="id-1", age_s=0, key=SECRET):
    """Send what MLflow sends."""
    body, timestamp = json.dumps(event).encode(), str(int(time.time()) - age_s)
    headers = {
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": timestamp,
        "X-MLflow-Signature": sign(delivery, timestamp, body, key),
    }
    pages.auth = None
    return pages.post("/hooks/mlflow", content=body, headers=headers)


def test_the_signature_is_the_one_mlflow_makes():
    # made once by mlflow.webhooks.delivery._generate_hmac_signature of MLflow 3.17.2
    expected = "v1,U5ajnA2cmmKMN+cgA3w1i1q7EZavG4AMWdSg2UC732s="
    assert sign("id", "12", b'{"a": 1}', SECRET) == expected


def test_a_moved_alias_starts_the_look_at_once(pages, scheduler):
    answer = call(pages)
    assert (answer.status_code, answer.json()) == (202, {"started": True})
    assert scheduler.started == ["watch_promotion"]


@pytest.mark.parametrize(
    "event",
    [
        {"entity": "registered_model"},
        {**EVENT, "entity": "prompt_alias"},
        {**EVENT, "data": {**MOVED, "alias": "challenger"}},
        {**EVENT, "data": {**MOVED, "name": "another"}},
        {**EVENT, "data": None},
        ["model_version_alias"],
    ],
)
def test_other_events_start_nothing(pages, scheduler, event):
    assert call(pages, event).json() == {"started": False}
    assert scheduler.started == []


def test_a_repeated_delivery_starts_nothing(pages, scheduler):
    call(pages)
    assert call(pages).status_code == 409
    assert call(pages, delivery="id-2").status_code == 202
    assert len(scheduler.started) == 2


def test_what_the_call_said_is_kept_for_the_record_of_the_promotion(pages, filled_platform):
    call(pages)
    kept = filled_platform.ledger.hook_calls.latest("champion")
    assert (kept.delivery, kept.action, kept.version) == ("id-1", "created", 3)
    deleted = {**EVENT, "action": "deleted", "data": {"name": "calnet", "alias": "champion"}}
    call(pages, deleted, delivery="id-2")
    assert filled_platform.ledger.hook_calls.latest("champion").version == 0


def test_a_delivery_is_refused_by_every_process_also_after_a_restart(
    pages, filled_platform, scheduler
):
    call(pages)
    again = open_platform(filled_platform.root / "paths.json")
    again.__dict__.update(store=filled_platform.store, scheduler=scheduler)
    with TestClient(make_app(again, users={})) as other:
        assert call(other).status_code == 409
    assert scheduler.started == ["watch_promotion"]


def test_of_a_delivery_that_comes_many_times_at_once_one_counts(pages, scheduler):
    with ThreadPoolExecutor(6) as pool:
        codes = [answer.status_code for answer in pool.map(lambda _: call(pages), range(6))]
    assert sorted(codes) == [202, 409, 409, 409, 409, 409]
    assert scheduler.started == ["watch_promotion"]


@pytest.mark.parametrize(
    "fault", [{"key": "guessed"}, {"age_s": MAX_AGE_S + 5}, {"age_s": -MAX_AGE_S - 5}]
)
def test_what_mlflow_did_not_just_send_is_refused(pages, scheduler, fault):
    assert call(pages, **fault).status_code == 401
    assert scheduler.started == []


def test_without_signature_or_with_a_huge_body_nothing_happens(pages, scheduler):
    pages.auth = None
    assert pages.post("/hooks/mlflow", json=EVENT).status_code == 401
    assert pages.post("/hooks/mlflow", content=b" " * 70_000).status_code == 413
    assert scheduler.started == []


def test_when_airflow_is_down_mlflow_may_try_again(pages, scheduler):
    scheduler.broken = True
    assert call(pages).status_code == 503
    scheduler.broken = False
    assert call(pages).status_code == 202
