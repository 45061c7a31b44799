import base64
import re
from collections import Counter
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from calnet_ops.adapters.ledger import Decision
from calnet_ops.science.labels.consensus import consensus
from calnet_ops.web import vetting
from calnet_ops.web.curves import draw_curve, thin_out
from calnet_ops.web.login import TOKEN_HEADER
from tests.web.conftest import FIRST_TIC, VETTER, candidate, write_candidates

EB = {"tic": FIRST_TIC, "sector": 87, "verdict": "EB", "eb_type": "EA"}


@pytest.fixture
def token(pages) -> dict[str, str]:
    """Headers of a decision sent by our page."""
    found = re.search(r'data-token="(\w+)"', pages.get("/vet").text)
    assert found
    return {TOKEN_HEADER: found[1]}


def test_no_key_has_two_meanings_and_no_action_two_keys():
    assert max(Counter(item.key for item in vetting.KEYS).values()) == 1
    assert max(Counter(item.action for item in vetting.KEYS).values()) == 1


def test_two_vetters_see_the_same_stars_in_different_order(filled_platform):
    rows = [candidate(FIRST_TIC + i, 90) for i in range(30)]
    write_candidates(filled_platform, 90, rows)
    filled_platform.ledger.add_delivery(90, 1, state="raw", n_listed=1, listing_sha256="3" * 64)
    ada, bob = (
        [star["tic"] for star in vetting.vetting_queue(filled_platform, name)["stars"]]
        for name in ("ada", "bob")
    )
    assert sorted(ada) == sorted(bob)
    assert ada != bob
    assert ada != sorted(ada)


def test_a_star_in_two_sectors_is_judged_once(filled_platform):
    stars = vetting.vetting_queue(filled_platform, "ada")["stars"]
    assert len(stars) == 5
    assert next(star["sectors"] for star in stars if star["tic"] == FIRST_TIC) == [87, 86]


def test_the_models_opinion_is_hidden_until_the_star_is_judged(pages, token):
    path = f"/vet/stars/{FIRST_TIC}/87"
    before = pages.get(path).json()
    assert before["period"] == 1.3
    assert not before.keys() & {"probability", "eb_type"}
    assert "probability" not in pages.get("/vet/queue.json").text
    answer = pages.post("/vet/decisions", json=EB, headers=token)
    assert answer.status_code == 201
    assert answer.json()["probability"] == 0.97
    assert pages.get(path).json()["probability"] == 0.97


def test_a_decision_is_a_row_of_the_ledger(pages, token, filled_platform):
    pages.post("/vet/decisions", json=EB | {"note": "deep"}, headers=token)
    (row,) = filled_platform.ledger.decisions()
    assert (row.tic, row.sector, row.verdict, row.eb_type) == (FIRST_TIC, 87, "EB", "EA")
    assert (row.vetter, row.source, row.note) == (VETTER[0], "person", "deep")
    assert row.simulated


def test_taking_back_adds_a_row_and_opens_the_star_again(pages, token, filled_platform):
    pages.post("/vet/decisions", json=EB, headers=token)
    assert pages.get("/vet/queue.json").json()["judged"] == [FIRST_TIC]
    back = EB | {"verdict": "WITHDRAWN", "eb_type": ""}
    assert pages.post("/vet/decisions", json=back, headers=token).status_code == 201
    assert pages.get("/vet/queue.json").json()["judged"] == []
    assert [row.verdict for row in filled_platform.ledger.decisions()] == ["EB", "WITHDRAWN"]


def test_a_word_taken_back_leaves_the_label_to_others():
    now = datetime(2026, 1, 1)  # noqa: DTZ001 - as the ledger keeps it
    words = [
        Decision(1, 0, "EB", "EA", "villanova", "catalog", False, "", now),
        Decision(1, 87, "NOT_EB", "", "ada", "person", False, "", now),
        Decision(1, 87, "WITHDRAWN", "", "ada", "person", False, "", now),
        Decision(2, 87, "WITHDRAWN", "", "ada", "person", False, "", now),
    ]
    agreed = consensus(words)
    assert [(row["tic"], row["verdict"]) for row in agreed.rows] == [(1, "EB")]


def test_other_peoples_decisions_do_not_shorten_my_queue(pages, token, filled_platform):
    row = {"note": "", "vetter": "bob", "source": "person", "simulated": True}
    filled_platform.ledger.add_decisions([EB | row])
    assert pages.get("/vet/queue.json").json()["judged"] == []


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"verdict": "PERHAPS"}, 422),
        ({"verdict": "NOT_EB"}, 422),
        ({"eb_type": ""}, 422),
        ({"note": "x" * 1025}, 422),
        ({"vetter": "bob"}, 422),
        ({"tic": 1}, 404),
        ({"sector": 1}, 404),
    ],
)
def test_nonsense_is_not_written_down(pages, token, filled_platform, changes, status):
    answer = pages.post("/vet/decisions", json=EB | changes, headers=token)
    assert answer.status_code == status
    assert filled_platform.ledger.decisions() == []


def test_other_sites_cannot_judge_in_my_name(pages, token, filled_platform):
    foreign = token | {"Origin": "https://elsewhere.example"}
    assert pages.post("/vet/decisions", json=EB, headers=foreign).status_code == 403
    assert pages.post("/vet/decisions", json=EB).status_code == 403
    assert pages.post("/vet/decisions", json=EB, headers={TOKEN_HEADER: "0"}).status_code == 403
    own = token | {"Origin": "http://testserver"}
    assert pages.post("/vet/decisions", json=EB, headers=own).status_code == 201
    assert len(filled_platform.ledger.decisions()) == 1


def test_the_curve_is_the_good_part_of_the_file(pages):
    curve = pages.get(f"/vet/curves/{FIRST_TIC}/87").json()
    time, flux = (np.frombuffer(base64.b64decode(curve[name]), "<f4") for name in ("time", "flux"))
    assert len(time) == len(flux) == 9000 - 600 - 2
    assert time[0] == 0
    assert np.median(flux) == pytest.approx(1, abs=1e-6)
    assert len(curve["dumps"]) == 2
    assert curve["crowdsap"] == pytest.approx(0.98)


def test_a_star_without_a_file_is_said_to_be_missing(pages):
    answer = pages.get(f"/vet/curves/{FIRST_TIC + 1}/87")
    assert answer.status_code == 404
    assert str(FIRST_TIC + 1) in answer.text


def test_real_curves_can_be_drawn(filled_platform, shared_data):
    file = next((shared_data / "tess" / "s001").glob("*117544915*"))
    store = filled_platform.store
    key = next(key for key in store.objects if key.startswith("tess/lc/s087/"))
    store.objects[key] = file.read_bytes()
    drawn = draw_curve(filled_platform, FIRST_TIC, 87)
    assert 1300 < drawn["time_start"] < 1400
    assert len(drawn["dumps"]) > 3


@pytest.mark.parametrize(("n", "expected"), [(10, 10), (11, 5), (25, 8), (0, 0)])
def test_long_curves_are_averaged(n, expected):
    assert len(thin_out(np.arange(n, dtype=float), 10)) == expected


def test_pace_is_the_median_gap_without_breaks():
    start = datetime(2026, 1, 1)  # noqa: DTZ001 - as the ledger keeps it
    moments = [0, 3, 6, 900, 904]
    decisions = [
        Decision(1, 1, "EB", "EA", "ada", "person", False, "", start + timedelta(seconds=s))
        for s in moments
    ]
    assert vetting.pace_s(decisions) == 3.0
    assert vetting.pace_s(decisions[:1]) is None


def test_without_a_champion_the_queue_is_empty(platform):
    assert vetting.vetting_queue(platform, "ada") == {"stars": [], "judged": [], "pace_s": None}


def test_the_key_map_in_the_docs_is_the_one_of_the_page():
    text = (Path(__file__).parents[2] / "docs" / "vetting.md").read_text()
    rows = [f"| `{item.key}` | {item.what} |" for item in vetting.KEYS]
    assert "\n".join(rows) in text
