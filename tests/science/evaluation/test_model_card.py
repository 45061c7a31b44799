"""The card tells a stranger what a model is, and what it is not."""

from dataclasses import replace

import pytest

from calnet_ops.science.candidates.calibration import IDENTITY, Calibration
from calnet_ops.science.evaluation.evidence import Performance
from calnet_ops.science.evaluation.metrics import wilson
from calnet_ops.science.evaluation.model_card import Card, CardData, write_card


@pytest.fixture
def card():
    return Card(
        model_id="0123456789abcdef",
        network="calnet",
        features="v1",
        threshold=0.4321,
        least_recall=0.9,
        calibration=Calibration(1.2, -0.3, n_star=150, eb_share=0.5),
        taint="",
        params={"n_epoch": 30, "batch": 128},
        origin={},
        code_version="0.1.0+1a2b3c",
        data=CardData(
            "d" * 16,
            "s" * 16,
            {"train": {"EB": 1400, "NOT_EB": 1300}, "test": {"EB": 300, "NOT_EB": 310}},
            {"vetting": 40, "Prsa 2022": 3270},
        ),
        performance=Performance(
            threshold=0.4321,
            recall=wilson(285, 300),
            precision=wilson(285, 290),
            specificity=wilson(305, 310),
            average_precision=0.987,
            recall_by_type={"EA": wilson(190, 200), "EB": wilson(9, 10)},
        ),
        counts=[
            {
                "name": "test stars",
                "recall": {"value": 0.95},
                "precision": {"value": 0.98},
                "label": "unseen",
            }
        ],
        figures=["training.png"],
        signature="model-1234.sig",
    )


def test_data_figures_and_threshold_are_told_with_intervals(card):
    text = write_card(card)
    assert "| train | 1,400 | 1,300 |" in text
    assert "Prsa 2022 (3,270)" in text
    assert "| recall | 0.950 | 0.919 to 0.969 | 300 |" in text
    assert "| test stars | 0.950 | 0.980 | unseen |" in text
    assert "from 0.4321 on" in text
    assert "1.200 x mean logit -0.300" in text
    assert "| n_epoch | 30 |" in text
    assert "Taint" not in text


def test_types_with_few_test_stars_are_a_limit(card):
    assert "type EB: their recall is not well known" in write_card(card)


def test_a_simulated_ancestor_is_said_first(card):
    text = write_card(replace(card, taint="simulated"))
    assert text.index("**Taint: simulated.**") < text.index("## Data")
    assert "likely worse" in text


def test_a_network_from_elsewhere_says_what_is_not_known(card):
    origin = {"file": "a|b<c>.keras", "sha256": "f" * 64}
    text = write_card(replace(card, origin=origin, taint="training data unknown"))
    assert "has learned from is not known" in text
    assert "figures are too good" in text
    assert "a\\|b&lt;c>.keras" in text


def test_what_was_not_done_is_said(card):
    bare = replace(card, data=None, performance=None, calibration=IDENTITY, signature="")
    text = write_card(bare)
    assert "nothing has been measured" in text
    assert "**Not measured.**" in text
    assert "nobody has calibrated" in text
    assert "Nobody signed it" in text
