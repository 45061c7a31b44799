"""What every DAG of the platform promises, whatever it does."""

import ast
import json
import os
import re
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from pathlib import Path

import pytest
from croniter import croniter

from calnet_ops.steps import backfill, trigger

PROJECT = Path(__file__).parents[2]
DAGS = sorted((PROJECT / "dags").glob("*.py"))
EXPECTED = {
    "detect_sectors", "ingest_sector", "score_sector", "retrain", "watch_promotion",
    "publish_release", "audit",
}  # fmt: skip
HEAVY = {
    "tensorflow",
    "numba",
    "keras",
    "mlflow",
    "great_expectations",
    "boto3",
    "sqlalchemy.orm",
    "astropy",
}
PARSE_LIMIT_S = 2.0

PARSE = """
import importlib, json, socket, sys, time
sys.path[:0] = ["dags", "."]

def refuse(*words, **more):
    raise AssertionError("a DAG file opened a connection while it was parsed")

import airflow.sdk
airflow.sdk.dag, airflow.sdk.Asset
before = set(sys.modules)
socket.socket.connect = refuse
from airflow.sdk.definitions._internal.contextmanager import DagContext
start = time.perf_counter()
for name in sys.argv[1:]:
    DagContext.current_autoregister_module_name = name
    importlib.import_module(name)
took = time.perf_counter() - start
found = {}
for dag, module in DagContext.autoregistered_dags:
    found[dag.dag_id] = {
        "schedule": type(dag.schedule).__name__,
        "params": list(dag.params), "at_once": dag.max_active_runs,
        "doc_md": dag.doc_md, "tags": sorted(dag.tags), "catchup": dag.catchup,
        "tasks": [
            {"task_id": t.task_id, "owner": t.owner, "retries": t.retries, "queue": t.queue,
             "has_policy": getattr(t, "retry_policy", None) is not None,
             "at_once": t.max_active_tis_per_dag, "is_mapped": hasattr(t, "expand_input"),
             "upstream": sorted(t.upstream_task_ids), "downstream": sorted(t.downstream_task_ids),
             "links": [link.name for link in t.operator_extra_links]}
            for t in dag.tasks
        ],
    }
print(json.dumps({"dags": found, "took": took, "modules": sorted(set(sys.modules) - before)}))
"""


@pytest.fixture(scope="module")
def parsed(tmp_path_factory):
    """All DAG files parsed in a process of their own."""
    home = tmp_path_factory.mktemp("airflow")
    answer = subprocess.run(
        [sys.executable, "-c", PARSE, *(file.stem for file in DAGS)],
        cwd=PROJECT,
        env={**os.environ, "AIRFLOW_HOME": str(home)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert answer.returncode == 0, answer.stderr
    return json.loads(answer.stdout.splitlines()[-1])


def test_there_are_exactly_the_dags_of_the_design(parsed):
    assert set(parsed["dags"]) == EXPECTED == {file.stem for file in DAGS}


def test_parsing_is_quick_beyond_the_import_of_airflow(parsed):
    assert parsed["took"] < PARSE_LIMIT_S


def test_parsing_imports_nothing_heavy(parsed):
    assert not HEAVY & set(parsed["modules"])


def test_every_dag_explains_itself_in_the_ui(parsed):
    for dag_id, dag in parsed["dags"].items():
        assert dag["doc_md"].strip().startswith(f"# {dag_id}")
        for part in ("Starts when", "Reads", "Writes", "Event", "If it fails"):
            assert part in dag["doc_md"], (dag_id, part)
        assert dag["tags"]
        assert not dag["catchup"]


@pytest.mark.parametrize("dag_id", ["retrain", "publish_release"])
def test_what_waits_for_events_looks_at_the_clock_too(parsed, dag_id):
    assert parsed["dags"][dag_id]["schedule"] == "AssetOrTimeSchedule"


def test_every_task_has_an_owner_retries_and_the_policy_of_the_error_tree(parsed):
    for dag in parsed["dags"].values():
        for task in dag["tasks"]:
            assert task["owner"] == "data-ops"
            assert task["retries"] >= 1
            assert task["queue"] in {"io", "cpu", "train"}
            assert task["has_policy"], task


def test_pulls_are_few_over_all_runs_and_not_only_in_one(parsed):
    tasks = {task["task_id"]: task for task in parsed["dags"]["ingest_sector"]["tasks"]}
    assert tasks["pull_shard"]["is_mapped"]
    assert tasks["pull_shard"]["at_once"] == 2


def test_an_archive_may_be_down_for_days_without_a_red_ingest(parsed):
    tasks = parsed["dags"]["ingest_sector"]["tasks"]
    assert all(task["retries"] == 72 for task in tasks)


def test_a_run_of_a_back_fill_is_told_that_it_may_list_its_sector():
    assert f'conf.get("{backfill.LIST}")' in (PROJECT / "dags" / "ingest_sector.py").read_text()


def test_a_training_is_decided_about_first_and_has_no_second_beside_it(parsed):
    retrain = parsed["dags"]["retrain"]
    tasks = {task["task_id"]: task for task in retrain["tasks"]}
    assert tasks["train"]["upstream"] == ["decide"]
    assert tasks["decide"]["upstream"] == []
    assert retrain["at_once"] == 1
    assert tasks["preview"]["upstream"] == ["judge"]
    margins = {"max_loss", "max_part_loss"}
    assert set(retrain["params"]) == set(trigger.Wish.__annotations__) | margins
    text = (PROJECT / "dags" / "retrain.py").read_text()
    assert "assets.LABEL_SET | assets.DRIFT" in text


def test_the_alias_is_looked_at_every_five_minutes_if_the_webhook_is_lost():
    text = (PROJECT / "dags" / "watch_promotion.py").read_text()
    (cron,) = re.findall(r'policy.every\("([^"]+)"', text)
    times = croniter(cron, datetime(2026, 11, 23, tzinfo=UTC), ret_type=datetime)
    looks = [times.get_next() for _ in range(300)]
    assert max(b - a for a, b in pairwise(looks)) <= timedelta(minutes=5)


def test_data_docs_are_a_button_on_the_task_that_writes_them(parsed):
    links = {task["task_id"]: task["links"] for task in parsed["dags"]["ingest_sector"]["tasks"]}
    assert links.pop("validate") == ["Data Docs"]
    assert not any(links.values())


def test_drift_has_its_page_and_holds_nothing_up(parsed):
    tasks = {task["task_id"]: task for task in parsed["dags"]["score_sector"]["tasks"]}
    assert tasks["watch_drift"]["links"] == ["Data Docs"]
    assert tasks["watch_drift"]["downstream"] == []
    assert tasks["watch_drift"]["upstream"] == ["combine_targets"]
    assert tasks["characterise"]["upstream"] == ["combine_targets"]
    assert tasks["announce"]["upstream"] == ["attribute"]


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_a_dag_file_is_one_page_that_imports_only_orchestration(file):
    tree = ast.parse(file.read_text())
    top = [node for node in tree.body if isinstance(node, ast.ImportFrom | ast.Import)]
    ours = [node.module for node in top if isinstance(node, ast.ImportFrom) and node.module]
    assert all(name == "calnet_ops.orchestration" for name in ours if name.startswith("calnet_ops"))
    assert len(file.read_text().splitlines()) <= 120


@pytest.mark.parametrize("file", DAGS, ids=lambda file: file.stem)
def test_pages_that_a_dag_names_exist(file):
    page = next(word for word in file.read_text().split("`") if word.startswith("docs/"))
    assert (PROJECT / page).is_file()
