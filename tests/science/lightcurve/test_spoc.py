"""Every kind of damage is told by its own name, and nothing sound is refused."""

import math
import re
from collections import Counter
from dataclasses import fields

import numpy as np
import pytest

from calnet_ops import errors
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.hdus import BLOCK, split_hdus
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

NAME = spoc_name()


@pytest.fixture(scope="module")
def sound() -> bytes:
    return spoc_bytes()


def changed(**arrays):
    return spoc_bytes(spoc_arrays() | arrays)


def test_sound_file_is_believed_and_tells_who_it_is(sound):
    facts = spoc.verify(NAME, sound)
    assert (facts.tic, facts.sector, facts.camera, facts.ccd) == (900_000_000_001, 87, 1, 2)
    assert (facts.procver, facts.data_rel, facts.date) == ("spoc-5.0.1", 110, "2025-01-20")
    assert facts.simulated
    assert facts.n_row == 9000


def test_columns_come_as_native_arrays_equal_to_the_file(sound):
    light_curve = spoc.read(sound)
    arrays = spoc_arrays()
    np.testing.assert_array_equal(light_curve.time, arrays["TIME"])
    np.testing.assert_array_equal(light_curve.flux, arrays["PDCSAP_FLUX"].astype(np.float32))
    assert light_curve.time.dtype == light_curve.flux.dtype == np.dtype("=f8")
    assert light_curve.cadence_s == 120
    assert light_curve.good.sum() == 9000 - 600


def test_blank_card_is_a_missing_value():
    light_curve = spoc.read(spoc_bytes(cards={"TEFF": None}))
    assert math.isnan(light_curve.teff)


@pytest.mark.parametrize("n_bytes", [1000, BLOCK, BLOCK + 5, 2 * BLOCK, 8 * BLOCK, 500_000])
def test_file_cut_anywhere_is_truncated(sound, n_bytes):
    with pytest.raises(errors.Truncated):
        spoc.verify(NAME, sound[:n_bytes])


@pytest.mark.parametrize("missing", [1, BLOCK, 2 * BLOCK])
def test_file_without_its_end_is_truncated(sound, missing):
    with pytest.raises(errors.Truncated):
        spoc.verify(NAME, sound[:-missing])


@pytest.mark.parametrize(
    ("body", "error", "found"),
    [
        (b"", errors.EmptyFile, "0 bytes"),
        (b"<!DOCTYPE html><html>Gateway error", errors.NotFits, "HTML page"),
        (b"#!/bin/sh\ncurl", errors.NotFits, "bytes beginning"),
        (b"SIMPLE  =                    F" + b" " * 4000, errors.NotFits, "bytes"),
    ],
)
def test_other_bytes_under_the_name_are_told_apart(body, error, found):
    with pytest.raises(error, match=re.escape(NAME)) as caught:
        spoc.verify(NAME, body)
    assert found in caught.value.found


def test_any_flipped_bit_of_the_data_shows(sound):
    rng = np.random.default_rng(3)
    table = split_hdus(NAME, sound)[1]
    for offset in rng.integers(table.data_start, len(sound), 20):
        damaged = bytearray(sound)
        damaged[offset] ^= 1 << int(rng.integers(8))
        with pytest.raises(errors.ChecksumMismatch):
            spoc.verify(NAME, bytes(damaged))


def test_any_flipped_bit_of_a_header_is_refused_for_some_reason(sound):
    rng = np.random.default_rng(4)
    for offset in rng.integers(0, 2 * BLOCK, 60):
        damaged = bytearray(sound)
        damaged[offset] ^= 1 << int(rng.integers(8))
        with pytest.raises(errors.QuarantinedFile):
            spoc.verify(NAME, bytes(damaged))


def test_bytes_behind_the_last_unit_are_refused(sound):
    with pytest.raises(errors.WrongLayout, match="behind the last HDU"):
        spoc.verify(NAME, sound + b"<html>" + b" " * 3000)


@pytest.mark.parametrize(
    "name",
    [
        NAME.replace("s_lc", "a_fast-lc"),
        "hlsp_tess-spoc_tess_phot_0000000038846515-s0027_tess_v1_lc.fits",
        NAME.replace("s_lc", "s_tp"),
    ],
)
def test_name_of_another_product_is_foreign(sound, name):
    with pytest.raises(errors.ForeignProduct):
        spoc.verify(name, sound)


@pytest.mark.parametrize("cadence_s", [20, 200, 600, 1800])
def test_another_cadence_under_our_name_is_foreign(cadence_s):
    body = spoc_bytes(cards={"TIMEDEL": cadence_s / 86400})
    with pytest.raises(errors.ForeignProduct, match=f"{cadence_s} s"):
        spoc.verify(NAME, body)


def test_another_maker_under_our_name_is_foreign():
    with pytest.raises(errors.ForeignProduct, match="QLP"):
        spoc.verify(NAME, spoc_bytes(cards={"ORIGIN": "MIT/QLP"}))


@pytest.mark.parametrize(
    "columns",
    [
        spoc.COLUMNS[:-1],
        (*spoc.COLUMNS[:2], ("CADENCENO", "K"), *spoc.COLUMNS[3:]),
        (spoc.COLUMNS[1], spoc.COLUMNS[0], *spoc.COLUMNS[2:]),
    ],
)
def test_missing_retyped_and_swapped_columns_are_told(columns):
    with pytest.raises(errors.WrongLayout, match="column"):
        spoc.verify(NAME, spoc_bytes(columns=columns))


@pytest.mark.parametrize("cards", [{"TICID": 5}, {"SECTOR": 86}, {"OBJECT": "TIC 5"}])
def test_header_of_another_star_or_sector_is_refused(cards):
    with pytest.raises(errors.HeaderDisagrees):
        spoc.verify(NAME, spoc_bytes(cards=cards))


def test_missing_cadence_numbers_are_refused():
    cadence_no = spoc_arrays()["CADENCENO"]
    cadence_no[700:] += 1
    with pytest.raises(errors.WrongLayout, match="900699 followed by 900701"):
        spoc.verify(NAME, changed(CADENCENO=cadence_no))


@pytest.mark.parametrize("step", [0.0, -0.5])
def test_time_that_stands_still_or_runs_back_is_refused(step):
    time = spoc_arrays()["TIME"]
    time[101] = time[100] + step
    with pytest.raises(errors.TimesNotIncreasing):
        spoc.verify(NAME, changed(TIME=time))


def test_flux_without_time_is_refused_but_both_missing_is_common():
    arrays = spoc_arrays()
    time, flux = arrays["TIME"], arrays["PDCSAP_FLUX"]
    time[200:210] = np.nan
    with pytest.raises(errors.FluxWithoutTime, match="10 cadences"):
        spoc.verify(NAME, changed(TIME=time))
    flux[200:210] = np.nan
    body = changed(TIME=time, PDCSAP_FLUX=flux)
    spoc.verify(NAME, body)
    assert spoc.read(body).good.sum() == 9000 - 600 - 10


def test_light_curve_of_nan_only_is_believed_as_its_bytes_are_sound():
    nan = np.full(9000, np.nan)
    body = changed(PDCSAP_FLUX=nan)
    spoc.verify(NAME, body)
    assert not spoc.read(body).good.any()


@pytest.mark.parametrize(
    ("card", "unit"),
    [("TUNIT1", "BJD"), ("TUNIT8", "electron/s"), ("TUNIT8", "mJy"), ("TUNIT10", "s")],
)
def test_column_in_another_unit_is_refused(card, unit):
    spoc.verify(NAME, spoc_bytes(units=spoc.UNITS))
    units = list(spoc.UNITS)
    units[int(card.removeprefix("TUNIT")) - 1] = unit
    with pytest.raises(errors.WrongLayout, match=re.escape(unit)):
        spoc.verify(NAME, spoc_bytes(units=units))


def test_table_without_rows_is_refused():
    empty = {name: values[:0] for name, values in spoc_arrays().items()}
    with pytest.raises(errors.WrongLayout, match="no row"):
        spoc.verify(NAME, spoc_bytes(empty))


@pytest.mark.parametrize("times", [(np.nan, 2457000.0), (-1e308, 1e308)])
def test_time_that_is_no_btjd_is_refused(times):
    time = spoc_arrays()["TIME"]
    time[0], time[-1] = times
    with pytest.raises(errors.WrongLayout, match="BTJD"):
        spoc.verify(NAME, changed(TIME=time))


@pytest.mark.parametrize(
    "cards", [{"DATA_REL": 2**31}, {"CAMERA": 10**40}, {"TICID": 1.5}, {"SECTOR": "eight"}]
)
def test_card_that_no_column_can_hold_is_refused(cards):
    with pytest.raises(errors.WrongLayout, match="card"):
        spoc.verify(NAME, spoc_bytes(cards=cards))


def test_verifying_and_reading_in_one_go_gives_the_same(sound):
    facts, light_curve = spoc.verify_and_read(NAME, sound)
    assert facts == spoc.verify(NAME, sound)
    alone = spoc.read(sound)
    for field in fields(alone):
        one, other = getattr(light_curve, field.name), getattr(alone, field.name)
        np.testing.assert_array_equal(one, other)
    with pytest.raises(errors.ChecksumMismatch):
        spoc.verify_and_read(NAME, sound[:-1] + b"x")


@pytest.mark.parametrize("name", ["no file", "two units"])
def test_reading_what_is_no_light_curve_ends_in_a_reason(sound, name):
    body = sound[: split_hdus(NAME, sound)[0].stop].replace(b"NEXTEND =", b"NO      =")
    with pytest.raises(errors.QuarantinedFile):
        spoc.read({"no file": b"", "two units": body}[name])


ERROR_TEXT = (
    b"\n<?xml version='1.0'?><Error><Code>InvalidRange</Code><Message>The requested range "
    b"cannot be satisfied.</Message></Error>"
)
"""What old versions of curl wrote into files that were complete."""


def test_error_text_over_a_part_of_the_file_shows_wherever_it_stands(sound):
    for at in np.linspace(0, len(sound) - len(ERROR_TEXT), 200).astype(int):
        spliced = sound[:at] + ERROR_TEXT + sound[at + len(ERROR_TEXT) :]
        with pytest.raises(errors.QuarantinedFile):
            spoc.verify(NAME, spliced)


def test_error_text_between_two_parts_of_the_file_shows_wherever_it_stands(sound):
    for at in np.linspace(0, len(sound), 200).astype(int):
        for text in (ERROR_TEXT, ERROR_TEXT.ljust(BLOCK, b"\n")):
            with pytest.raises(errors.QuarantinedFile):
                spoc.verify(NAME, sound[:at] + text + sound[at:])


def test_any_block_that_is_missing_or_doubled_shows(sound):
    for at in range(0, len(sound), BLOCK):
        for bad in (sound[:at] + sound[at + BLOCK :], sound[: at + BLOCK] + sound[at:]):
            with pytest.raises(errors.QuarantinedFile):
                spoc.verify(NAME, bad)


def test_all_real_files_are_believed(shared_data):
    files = sorted((shared_data / "tess").glob("*/*.fits"))
    longer = Counter[int]()
    for file in files:
        body = file.read_bytes()
        facts = spoc.verify(file.name, body)
        assert f"{facts.tic:016d}" in file.name
        assert not facts.simulated
        longer[len(body) - 28_800 - -(-100 * facts.n_row // BLOCK) * BLOCK] += 1
        assert units_of(body) == spoc.UNITS
    assert len(files) >= 40
    assert longer == {0: len(files) - 1, BLOCK: 1}  # the aperture of TIC 55101449 takes two blocks


def test_simulated_files_are_in_the_units_of_real_ones(simulated_sector):
    body = simulated_sector.files[0].read_bytes()
    assert units_of(body) == spoc.UNITS


def units_of(body: bytes) -> tuple[str, ...]:
    table = split_hdus("file", body)[1]
    return tuple(table.text(f"TUNIT{number}") for number in range(1, 21))


def test_real_columns_equal_those_that_astropy_reads(shared_data):
    fits = pytest.importorskip("astropy.io.fits")
    file = next((shared_data / "tess").glob("s001/*261136679*.fits"))
    light_curve = spoc.read(file.read_bytes())
    with fits.open(file) as hdus:
        table = hdus[1].data
        np.testing.assert_array_equal(light_curve.time, table["TIME"])
        np.testing.assert_array_equal(light_curve.flux, table["PDCSAP_FLUX"])
        np.testing.assert_array_equal(light_curve.quality, table["QUALITY"])
        np.testing.assert_array_equal(light_curve.centroid_col, table["MOM_CENTR1"])
        assert light_curve.tmag == hdus[0].header["TESSMAG"]
        assert light_curve.cdpp_1h == hdus[1].header["CDPP1_0"]
