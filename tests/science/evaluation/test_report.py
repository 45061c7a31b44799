"""A report counts what it says, and its figures hold everything."""

import json

import numpy as np
import pytest

from calnet_ops.science.evaluation.bootstrap import draw_groups
from calnet_ops.science.evaluation.cases import Cases
from calnet_ops.science.evaluation.gallery import Thumbnail, draw_gallery
from calnet_ops.science.evaluation.parts import parts
from calnet_ops.science.evaluation.report import N_MISTAKE, count, evaluate, worst
from calnet_ops.science.evaluation.report_figure import draw_report
from tests.support.cases import make_cases

PNG = b"\x89PNG"
FACTS = {
    "model_id": "m", "dataset_id": "d", "features": "v1", "threshold": 0.5, "simulated": True,
}  # fmt: skip


def report(cases: Cases):
    levels = dict.fromkeys(("segment", "light curve", "star"), cases)
    counts = [count("test stars", "honest", cases, cases.probability >= 0.5, honest=True)]
    return evaluate(FACTS, levels, {61: "s061", 62: "s062"}, counts)


def test_parts_hold_each_star_once_and_add_up():
    cases = make_cases(400)
    found = parts(cases, 0.5, draw_groups(list(cases.group), np.random.default_rng(1)))
    assert {part.by for part in found} == {"eb_type", "tmag", "period_d", "depth", "camera"}
    for by in ("tmag", "camera"):
        assert sum(part.n_eb + part.n_other for part in found if part.by == by) == 400
    for by in ("eb_type", "period_d", "depth"):
        assert sum(part.n_eb for part in found if part.by == by) == cases.is_eb.sum()
        assert all(part.precision is None for part in found if part.by == by)


def test_a_blind_spot_is_seen_where_it_is():
    cases = make_cases(600)
    cases.probability[cases.eb_type == "EW"] = 0.01
    found = parts(cases, 0.5, draw_groups(list(cases.group), np.random.default_rng(1)))
    recalls = {part.name: part.recall for part in found if part.by == "eb_type"}
    assert (recalls["EW"].value, recalls["EW"].high < 0.1) == (0, True)
    assert min(recalls["EA"].low, recalls["EB"].low) > 0.7


def test_what_is_not_known_is_in_no_part():
    cases = make_cases(50)
    cases.period_d[:], cases.camera[:], cases.tmag[:] = np.nan, 0, np.nan
    found = parts(cases, 0.5, draw_groups(list(cases.group), np.random.default_rng(1)))
    assert {part.by for part in found} == {"eb_type", "depth"}


def test_sectors_have_their_recall_and_false_positives():
    cases = make_cases(300)
    others = np.flatnonzero(~cases.is_eb & (cases.sector == 62))
    cases.probability[~cases.is_eb] = 0.1
    cases.probability[others[:7]] = 0.9
    one, two = report(cases).sectors
    assert (one.name, two.name) == ("s061", "s062")
    assert (one.n_false_positive, two.n_false_positive) == (0, 7)
    assert two.recall.n == (cases.is_eb & (cases.sector == 62)).sum()


def test_the_worst_mistakes_come_first():
    cases = make_cases(800, quality=0.3)
    missed, alarms = (worst(cases, 0.5, missed=kind) for kind in (True, False))
    assert len(missed) == len(alarms) == N_MISTAKE
    assert [one.probability for one in missed] == sorted(one.probability for one in missed)
    assert all(one.is_eb and one.probability < 0.5 for one in missed)
    assert alarms[0].probability == cases.probability[~cases.is_eb].max()


def test_a_report_is_json_and_says_null_where_nothing_is_known():
    cases = make_cases(40)
    cases.tmag[:] = np.nan
    text = json.dumps(report(cases).as_json(), allow_nan=False)
    stored = json.loads(text)
    assert [level["name"] for level in stored["levels"]] == ["segment", "light curve", "star"]
    assert stored["counts"][0]["honest"] is True


@pytest.mark.parametrize(("n_star", "binaries"), [(300, True), (12, False)])
def test_the_page_is_drawn_of_much_and_of_little(n_star, binaries):
    cases = make_cases(n_star)
    cases.is_eb[:] &= binaries
    assert draw_report(report(cases)).startswith(PNG)


def test_a_gallery_is_drawn_of_many_and_of_none():
    rng = np.random.default_rng(1)
    one = Thumbnail("TIC 1", rng.random(4000), rng.random(1000))
    assert draw_gallery("none", []).startswith(PNG)
    assert draw_gallery("some", [one] * 6).startswith(PNG)
