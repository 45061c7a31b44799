"""What a person may ask of a back-fill, and what they are told."""

import pytest

from calnet_ops.cli.backfill_meter import Meter
from calnet_ops.cli.backfill_plan import (
    LARGE,
    Order,
    cost,
    in_order,
    parse_rate,
    parse_sectors,
)
from calnet_ops.errors import WrongConfiguration
from calnet_ops.steps.backfill import DONE, TO_DO, Item


def test_ranges_and_numbers_are_taken_once_each():
    assert parse_sectors("1-3,87,97-98,2") == [1, 2, 3, 87, 97, 98]
    assert len(parse_sectors("1-106")) == 106


@pytest.mark.parametrize("text", ["", "0", "5-1", "a", "1-2-3", "1,,2", "-3", "s", "1-99999", "٣"])
def test_anything_else_is_refused(text):
    with pytest.raises(WrongConfiguration, match="1-26,87,97-98"):
        parse_sectors(text)


def test_newest_goes_first_unless_asked_otherwise():
    assert in_order([3, 97, 20], Order.OLDEST) == [3, 20, 97]
    assert in_order([3, 97, 20], Order("newest")) == [97, 20, 3]


@pytest.mark.parametrize("text", ["20", "0MB", "MB", "20 TB", "-1MB", "fast", "1e3KB", "20MiB"])
def test_a_rate_without_number_and_unit_is_refused(text):
    with pytest.raises(WrongConfiguration, match="20MB"):
        parse_rate(text)


def test_the_cost_is_told_with_days_at_the_cap_and_whom_to_ask():
    items = [Item(n, 1, TO_DO, 20_000, 40_000_000_000) for n in range(1, 107)]
    text = cost(items, 20e6)
    for part in ("106 sectors", "2,120,000 files", "4.2 TB", "2.5 days", "archive@stsci.edu"):
        assert part in text


def test_a_few_files_need_no_leave():
    assert "archive@stsci.edu" not in cost([Item(1, 1, TO_DO, LARGE, 10**10)], None)


def test_lists_that_nobody_has_read_are_named_as_a_guess():
    items = [Item(1, 1, TO_DO, 10, 20_000_000), Item(2, 1, TO_DO, 20_000, 10**10, is_listed=False)]
    assert "1 lists are not read yet" in cost(items, None)
    assert cost([], None) == "Nothing to pull."


def test_the_meter_counts_what_is_there_and_times_what_is_left():
    before = [Item(1, 1, DONE, 10, 1000), Item(2, 1, TO_DO, 10, 9999), Item(3, 1, TO_DO, 20, 9999)]
    meter = Meter(began=100.0, had=1000.0, max_bytes_per_s=50.0)
    first = meter.read(before, {}, 100.0)
    assert (first.n_done, first.n_sector, first.n_file, first.bytes_per_s) == (1, 3, 10, 0.0)
    assert first.left_s == 60.0  # 30 files of 100 bytes, as those that are there, at the limit
    later = meter.read([before[0], Item(2, 1, DONE, 10, 1000), before[2]], {3: 0.5}, 110.0)
    assert (later.n_done, later.n_file, later.n_bytes) == (2, 30, 3000)
    assert later.bytes_per_s == pytest.approx(200.0)
    assert later.left_s == pytest.approx(1000 / 200)


def test_a_sector_without_a_list_counts_as_much_as_those_with_one():
    items = [Item(1, 1, DONE, 10, 1000), Item(2, 1, TO_DO, 20_000, 10**10, is_listed=False)]
    assert Meter(0.0, 0.0).read(items, {}, 10.0).left_s == pytest.approx(10.0)


def test_without_a_rate_nobody_knows_how_long():
    assert Meter(0.0, 0.0).read([Item(1, 1, TO_DO, 1, 1)], {}, 5.0).left_s is None
