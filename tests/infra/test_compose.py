import json
import re
import subprocess
import sys
from configparser import ConfigParser
from urllib.parse import urlsplit

import pytest

from calnet_ops.adapters.registry import moved
from calnet_ops.platform import Paths
from tests.infra.conftest import REPO, find_program

AIRFLOW_PARTS = {"airflow-api", "airflow-scheduler", "airflow-dag-processor", "airflow-triggerer"}
ONCE = {"prepare", "airflow-migrate"}


def environment(service) -> dict[str, str | None]:
    return service.get("environment", {})


def argument(service, name: str) -> str:
    return next(word.split("=", 1)[1] for word in service["command"] if word.startswith(name + "="))


def test_the_file_is_what_the_specification_says():
    program = find_program("check-jsonschema")
    command = (program, "--builtin-schema", "vendor.compose-spec", str(REPO / "docker-compose.yml"))
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_all_parts_of_the_platform_are_there(services):
    workers = {f"worker-{queue}" for queue in ("io", "cpu", "train")}
    stores = {"postgres", "redis", "s3", "mlflow"}
    pages = {"web", "prometheus", "grafana"}
    assert set(services) == AIRFLOW_PARTS | ONCE | workers | stores | pages


def test_every_queue_of_the_policy_has_workers_and_no_other_is_listened_to(services):
    policy = (REPO / "calnet_ops" / "orchestration" / "policy.py").read_text()
    queues = set(re.findall(r'_policy\("(\w+)"', policy))
    workers = [service for name, service in services.items() if name.startswith("worker-")]
    assert {argument(worker, "--queues") for worker in workers} == queues
    assert environment(workers[0])["AIRFLOW__OPERATORS__DEFAULT_QUEUE"] in queues


def test_nothing_is_published_except_on_loopback(services):
    ports = [port for service in services.values() for port in service.get("ports", [])]
    assert ports
    assert all(port.startswith("127.0.0.1:") for port in ports)
    assert not any("network_mode" in service for service in services.values())


def test_every_server_says_how_it_is_comes_back_and_may_do_little(services):
    for name, service in services.items():
        assert ("healthcheck" in service) == (name not in ONCE), name
        assert service["restart"] == ("on-failure:5" if name in ONCE else "unless-stopped"), name
        assert service["cap_drop"] == ["ALL"], name
        assert not service.get("privileged"), name
        assert "build" in service or service["user"] not in {"root", "0"}, name


def test_who_is_waited_for_exists_and_can_be_waited_for(services):
    for name, service in services.items():
        waits = service.get("depends_on", {})
        for other, how in waits.items():
            completed = how.get("condition") == "service_completed_successfully"
            assert completed == (other in ONCE), f"{name} waits for {other}"
            has_profile = "profiles" in services[other]
            assert has_profile <= (how.get("required") is False), f"{other} may not be there"


@pytest.mark.parametrize(
    "name",
    [
        "AIRFLOW__API_AUTH__JWT_SECRET",
        "AIRFLOW__API__SECRET_KEY",
        "AIRFLOW__CORE__FERNET_KEY",
        "AIRFLOW__CELERY__BROKER_URL",
        "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN",
    ],
)
def test_all_of_airflow_shares_its_secrets(services, name):
    parts = {part for part in services if part.startswith(("airflow-", "worker-"))}
    assert len({environment(services[part])[name] for part in parts}) == 1


def test_no_secret_stands_in_the_file(services):
    # NAME_URL and the like carry a password inside, so their texts are looked at as well
    secret = re.compile(r"PASSWORD|SECRET|FERNET|_KEY$|ACCESS_KEY|CONN$|BROKER|RESULT_BACKEND")
    for name, service in services.items():
        for variable, value in environment(service).items():
            if secret.search(variable) and value is not None:
                assert "${" in str(value), f"{name}: {variable}"


def test_every_mounted_file_and_every_named_volume_exists(compose, services):
    for name, service in services.items():
        for mount in service.get("volumes", []):
            source = mount.split(":")[0]
            if source.startswith("."):
                assert (REPO / source).exists(), f"{name}: {source}"
                assert mount.endswith(":ro"), f"{name}: {source}"
            else:
                assert source in compose["volumes"], f"{name}: {source}"
        for secret in service.get("secrets", []):
            assert secret in compose["secrets"]


def test_every_build_has_its_dockerfile(services):
    for service in services.values():
        if "build" in service:
            context = REPO / service["build"]["context"]
            assert (context / service["build"].get("dockerfile", "Dockerfile")).is_file()


def test_foreign_images_have_a_version(services):
    for service in services.values():
        if "build" not in service:
            tag = service["image"].partition(":")[2]
            assert re.search(r"\d", tag), service["image"]


def test_places_are_services_of_the_file(services, env_example):
    paths = Paths.model_validate_json((REPO / "infra" / "paths.compose.json").read_text())
    ports = {
        "mlflow": argument(services["mlflow"], "--port"),
        "airflow-api": argument(services["airflow-api"], "--port"),
        "web": argument(services["web"], "--port"),
        "s3": argument(services["s3"], "-s3.port"),
    }
    for url in (paths.mlflow, paths.airflow, paths.web, str(paths.store.endpoint)):
        place = urlsplit(url)
        assert place.hostname is not None
        assert str(place.port) == ports[place.hostname]
    assert urlsplit(paths.database).hostname in services
    assert paths.store.endpoint == env_example["S3_ENDPOINT"]
    assert argument(services["mlflow"], "--artifacts-destination").startswith(
        f"s3://{paths.store.bucket}/"
    )


def test_mlflow_notes_who_moves_the_alias(services):
    mlflow = services["mlflow"]
    login = ConfigParser()
    login.read(REPO / "mlflow" / "basic_auth.ini")
    module, function = login["mlflow"]["authorization_function"].split(":")
    (mount,) = mlflow["volumes"]
    source, target, _ = mount.split(":")
    assert target == f"{environment(mlflow)['PYTHONPATH']}/{module}.py"
    text = (REPO / source).read_text()
    assert f"def {function}(" in text
    tops = [line for line in text.splitlines() if line.startswith(("import ", "from "))]
    assert all(line.split()[1].partition(".")[0] in sys.stdlib_module_names for line in tops)
    assert moved.SECRET_VARIABLE in environment(mlflow)


def test_links_for_people_are_the_published_ports(services, env_example):
    links = json.loads((REPO / "infra" / "paths.compose.json").read_text())["links"]
    for name, service in (("airflow", "airflow-api"), ("mlflow", "mlflow")):
        (port,) = services[service]["ports"]
        assert links[name] == f"http://{port.rpartition(':')[0]}"
    assert env_example["AIRFLOW_PUBLIC_URL"] == links["airflow"]


def test_mlflow_answers_to_the_names_it_is_called_by(services, env_example):
    allowed = env_example["MLFLOW_ALLOWED_HOSTS"].split(",")
    paths = json.loads((REPO / "infra" / "paths.compose.json").read_text())
    assert urlsplit(paths["mlflow"]).netloc in allowed
    assert urlsplit(paths["links"]["mlflow"]).netloc in allowed
