import pytest
from fastapi import FastAPI

from calnet_ops.web.app import make_app
from tests.support.web_client import TestClient
from tests.web.conftest import VETTER, promote_against_the_gate


@pytest.fixture
def stranger(filled_platform):
    """A client on this machine without a name."""
    app = make_app(filled_platform, users=dict([VETTER]))
    return TestClient(app, client=("127.0.0.1", 5), follow_redirects=False)


@pytest.mark.parametrize("path", ["/ops", "/ops.json", "/docs/s087/index.html"])
def test_pages_want_a_login(stranger, path):
    assert stranger.get(path).status_code == 401
    assert stranger.get(path, auth=(VETTER[0], "wrong")).status_code == 401
    assert stranger.get(path, auth=("nobody", "")).status_code == 401
    assert stranger.get(path, auth=VETTER).status_code == 200


def test_health_and_metrics_are_open_on_this_machine(stranger):
    assert stranger.get("/health").json() == {"status": "ok"}
    assert "calnet_vetting_waiting" in stranger.get("/metrics").text


def test_metrics_want_a_login_from_elsewhere(filled_platform):
    app = make_app(filled_platform, users=dict([VETTER]))
    far = TestClient(app, client=("192.0.2.7", 5))
    assert far.get("/metrics").status_code == 401
    assert far.get("/metrics", auth=VETTER).status_code == 200


def test_without_users_nobody_gets_in(filled_platform, monkeypatch):
    monkeypatch.delenv("CALNET_WEB_USERS", raising=False)
    answer = TestClient(make_app(filled_platform)).get("/ops", auth=VETTER)
    assert answer.status_code == 503
    assert "CALNET_WEB_USERS" in answer.text


def test_users_come_from_the_environment(filled_platform, monkeypatch):
    monkeypatch.setenv("CALNET_WEB_USERS", '{"ada": "correct horse"}')
    assert TestClient(make_app(filled_platform)).get("/ops", auth=VETTER).status_code == 200


def test_the_ops_page_shows_the_sectors(pages):
    text = pages.get("/ops").text
    for words in ("s087", "halted", "93 MB/s", "no verdict", "v2026.11.0-simulated", "Version 1"):
        assert words in text
    assert pages.get("/ops.json").json()["waiting"]["n_candidate"] == 5


def test_without_airflow_the_ops_page_still_shows_the_rest(pages, scheduler):
    scheduler.broken = True
    text = pages.get("/ops").text
    assert "Airflow does not answer" in text
    assert "s087" in text


def test_a_slow_airflow_does_not_hold_the_ops_page(pages, scheduler, monkeypatch):
    monkeypatch.setattr("calnet_ops.web.routes.ops.PATIENCE_S", 0.01)
    scheduler.delay_s = 0.2
    assert "Airflow does not answer" in pages.get("/ops").text


def test_an_empty_platform_has_an_ops_page(platform, scheduler):
    platform.__dict__["scheduler"] = scheduler
    with TestClient(make_app(platform, users=dict([VETTER]))) as client:
        answer = client.get("/ops", auth=VETTER)
    assert answer.status_code == 200
    assert "No sector has been seen yet" in answer.text


def test_the_ops_page_tells_who_promoted_and_what_was_against_it(pages, filled_platform):
    text = pages.get("/ops").text
    assert "Against the gate" not in text
    assert "17 labels have changed" in text
    assert "<td>ben</td><td>no verdict</td>" in text
    promote_against_the_gate(filled_platform)
    text = pages.get("/ops").text
    for part in (
        "Against the gate. The reason given: version 1 calls every star",
        "<dd>anna",
        "version 1</a></span>",
        "recall of EW: found 0.71",
    ):
        assert part in text
    champion = pages.get("/ops.json").json()["champion"]
    assert (champion["actor"], champion["previous_version"]) == ("anna", 1)


def judge(platform, version, verdict, reasons=()):
    facts = {"version": version, "verdict": verdict, "reasons": list(reasons)}
    key = f"{version}-{verdict}.json"
    platform.ledger.record("gate", 0, key, model_id=f"of {version}", facts=facts)


def test_a_version_that_passed_the_gate_waits_for_a_person(pages, filled_platform):
    link = f'<a href="{filled_platform.links.mlflow}/#/models/calnet/versions/3" title="in MLflow">'
    judge(filled_platform, 1, "pass")  # is in production
    assert "No newer version waits." in pages.get("/ops").text
    judge(filled_platform, 3, "fail", ["recall: low"])
    assert f"no to {link}version 3</a>: recall: low." in pages.get("/ops").text
    judge(filled_platform, 3, "pass")
    assert f'<p class="big">{link}Version 3</a></p>' in pages.get("/ops").text
    promote_against_the_gate(filled_platform)  # version 3
    assert pages.get("/ops.json").json()["waiting"]["challenger"] is None


def test_drift_is_on_the_ops_page_with_a_link_to_its_figure(pages):
    text = pages.get("/ops").text
    assert '<a href="docs/s087/drift/index.html" class="bad">warn</a>' in text
    assert '<a href="docs/s086/drift/index.html">usual</a>' in text
    assert "for a recall of 0.9" in text
    assert pages.get("/docs/s087/drift/").text == "<h1>Drift</h1>"


def test_data_docs_of_a_folder_are_a_page_and_no_download(pages):
    answer = pages.get("/docs/s087/")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/html")


def test_data_docs_come_from_the_store_without_the_vetters_rights(pages):
    answer = pages.get("/docs/s087")
    assert answer.text == "<h1>Data Docs</h1>"
    assert answer.headers["content-type"].startswith("text/html")
    assert "sandbox" in answer.headers["content-security-policy"]


@pytest.mark.parametrize(
    ("path", "step", "sector", "docs"),
    [
        ("/docs/s087/features/", "validate-features", 87, "checks/s087/f-docs/index.html"),
        ("/docs/catalog/", "validate-catalog", 0, "checks/catalog/c-docs/index.html"),
    ],
)
def test_data_docs_of_features_and_catalog_are_shown_too(
    filled_platform, pages, path, step, sector, docs
):
    assert pages.get(path).status_code == 404
    filled_platform.store.save_new(docs, b"<h1>Judged</h1>", "text/html")
    filled_platform.ledger.record(step, sector, f"{step}.json", facts={"docs": docs})
    assert pages.get(path).text == "<h1>Judged</h1>"


@pytest.mark.parametrize("path", ["/docs/s089/index.html", "/docs/s087/%2e%2e/other.json"])
def test_nothing_but_data_docs_is_served(pages, path):
    assert pages.get(path).status_code == 404


def test_pages_hold_under_a_prefix(filled_platform):
    outer = FastAPI()
    outer.mount("/calnet", make_app(filled_platform, users=dict([VETTER])))
    with TestClient(outer) as client:
        client.auth = VETTER
        assert client.get("/calnet/").url.path == "/calnet/ops"
        text = client.get("/calnet/ops").text
        assert 'src="/' not in text
        assert 'href="/' not in text
        assert client.get("/calnet/static/calnet.css").status_code == 200
        assert client.get("/calnet/docs/s087").url.path == "/calnet/docs/s087/index.html"


def test_pages_load_nothing_from_elsewhere(pages):
    answer = pages.get("/ops")
    assert "default-src 'self'" in answer.headers["content-security-policy"]
    assert "<style" not in answer.text
    assert "style=" not in answer.text
