"""Against a small server that answers as Airflow 3.3 was seen to; `tests/system` asks Airflow."""

import json
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread
from urllib.parse import parse_qsl, urlsplit

import pytest
from typing_extensions import override

from calnet_ops.adapters.scheduler import open_scheduler
from calnet_ops.adapters.scheduler.airflow_rest import TRIES
from calnet_ops.errors import MissingInput, ServiceUnavailable, WrongConfiguration

RUN = {
    "dag_id": "ingest_sector",
    "dag_run_id": "manual__1",
    "partition_key": "s087",
    "state": "success",
    "start_date": "2026-11-23T10:00:00Z",
    "end_date": "2026-11-23T10:01:30.5Z",
}
QUESTION = {
    "task_instance": {"dag_id": "publish_release", "dag_run_id": "r", "task_id": "approve"},
    "subject": "Publish?",
    "body": None,
    "options": ["Approve", "Reject"],
}


class Airflow:
    """What the server was asked, and what it answers."""

    def __init__(self):
        self.asked = []
        self.troubles = 0
        self.token = "first"
        self.url = ""

    def answer(self, method, path, content, token):
        if path == "/auth/token":
            right = content == {"username": "admin", "password": "secret"}
            return (201, {"access_token": self.token}) if right else (401, {})
        if token != f"Bearer {self.token}":
            return 401, {}
        self.asked.append((method, path, content))
        if self.troubles:
            self.troubles -= 1
            return 500, {"detail": "database is locked"}
        answer = ANSWERS.get((method, path), (404, {"detail": "not found"}))
        return answer(content) if callable(answer) else answer


def many_runs(asked):
    """A page of 150 runs."""
    numbers = range(150)[int(asked["offset"]) :][: int(asked["limit"])]
    runs = [RUN | {"dag_run_id": f"backfill_{number}"} for number in numbers]
    return 200, {"dag_runs": runs, "total_entries": 150}


def mapped_tasks(asked):
    """Of the tasks of a run, five are there and two have succeeded."""
    return 200, {"task_instances": [], "total_entries": 2 if asked.get("state") else 5}


ANSWERS = {
    ("GET", "/api/v2/assets"): (
        200,
        {"assets": [{"id": 7, "name": "label_set_old"}, {"id": 3, "name": "label_set"}]},
    ),
    ("POST", "/api/v2/assets/events"): (200, {}),
    ("POST", "/api/v2/dags/ingest_sector/dagRuns"): (200, RUN),
    ("GET", "/api/v2/dags/ingest_sector/dagRuns"): (
        200,
        {"dag_runs": [RUN, RUN | {"end_date": None, "state": "running", "partition_key": None}]},
    ),
    ("GET", "/api/v2/dags/ingest_sector/dagRuns/manual__1"): (200, RUN),
    ("PATCH", "/api/v2/dags/watch_promotion/dagRuns/a%20b"): (200, RUN),
    ("GET", "/api/v2/dags/many/dagRuns"): many_runs,
    ("POST", "/api/v2/dags/taken/dagRuns"): (409, {"detail": "Unique constraint violation"}),
    ("POST", "/api/v2/dags/wrong/dagRuns"): (400, {"detail": "bad request"}),
    ("GET", "/api/v2/dags/many/dagRuns/a%20b%2Fc/taskInstances"): mapped_tasks,
    ("GET", "/api/v2/dags/~/dagRuns/~/hitlDetails"): (200, {"hitl_details": [QUESTION]}),
    (
        "PATCH",
        "/api/v2/dags/publish_release/dagRuns/r/taskInstances/approve/-1/hitlDetails",
    ): (200, {}),
    (
        "PATCH",
        "/api/v2/dags/publish_release/dagRuns/answered/taskInstances/approve/-1/hitlDetails",
    ): (409, {"detail": "has already been updated"}),
}


@pytest.fixture
def airflow():
    """The server; `url` is where."""
    scene = Airflow()

    class Server(BaseHTTPRequestHandler):
        def reply(self):
            url = urlsplit(self.path)
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            content = json.loads(body) if body else dict(parse_qsl(url.query))
            token = self.headers.get("Authorization", "")
            status, answer = scene.answer(self.command, url.path, content, token)
            self.send_response(status)
            self.end_headers()
            self.wfile.write(json.dumps(answer).encode())

        do_GET = do_POST = do_PATCH = reply  # noqa: N815 - names of the standard library

        @override
        def log_message(self, *words: object) -> None:
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Server)
    Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    scene.url = f"http://127.0.0.1:{server.server_port}"
    yield scene
    server.shutdown()
    server.server_close()


@pytest.fixture
def scheduler(airflow):
    return open_scheduler(airflow.url, "admin", "secret", first_wait_s=0.01)


def test_a_run_is_started_for_a_sector(airflow, scheduler):
    run_id = scheduler.trigger_run("ingest_sector", "s087")
    (_, _, request) = airflow.asked[-1]
    assert request == {
        "dag_run_id": run_id,
        "logical_date": None,
        "conf": {},
        "partition_key": "s087",
    }
    assert run_id.startswith("manual__")
    assert run_id != scheduler.trigger_run("ingest_sector", "s087")


def test_what_meets_a_locked_database_is_asked_again_under_the_same_id(airflow, scheduler):
    airflow.troubles = 3
    run_id = scheduler.trigger_run("ingest_sector")
    assert [request["dag_run_id"] for _, _, request in airflow.asked] == [run_id] * 4
    # a try may have done its work without telling
    assert scheduler.trigger_run("taken").startswith("manual__")
    scheduler.approve("publish_release", "answered", "approve")


def test_a_trouble_that_stays_is_told_with_its_words(airflow, scheduler):
    airflow.troubles = 100
    with pytest.raises(ServiceUnavailable, match=r"ingest_sector/dagRuns.*500.*database is locked"):
        scheduler.runs("ingest_sector")
    assert len(airflow.asked) == TRIES


def test_an_event_is_about_the_asset_of_exactly_that_name(airflow, scheduler):
    scheduler.emit_asset_event("label_set")
    assert airflow.asked[-1][2] == {"asset_id": 3, "extra": {}}


def test_an_asset_that_no_dag_names_is_missing(scheduler):
    with pytest.raises(MissingInput, match="sector_raw"):
        scheduler.emit_asset_event("sector_raw")


def test_runs_are_told_with_their_seconds(scheduler):
    done, running = scheduler.runs("ingest_sector")
    assert (done["partition_key"], done["state"], done["seconds"]) == ("s087", "success", 90.5)
    assert (running["partition_key"], running["seconds"]) == ("", None)
    assert scheduler.run_state("ingest_sector", "manual__1") == "success"


def test_a_run_is_queued_under_its_own_id_and_place(airflow, scheduler):
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    new = scheduler.queue_run(
        "ingest_sector", "backfill_s087__d1__1", "s087", run_after=at, conf={"a": 1}, note="why"
    )
    assert new is True
    assert airflow.asked[-1][2] == {
        "dag_run_id": "backfill_s087__d1__1",
        "logical_date": None,
        "partition_key": "s087",
        "run_after": "2026-11-23T10:00:00+00:00",
        "conf": {"a": 1},
        "note": "why",
    }


def test_a_run_that_is_there_already_is_no_error_and_anything_else_is(scheduler):
    at = datetime(2026, 11, 23, 10, tzinfo=UTC)
    assert scheduler.queue_run("taken", "a", "s087", run_after=at) is False
    with pytest.raises(WrongConfiguration, match="bad request"):
        scheduler.queue_run("wrong", "a", "s087", run_after=at)


def test_a_note_stands_beside_a_run(airflow, scheduler):
    scheduler.note_run("watch_promotion", "a b", "why " * 300)
    assert airflow.asked[-1][2] == {"note": ("why " * 300)[:1000]}


def test_an_event_may_be_about_one_sector(airflow, scheduler):
    scheduler.emit_asset_event("label_set", "s087")
    assert airflow.asked[-1][2] == {"asset_id": 3, "extra": {}, "partition_key": "s087"}


def test_runs_are_found_through_all_pages(airflow, scheduler):
    found = scheduler.find_runs("many", prefix="backfill_", states=["queued", "running"])
    assert [run["run_id"] for run in found] == [f"backfill_{number}" for number in range(150)]
    assert [asked["offset"] for _, _, asked in airflow.asked] == ["0", "100"]
    assert airflow.asked[0][2]["run_id_prefix_pattern"] == "backfill_"
    assert scheduler.find_runs("many", prefix="other") == []


def test_mapped_tasks_are_counted_by_state(airflow, scheduler):
    assert scheduler.count_tasks("many", "a b/c", "pull_shard") == 5
    assert scheduler.count_tasks("many", "a b/c", "pull_shard", ["success"]) == 2
    assert airflow.asked[-1][2] == {"task_id": "pull_shard", "state": "success", "limit": "1"}


def test_a_question_to_a_person_is_answered(airflow, scheduler):
    (question,) = scheduler.waiting_approvals()
    assert (question["dag_id"], question["task_id"]) == ("publish_release", "approve")
    scheduler.approve("publish_release", "r", "approve", "Approve", "looks right")
    assert airflow.asked[-1][2] == {
        "chosen_options": ["Approve"],
        "params_input": {"note": "looks right"},
    }


def test_an_expired_login_is_renewed(airflow, scheduler):
    scheduler.run_state("ingest_sector", "manual__1")
    airflow.token = "second"
    assert scheduler.run_state("ingest_sector", "manual__1") == "success"


def test_a_wrong_password_says_which_variables_to_set(airflow):
    with pytest.raises(WrongConfiguration, match="CALNET_AIRFLOW_PASSWORD"):
        open_scheduler(airflow.url, "admin", "guess").runs("ingest_sector")


def test_a_server_that_is_away_may_be_back_later():
    away = open_scheduler("http://127.0.0.1:1", "admin", "secret", first_wait_s=0.01)
    with pytest.raises(ServiceUnavailable):
        away.runs("ingest_sector")
