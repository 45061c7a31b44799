"""The alias moved in MLflow's UI, and by REST as the UI does it, until production has followed."""

import time
from base64 import b64decode
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect, sync_playwright

from calnet_ops import keys
from calnet_ops.adapters.registry.moved import SECRET_VARIABLE
from calnet_ops.lineage import canonical_json
from calnet_ops.platform import Platform
from calnet_ops.steps import one_file_page
from calnet_ops.steps.promote import follow_champion
from calnet_ops.web.app import make_app
from tests.support.browser import CHROMIUM_ARGUMENTS, chromium_path, serving
from tests.support.mlflow_servers import mlflow_server
from tests.support.platforms import make_platform
from tests.web.conftest import RecordingScheduler

pytestmark = [pytest.mark.system, pytest.mark.timeout(600), pytest.mark.enable_socket]

PROJECT = Path(__file__).parents[2]
KEY = "between us"
KEEPER = ("keeper", "correct horse battery")
ANNA = ("anna", "anna has a long password")
LOGIN = """
[mlflow]
default_permission = READ
database_uri = sqlite:///{folder}/auth.db
admin_username = keeper
admin_password = correct horse battery
authorization_function = calnet_ops.adapters.registry.moved:authenticate
"""
PIXEL = b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAAAAAA6fptVAAAACklEQVR4nGNgAAAAAgABSK+kcQAAAABJRU5ErkJggg=="
)
"""A PNG image."""
WHY = "version 1 calls every star of camera 3 a binary"


@pytest.fixture(scope="module")
def mlflow(tmp_path_factory) -> Iterator[str]:
    """A server with a keeper, and anna, who may edit the model."""
    folder = tmp_path_factory.mktemp("mlflow")
    (folder / "auth.ini").write_text(LOGIN.format(folder=folder))
    settings = {
        "MLFLOW_AUTH_CONFIG_PATH": str(folder / "auth.ini"),
        "MLFLOW_FLASK_SERVER_SECRET_KEY": "of the forms",
        "PYTHONPATH": str(PROJECT),
        SECRET_VARIABLE: KEY,
    }
    with mlflow_server(folder, ("--app-name", "basic-auth"), settings) as url:
        person = {"username": ANNA[0], "password": ANNA[1]}
        ask(url, KEEPER, "POST", "api/2.0/mlflow/users/create", person)
        model = {"name": "calnet"}
        ask(url, KEEPER, "POST", "api/2.0/mlflow/registered-models/create", model)
        grant = {"username": "anna", "resource_type": "registered_model", "permission": "EDIT"}
        grant |= {"resource_id": "calnet"}
        ask(url, KEEPER, "POST", "api/3.0/mlflow/users/permissions/grant", grant)
        yield url


@pytest.fixture(scope="module")
def platform(mlflow, tmp_path_factory):
    """A platform on that server, whose pages get its webhook."""
    folder = tmp_path_factory.mktemp("platform")
    made = make_platform(folder)
    platform = Platform(made.paths.model_copy(update={"mlflow": mlflow}), folder)
    platform.__dict__.update(store=made.store, scheduler=RecordingScheduler())
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("MLFLOW_TRACKING_USERNAME", KEEPER[0])
        patch.setenv("MLFLOW_TRACKING_PASSWORD", KEEPER[1])
        patch.setenv(SECRET_VARIABLE, KEY)
        with serving(make_app(platform, users={})) as pages:
            platform.registry.send_webhook(f"{pages}/hooks/mlflow", KEY)
            yield platform


def ask(url, person, method, call, content):
    answer = httpx.request(method, f"{url}/{call}", json=content, auth=person, timeout=60)
    assert answer.is_success, answer.text
    return answer.json()


def add_version(platform, model_id, verdict):
    """A version with the gate's verdict; its run has no model, which nobody asks for here."""
    url = platform.paths.mlflow
    run = ask(url, KEEPER, "POST", "api/2.0/mlflow/runs/create", {"experiment_id": "0"})
    info = run["run"]["info"]
    content = {
        "name": "calnet",
        "source": f"{info['artifact_uri']}/model",
        "run_id": info["run_id"],
        "description": "Gate: findings",
        "tags": [{"key": "model_id", "value": model_id}],
    }
    answer = ask(url, KEEPER, "POST", "api/2.0/mlflow/model-versions/create", content)
    version = int(answer["model_version"]["version"])
    model = {"threshold": 0.5, "simulated": True, "features": "v1"}
    platform.store.save_new(keys.model(model_id, "model.json"), canonical_json(model))
    platform.store.save_new(keys.model(model_id, "calnet.npz"), b"weights")
    facts = {"version": version, "verdict": verdict, "reasons": ["recall: low"]}
    platform.ledger.record("train", 0, model_id, model_id=model_id, facts=facts)
    platform.ledger.record("gate", 0, model_id, model_id=model_id, facts=facts)
    return version


def click(platform, version):
    """Move the alias as anna does in the UI; look when the webhook has called."""
    started = platform.scheduler.started
    n_before = len(started)
    move = {"name": "calnet", "alias": "champion", "version": str(version)}
    call = "ajax-api/2.0/mlflow/registered-models/alias"
    ask(platform.paths.mlflow, ANNA, "POST", call, move)
    end = time.monotonic() + 30
    while len(started) == n_before and time.monotonic() < end:
        time.sleep(0.05)
    assert started[n_before:] == ["watch_promotion"]
    return follow_champion(platform)


def wait_for_calls(platform, n_call):
    """Let the call about the alias put back come in, so that it is not taken for another."""
    end = time.monotonic() + 30
    while len(platform.scheduler.started) < n_call and time.monotonic() < end:
        time.sleep(0.05)


def test_a_click_promotes_a_click_is_refused_and_a_reason_overrides(platform):
    registry, ledger, url = platform.registry, platform.ledger, platform.paths.mlflow
    good, bad = add_version(platform, "good", "pass"), add_version(platform, "bad", "fail")
    assert click(platform, good)["action"] == "promoted"
    kept = ledger.promotions()[-1]
    assert (kept.model_version, kept.actor, kept.seen_by) == (good, "anna", "webhook")
    assert kept.delivery
    assert kept.moved_utc <= kept.at_utc

    assert click(platform, bad)["action"] == "refused"
    kept = ledger.promotions()[-1]
    assert (kept.action, kept.actor, kept.previous_version) == ("refused", "anna", good)
    assert registry.champion_version() == good
    head, _, rest = registry.version(bad)["description"].partition("\n\n")
    assert "**refused**" in head
    assert "recall: low" in head
    assert rest == "Gate: findings"
    wait_for_calls(platform, 3)

    tag = {"name": "calnet", "version": str(bad), "key": "override", "value": WHY}
    ask(url, ANNA, "POST", "ajax-api/2.0/mlflow/model-versions/set-tag", tag)
    record = click(platform, bad)
    assert (record["action"], record["override"], record["actor"]) == ("promoted", WHY, "anna")
    assert "override" not in registry.version(bad)["tags"]
    assert "against the gate" in registry.version(bad)["description"]
    assert "was in production until" in registry.version(good)["description"]

    record = click(platform, good)  # the same click backwards
    assert (record["action"], record["previous_version"]) == ("promoted", bad)
    assert ledger.champion().model_id == "good"


def test_a_person_opens_the_preview_and_moves_the_alias_in_the_ui(platform):
    ledger, registry, url = platform.ledger, platform.registry, platform.paths.mlflow
    version = add_version(platform, "seen", "pass")
    page = one_file_page.page("If it were promoted", [one_file_page.picture(PIXEL, "stars")])
    run_id = registry.version(version)["run_id"]
    place = f"api/2.0/mlflow-artifacts/artifacts/0/{run_id}/artifacts/preview/preview.html"
    httpx.put(f"{url}/{place}", content=page, auth=KEEPER).raise_for_status()
    link = f"{registry.artifacts_link(run_id)}/preview/preview.html"
    registry.describe(version, f"**[Preview]({link})**")
    n_before = len(platform.scheduler.started)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=chromium_path(), args=CHROMIUM_ARGUMENTS
        )
        login = {"username": ANNA[0], "password": ANNA[1]}
        context = browser.new_context(http_credentials=login)
        shown = context.new_page()
        shown.goto(f"{url}/#/models/calnet/versions/{version}")
        with context.expect_page() as opened:
            shown.get_by_role("link", name="Preview", exact=True).click(timeout=20_000)
        picture = opened.value.frame_locator("iframe").get_by_alt_text("stars")
        expect(picture).to_have_js_property("naturalWidth", 1, timeout=20_000)

        shown.bring_to_front()
        shown.get_by_text("Add", exact=True).first.click()
        dialog = shown.get_by_role("dialog")
        dialog.get_by_role("combobox").fill("champion")
        dialog.get_by_role("combobox").press("Enter")
        dialog.get_by_role("button", name="Save aliases").click()
        wait_for_calls(platform, n_before + 1)
        browser.close()
    assert platform.scheduler.started[n_before:] == ["watch_promotion"]
    assert follow_champion(platform)["action"] == "promoted"
    kept = ledger.promotions()[-1]
    assert (kept.model_version, kept.actor, kept.seen_by) == (version, "anna", "webhook")
