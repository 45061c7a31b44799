import json
import re
import subprocess
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

from tests.infra.conftest import REPO

IMAGE = "infra/Dockerfile"
OF_ONE_MACHINE = {"CALNET_SUPERVISOR"}
"""Set by the embedded installation for its own processes."""
OF_COMPOSE = {"COMPOSE_PROFILES"}
"""Read by Compose itself."""
OF_MONITORING = {"CALNET_METRICS_PASSWORD", "CALNET_DB_PASSWORD"}
"""Named after us, but for servers that are not ours."""


def read_by_code() -> set[str]:
    files = [*(REPO / "calnet_ops").rglob("*.py"), *(REPO / "dags").glob("*.py")]
    found = (re.findall(r'"(CALNET_[A-Z0-9_]+)"', file.read_text()) for file in files)
    return {name for names in found for name in names} - OF_ONE_MACHINE


def used_by_compose(compose) -> set[str]:
    text = (REPO / "docker-compose.yml").read_text()
    passed_on = {
        name
        for service in compose["services"].values()
        for name, value in service.get("environment", {}).items()
        if value is None
    }
    files = {secret["environment"] for secret in compose["secrets"].values()}
    return set(re.findall(r"(?<!\$)\$\{([A-Z0-9_]+)", text)) | passed_on | files


@pytest.mark.parametrize("name", ["airflow-api", "airflow-dag-processor", "worker-train", "web"])
def test_our_programs_get_every_variable_that_our_code_reads_and_no_other(services, name):
    in_image = set(re.findall(r"(CALNET_\w+)=", (REPO / IMAGE).read_text()))
    given = {key for key in services[name]["environment"] if key.startswith("CALNET_")}
    assert given | in_image == read_by_code()


def test_env_example_lists_what_the_compose_file_asks_for_and_no_more(compose, env_example):
    assert set(env_example) - OF_COMPOSE == used_by_compose(compose)
    ours = {name for name in env_example if name.startswith("CALNET_")} - OF_MONITORING
    assert ours <= read_by_code()


def test_env_example_holds_no_secret(env_example):
    secret = re.compile(r"PASSWORD|SECRET|_KEY$|USERS$")
    assert not [name for name, value in env_example.items() if secret.search(name) and value]


def test_a_new_env_has_a_secret_of_its_own_for_every_name(env_example):
    script = REPO / "infra" / "new_env.sh"
    text = subprocess.run((script,), capture_output=True, text=True, check=True).stdout
    made = dict(re.findall(r"^([A-Z][A-Z0-9_]*)=(.*)$", text, re.MULTILINE))
    blank = {name for name, value in env_example.items() if not value}
    secrets = [value for name, value in made.items() if name in blank]
    assert all(secrets)
    assert len(set(secrets)) == len(secrets)
    assert re.fullmatch(r"[\w-]{43}=", made["AIRFLOW_FERNET_KEY"])
    # it is put into URLs, where other letters would have to be escaped
    assert re.fullmatch(r"[0-9a-f]{64}", made["AIRFLOW_DB_PASSWORD"])
    users = json.loads(made["CALNET_WEB_USERS"].strip("'"))
    assert users["prometheus"] == made["CALNET_METRICS_PASSWORD"]


def test_env_files_are_never_committed():
    assert ".env" in (REPO / ".gitignore").read_text().splitlines()


def test_airflow_knows_every_setting_it_is_given(services):
    # a misspelt setting is ignored in silence
    known = airflow_settings()
    given = [name for name in services["worker-io"]["environment"] if name.startswith("AIRFLOW__")]
    assert given
    for name in given:
        _, section, option = name.lower().split("__")
        if section not in {"celery", "fab"}:
            assert option in known[section], name


def airflow_settings() -> dict[str, set[str]]:
    spec = find_spec("airflow")
    if spec is None or spec.origin is None:
        pytest.skip("airflow is not here")
    file = Path(spec.origin).parent / "config_templates" / "config.yml"
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    sections = yaml.load(file.read_text(), Loader=loader)  # noqa: S506 - a safe loader
    return {name: set(section["options"]) for name, section in sections.items()}
