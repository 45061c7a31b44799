import json

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.simulator import archive_forms as forms
from calnet_ops.simulator.faults import Fate, Faults, Lie, Place, Trouble, Url
from tests.support.spoc_files import spoc_name

NAMES = [spoc_name(tic) for tic in range(1, 400)]
DOWNLOAD = f"{forms.DOWNLOAD_PATH}/?uri={forms.PRODUCT_URI}{NAMES[0]}"


@pytest.mark.parametrize(
    ("target", "place", "file_name"),
    [
        (DOWNLOAD, Place.DOWNLOAD, NAMES[0]),
        (forms.product_path(NAMES[0]), Place.PRODUCT, NAMES[0]),
        (f"/stpubdata{forms.product_path(NAMES[0])}", Place.SECOND, NAMES[0]),
        ("/missions/tess/download_scripts/sector/tesscurl_sector_87_lc.sh", Place.DOCUMENT, ""),
        (forms.PAGE_PATH, Place.PAGE, ""),
    ],
)
def test_url_says_what_it_leads_to(target, place, file_name):
    url = Url.parse(target)
    assert (url.place, url.file_name) == (place, file_name)


def test_a_request_fares_the_same_whoever_asked_before():
    faults = Faults(seed=3, trouble={Trouble.S503: 0.3, Trouble.RESET: 0.3})
    url = Url.parse(DOWNLOAD)
    once = [faults.trouble_of(url, k) for k in range(4)]
    assert [faults.trouble_of(url, k) for k in reversed(range(4))] == once[::-1]
    assert once != [faults.model_copy(update={"seed": 4}).trouble_of(url, k) for k in range(4)]


def test_shares_are_kept_and_trouble_passes_away():
    faults = Faults(trouble={Trouble.S503: 0.2, Trouble.STALL: 0.1}, max_per_url=3)
    urls = [Url.parse(forms.product_path(name)) for name in NAMES]
    drawn = [faults.trouble_of(url, k) for url in urls for k in range(3)]
    assert drawn.count(Trouble.S503) / len(drawn) == pytest.approx(0.2, abs=0.03)
    assert drawn.count(Trouble.STALL) / len(drawn) == pytest.approx(0.1, abs=0.03)
    assert {faults.trouble_of(url, 3) for url in urls} == {None}


def test_a_file_is_lied_about_once_and_in_one_place():
    faults = Faults(lies=dict.fromkeys(Lie, 0.1))
    for name in NAMES:
        places = (forms.product_path(name), f"{forms.DOWNLOAD_PATH}?uri={forms.PRODUCT_URI}{name}")
        told = [faults.lie_of(Url.parse(place), k) for place in places for k in range(5)]
        assert len([lie for lie in told if lie]) <= 1


def test_nobody_lies_about_a_file_that_is_odd_in_itself():
    faults = Faults(lies={Lie.MISSING: 1}, files={Fate.BAD_AT_BOTH: 0.5})
    odd = [name for name in NAMES if faults.fate_of(name) is Fate.BAD_AT_BOTH]
    assert 100 < len(odd) < 300
    assert not any(faults.lie_of(Url.parse(forms.product_path(name)), 0) for name in odd)


@pytest.mark.parametrize(
    ("fate", "second", "expected"),
    [
        ("bad at first", "good", (True, {"recovered"})),
        ("bad at first", "down", (False, {"suspect"})),
        ("bad at first", "none", (False, {"bad"})),
        ("bad at both", "good", (False, {"bad"})),
        ("bad at both", "down", (False, {"suspect"})),
        ("bad differently", "good", (False, {"suspect"})),
        ("bad differently", "none", (False, {"bad"})),
        ("missing at first", "good", (True, {"recovered"})),
        ("missing at both", "good", (False, {"bad"})),
        ("late", "good", (False, {"bad"})),
        ("always 500", "good", (False, {"suspect"})),
        ("always reset", "none", (False, {"suspect"})),
        ("always cut", "good", (False, {"suspect"})),
        ("always cut", "none", (False, {"suspect"})),
        ("redelivered", "none", (True, {"sound", "recovered"})),
    ],
)
def test_truth_of_a_fate(fate, second, expected):
    faults = Faults(files={fate: 1}, second_is_down=second == "down")
    truth = faults.truth(NAMES[:20], ask_second=second != "none")
    assert all((item.stored, item.trust) == expected for item in truth.values())
    assert all(bool(item.reason) != item.stored for item in truth.values())


def test_late_files_come_with_time():
    faults = Faults(files={Fate.LATE: 1})
    assert faults.truth(NAMES[:1])[NAMES[0]].reason == "missing at source"
    assert faults.truth(NAMES[:1], late_is_over=True)[NAMES[0]].stored


def test_faults_are_read_from_a_file(tmp_path):
    file = tmp_path / "faults.json"
    file.write_text(json.dumps({"seed": 1, "trouble": {"429": 0.5}, "redirect_status": 307}))
    assert Faults.load(file).trouble == {Trouble.S429: 0.5}
    assert Faults.load(file, seed=9).seed == 9


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ('{"troubles": {}}', "troubles"),
        ('{"trouble": {"506": 0.1}}', "trouble.506"),
        ('{"lies": {"html": 1.5}}', "lies.html"),
        ('{"redirect_status": 300}', "redirect_status"),
        ("[]", "found"),
        ("{", "found"),
    ],
)
def test_what_is_no_fault_is_refused(tmp_path, text, match):
    file = tmp_path / "faults.json"
    file.write_text(text)
    with pytest.raises(WrongConfiguration, match=match):
        Faults.load(file)


def test_the_file_has_to_exist(tmp_path):
    with pytest.raises(WrongConfiguration, match="no such file"):
        Faults.load(tmp_path / "absent.json")
