import json
import re
import subprocess
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from calnet_ops.web.metrics import FAMILIES
from tests.infra.conftest import REPO, find_program

PROMETHEUS = REPO / "infra" / "prometheus"
DASHBOARDS = REPO / "infra" / "grafana" / "dashboards"

LABELS = {
    f"{family.name}_total" if family.kind == "counter" else family.name: set(family.labels)
    for family in FAMILIES
}
"""Labels by the name that Prometheus sees."""


def rules() -> list[dict[str, Any]]:
    groups = yaml.safe_load((PROMETHEUS / "rules.yml").read_text())["groups"]
    return [rule for group in groups for rule in group["rules"]]


def panels() -> list[dict[str, Any]]:
    return [
        panel
        for file in DASHBOARDS.glob("*.json")
        for panel in json.loads(file.read_text())["panels"]
    ]


def expressions() -> Iterator[str]:
    yield from (rule["expr"] for rule in rules())
    yield from (target["expr"] for panel in panels() for target in panel["targets"])


def test_every_question_is_about_metrics_and_labels_that_exist():
    for expression in expressions():
        for name in re.findall(r"\bcalnet_\w+", expression):
            assert name in LABELS, expression
        for name, chosen in re.findall(r"\b(calnet_\w+)\{([^}]*)\}", expression):
            assert set(re.findall(r"(\w+)=", chosen)) <= LABELS[name], expression


def test_the_dashboard_shows_what_a_shift_looks_for():
    asked = " ".join(target["expr"] for panel in panels() for target in panel["targets"])
    for name in (
        "sectors_halted",
        "vetting_waiting",
        "champion_version",
        "quarantined_files",
        "drift_excess_ratio",
    ):
        assert f"calnet_{name}" in asked


def test_panels_do_not_lie_on_each_other():
    cells = [
        (x, y)
        for place in (panel["gridPos"] for panel in panels())
        for x in range(place["x"], place["x"] + place["w"])
        for y in range(place["y"], place["y"] + place["h"])
    ]
    assert len(cells) == len(set(cells))
    assert max(x for x, _ in cells) < 24


def test_panels_ask_the_source_that_is_set_up():
    file = REPO / "infra" / "grafana" / "provisioning" / "datasources" / "prometheus.yml"
    (source,) = yaml.safe_load(file.read_text())["datasources"]
    uids = {target["datasource"]["uid"] for panel in panels() for target in panel["targets"]}
    assert uids == {source["uid"]}


def test_every_alert_says_what_to_do():
    for rule in rules():
        assert rule["labels"]["severity"] in {"page", "ticket"}
        assert set(rule["annotations"]) == {"summary", "action"}


def test_every_alert_is_tried():
    tried = "".join(file.read_text() for file in PROMETHEUS.glob("rules_test*.yml"))
    assert [rule["alert"] for rule in rules() if f"alertname: {rule['alert']}" not in tried] == []


@pytest.mark.parametrize(
    "words",
    [
        ("check", "config", "--syntax-only", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", "rules_test.yml", "rules_test_days.yml"),
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_promtool_agrees(words):
    command = (find_program("promtool"), *words)
    done = subprocess.run(command, cwd=PROMETHEUS, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


def test_prometheus_asks_the_pages_with_the_password_that_compose_hands_it(compose):
    config = yaml.safe_load((PROMETHEUS / "prometheus.yml").read_text())
    (job,) = [job for job in config["scrape_configs"] if job["job_name"] == "calnet"]
    assert job["static_configs"] == [{"targets": ["web:8081"]}]
    secret = job["basic_auth"]["password_file"].removeprefix("/run/secrets/")
    assert secret in compose["services"]["prometheus"]["secrets"]
