import pytest

from calnet_ops.adapters.ledger import Delivery
from calnet_ops.steps.sector_progress import progress
from tests.support.moving_archive import Clock

HELD_UP = "59 targets in the script, 100 in the CDPP table"


@pytest.mark.parametrize(
    ("state", "facts", "expected"),
    [
        ("appearing", {}, "appearing, 12,996"),
        ("appearing", {"n_target": 12_345}, "appearing, 12,345"),
        (
            "appearing",
            {"n_target": 12_345, "n_planned": 20_000},
            "appearing, 12,345 of about 20,000",
        ),
        (
            "appearing",
            {"n_target": 59, "n_expected": 100, "n_planned": 120, "held_up": HELD_UP},
            f"appearing, 59 of about 100; held up: {HELD_UP}",
        ),
        ("listed", {"n_target": 12_996}, "listed, 12,996 files"),
        ("listed", {"delivery": 1, "n_stored": 12_000}, "listed, 12,996 files"),
        ("raw", {"delivery": 2, "n_stored": 12_990}, "raw, 12,990 of 12,996 stored"),
        ("halted", {"delivery": 2, "n_stored": 0}, "halted, 0 of 12,996 stored"),
    ],
)
def test_progress_says_what_is_known_of_this_delivery(state, facts, expected):
    now = Clock().now
    assert progress(Delivery(106, 2, state, 12_996, "", now, now, facts)) == expected
