"""When sectors were observed."""

import csv

import pytest

from calnet_ops.science.checks.windows import sector_window


def test_all_sectors_of_the_facts_have_a_window_in_their_order(shared_data):
    windows = [window for sector in range(1, 107) if (window := sector_window(sector))]
    assert len(windows) == 106
    starts = [window.start for window in windows]
    assert starts == sorted(starts)
    assert all(20 < window.stop - window.start < 62 for window in windows)
    assert {window.source for window in windows} == {"light curves", "orbit file", "plan"}


def test_windows_hold_the_first_and_last_cadences_that_are_known(shared_data):
    with (shared_data.parent / "facts" / "sectors.csv").open() as opened:
        known = [row for row in csv.DictReader(opened) if row["btjd_start"]]
    assert len(known) > 40
    for row in known:
        window = sector_window(int(row["sector"]))
        assert window is not None
        assert window.start < float(row["btjd_start"]) < float(row["btjd_stop"]) < window.stop
        assert window.start > float(row["btjd_start"]) - 0.3


@pytest.mark.parametrize("sector", [0, 107, 1751])
def test_other_sectors_have_none(sector):
    assert sector_window(sector) is None
