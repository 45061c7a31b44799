"""Who moved the alias, as the login of a real MLflow server noted it."""

import json
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import httpx
import pytest

from calnet_ops.adapters.registry import MlflowRegistry, Moved
from calnet_ops.adapters.registry.moved import SECRET_VARIABLE, TAG, read_note, write_note
from tests.support.mlflow_servers import mlflow_server

PROJECT = Path(__file__).parents[3]
KEY = "between us"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC).replace(tzinfo=None)
ADMIN = ("keeper", "correct horse battery")
LOGIN = """
[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = keeper
admin_password = correct horse battery
authorization_function = calnet_ops.adapters.registry.moved:authenticate
"""


def test_a_note_says_who_and_when():
    at = EPOCH + timedelta(seconds=60)
    assert read_note(write_note("anna", "3", 60.0, KEY), KEY) == Moved("anna", 3, at)
    assert read_note(write_note("anna", "", 0.0, KEY), KEY) == Moved("anna", 0, EPOCH)


@pytest.mark.parametrize("part", ["by", "version", "at", "signature"])
def test_a_note_changed_by_hand_says_nothing(part):
    note = json.loads(write_note("anna", "3", 1.0, KEY))
    changed = json.dumps({**note, part: 7.5 if part == "at" else "4"})
    assert read_note(changed, KEY) is None
    assert read_note(json.dumps(note), "another key") is None


@pytest.mark.parametrize("text", ["", "anna", "[]", "{}", '{"by": "anna"}', "null"])
def test_what_is_no_note_says_nothing(text):
    assert read_note(text, KEY) is None


@pytest.fixture(scope="module")
def url(tmp_path_factory) -> Iterator[str]:
    folder = tmp_path_factory.mktemp("mlflow")
    file = folder / "auth.ini"
    file.write_text(LOGIN.format(folder=folder))
    settings = {
        "MLFLOW_AUTH_CONFIG_PATH": str(file),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the forms",
        "PYTHONPATH": str(PROJECT),
        SECRET_VARIABLE: KEY,
    }
    with mlflow_server(folder, ("--app-name", "basic-auth"), settings) as url:
        yield url


def ask(url, person, method, call, content, prefix="api/2.0"):
    with httpx.Client(base_url=f"{url}/{prefix}/mlflow", auth=person, timeout=60) as client:
        return client.request(method, call, json=content)


def moved_by(registry: MlflowRegistry) -> Moved:
    moved = registry.champion_moved(KEY)
    assert moved is not None
    return moved


@pytest.fixture(scope="module")
def people(url) -> dict[str, tuple[str, str]]:
    """Three accounts: anna may move the alias, ben and the crowd may look."""
    logins = {name: (name, f"{name} has a long password") for name in ("anna", "ben")}
    for name, password in logins.values():
        made = {"username": name, "password": password}
        assert ask(url, ADMIN, "POST", "/users/create", made).is_success
    assert ask(url, ADMIN, "POST", "/registered-models/create", {"name": "calnet"}).is_success
    run = ask(url, ADMIN, "POST", "/runs/create", {"experiment_id": "0"}).json()["run"]["info"]
    version = {"name": "calnet", "source": f"{run['artifact_uri']}/m", "run_id": run["run_id"]}
    for _ in range(2):
        made = ask(url, ADMIN, "POST", "/model-versions/create", version)
        assert made.is_success, made.text
    grant = {"username": "anna", "resource_type": "registered_model", "resource_id": "calnet"}
    granted = {**grant, "permission": "EDIT"}
    answer = ask(url, ADMIN, "POST", "/users/permissions/grant", granted, "api/3.0")
    assert answer.is_success, answer.text
    return logins


@pytest.mark.system
@pytest.mark.timeout(600)
class TestLogin:
    def test_who_moves_the_alias_is_noted_and_nobody_else(self, url, people):
        with httpx.Client(base_url=url, auth=ADMIN, timeout=60) as client:
            registry = MlflowRegistry(client)
            assert registry.champion_moved(KEY) is None
            registry.set_champion(1)
            assert moved_by(registry).actor == "keeper"
            move = {"name": "calnet", "alias": "champion", "version": "2"}
            call = "/registered-models/alias"
            began = time.time()
            # the UI's address
            answer = ask(url, people["anna"], "POST", call, move, "ajax-api/2.0")
            assert answer.is_success, answer.text
            moved = moved_by(registry)
            assert (moved.actor, moved.version) == ("anna", 2)
            assert abs(moved.at_utc.replace(tzinfo=UTC).timestamp() - began) < 60
            assert ask(url, people["ben"], "POST", call, move).status_code == 403
            assert ask(url, ("anna", "guessed"), "POST", call, move).status_code == 401
            assert ask(url, None, "POST", call, move).status_code == 401
            other = {**move, "alias": "challenger"}
            assert ask(url, ADMIN, "POST", call, other).is_success
            assert registry.champion_moved(KEY) == moved
            gone = {"name": "calnet", "alias": "champion"}
            # to take it away is more than to edit
            assert ask(url, people["anna"], "DELETE", call, gone).status_code == 403
            assert ask(url, ADMIN, "DELETE", call, gone).is_success
            assert moved_by(registry).version == 0

    def test_a_note_written_by_hand_is_no_note(self, url, people):
        forged = json.dumps({"by": "keeper", "version": "2", "at": 1.0, "signature": "00"})
        tag = {"name": "calnet", "key": TAG, "value": forged}
        assert ask(url, people["anna"], "POST", "/registered-models/set-tag", tag).is_success
        with httpx.Client(base_url=url, auth=ADMIN, timeout=60) as client:
            assert MlflowRegistry(client).champion_moved(KEY) is None

    def test_those_who_may_move_it_are_known(self, url, people):
        with httpx.Client(base_url=url, auth=ADMIN, timeout=60) as client:
            assert MlflowRegistry(client).champion_keepers() == ["anna", "keeper"]

    def test_tags_come_and_go_and_the_description_is_read(self, url, people):
        with httpx.Client(base_url=url, auth=ADMIN, timeout=60) as client:
            registry = MlflowRegistry(client)
            registry.tag(1, "override", "because")
            registry.describe(1, "**fine**")
            assert registry.version(1)["tags"] == {"override": "because"}
            assert registry.version(1)["description"] == "**fine**"
            registry.untag(1, "override")
            registry.untag(1, "override")
            assert registry.version(1)["tags"] == {}
