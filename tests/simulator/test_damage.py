import numpy as np
import pytest

from calnet_ops.errors import ForeignProduct
from calnet_ops.keys import SpocName
from calnet_ops.simulator import damage
from calnet_ops.simulator.checksum import ALL_ONES, ones_sum
from tests.simulator.test_sectors import read_table
from tests.support.fits_cards import split_hdus


@pytest.fixture(scope="module")
def good(simulated_sector):
    return simulated_sector.file_of("EA").read_bytes()


def sums(body):
    return [ones_sum(hdu.body) for hdu in split_hdus(body)]


def test_every_damage_is_in_a_damaged_sector_once(damaged_sector):
    found = [row.damage for row in damaged_sector.truth if row.damage]
    assert sorted(found) == sorted(damage.DAMAGES)
    assert sum(not row.damage for row in damaged_sector.truth) == 12


def test_cut_files_end_where_they_should(good):
    assert 5760 < len(damage.truncate_in_header(good)) < damage.TABLE_START
    assert damage.TABLE_START < len(damage.truncate_in_table(good)) < len(good) - 2880
    assert len(good) - len(damage.drop_last_block(good)) == 2880
    assert damage.no_bytes(good) == b""
    assert damage.html_page(good).startswith(b"<!DOCTYPE html>")


def test_a_flipped_bit_shows_in_one_checksum_only(good):
    bad = damage.flip_bit(good)
    assert len(bad) == len(good)
    assert [one == ALL_ONES for one in sums(bad)] == [True, False, True]


@pytest.mark.parametrize(
    "harm",
    [
        damage.all_nan,
        damage.few_good,
        damage.lose_times,
        damage.wrong_sector,
        damage.wrong_tic,
    ],
)
def test_wrong_content_carries_right_checksums(good, harm):
    bad = harm(good)
    assert bad != good
    assert len(bad) == len(good)
    assert sums(bad) == [ALL_ONES] * 3


def test_contents_are_wrong_in_the_way_they_say(good):
    before = read_table(good)
    assert np.isnan(read_table(damage.all_nan(good))["PDCSAP_FLUX"]).all()
    few = read_table(damage.few_good(good))
    assert np.count_nonzero((few["QUALITY"] == 0) & np.isfinite(few["PDCSAP_FLUX"])) == 100
    lost = read_table(damage.lose_times(good))
    odd = (lost["QUALITY"] == 0) & np.isnan(lost["TIME"]) & np.isfinite(lost["PDCSAP_FLUX"])
    assert np.count_nonzero(odd) == 300
    assert not np.isnan(before["TIME"][odd]).any()
    assert split_hdus(damage.wrong_sector(good))[0].value("SECTOR") == "88"
    true, false = (split_hdus(body) for body in (good, damage.wrong_tic(good)))
    for i in range(3):
        tic = int(true[i].value("TICID")) + 7
        assert int(false[i].value("TICID")) == tic
        assert false[i].value("OBJECT") == f"'TIC {tic}'"


def test_names_are_wrong_in_the_way_they_say():
    name = "tess2024353092137-s0087-0000900087000003-0284-s_lc.fits"
    assert SpocName.parse(damage.other_stamp(name)).tic == 900087000003
    assert damage.other_stamp(name) != name
    for other in (damage.fast_name(name), damage.hlsp_name(name)):
        with pytest.raises(ForeignProduct):
            SpocName.parse(other)


def test_a_duplicate_is_of_a_star_that_has_a_good_file(damaged_sector):
    twice = next(row for row in damaged_sector.truth if row.damage == "duplicate target")
    good = [row for row in damaged_sector.truth if row.tic == twice.tic and not row.damage]
    assert len(good) == 1
