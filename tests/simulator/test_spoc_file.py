import shutil
import subprocess

import numpy as np
import pytest
from astropy.io import fits

from calnet_ops.simulator.checksum import ALL_ONES, ones_sum
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import Kind
from tests.support.fits_cards import Hdu, skeleton, split_hdus


def simulate(tmp_path, sector, kind=Kind.CONSTANT, index=0, **options):
    job = Job(tmp_path, sector, 900_000_000_000 + index, kind, seed=1, compact=False, **options)
    return light_curve(job)[:2]


@pytest.mark.parametrize("sector", [1, 12, 27, 44, 50, 63, 73, 88])
def test_cards_are_those_of_real_files(tmp_path, shared_data, sector):
    ours: dict[tuple[int, int], Hdu] = {}
    for index, kind in enumerate([Kind.CONSTANT, Kind.RRLYR]):  # PDCMETHD msMAP and MAP
        hdus = split_hdus(simulate(tmp_path, sector, kind, index)[1])
        ours |= {(i, len(hdu.cards)): hdu for i, hdu in enumerate(hdus)}
    n_compared = 0
    for path in sorted((shared_data / "tess" / f"s{sector:03d}").glob("*.fits"))[:6]:
        body = path.read_bytes()
        if b"spoc-5" not in body[:2880]:  # MAST no longer serves what older pipelines wrote
            continue
        for i, real in enumerate(split_hdus(body)):
            same = ours[i, len(real.cards)]
            assert [skeleton(card) for card in same.cards] == [
                skeleton(card) for card in real.cards
            ]
            n_compared += 1
    assert n_compared >= 3


@pytest.mark.parametrize("sector", [1, 63, 88])
def test_layout_of_rows_and_size_of_file_are_those_of_real_files(tmp_path, shared_data, sector):
    real = next((shared_data / "tess" / f"s{sector:03d}").glob("*0038846515*.fits")).read_bytes()
    name, body = simulate(tmp_path, sector)
    assert len(body) == len(real)
    assert len(name) == len("tess2018206045859-s0001-0000000038846515-0120-s_lc.fits")
    for i, keyword in [(1, "NAXIS2"), (1, "NAXIS1"), (0, "SECTOR"), (0, "PXTABLE"), (2, "NAXIS1")]:
        assert split_hdus(body)[i].value(keyword) == split_hdus(real)[i].value(keyword)


@pytest.mark.parametrize("sector", [1, 27, 63, 88])
def test_gaps_cadences_and_dumps_are_those_of_real_files(tmp_path, shared_data, sector):
    path = next((shared_data / "tess" / f"s{sector:03d}").glob("*0038846515*.fits"))
    real = fits.getdata(path, 1)
    (tmp_path / "ours.fits").write_bytes(simulate(tmp_path, sector)[1])
    ours = fits.getdata(tmp_path / "ours.fits", 1)
    np.testing.assert_array_equal(ours["CADENCENO"], real["CADENCENO"])
    np.testing.assert_array_equal(np.isnan(ours["TIME"]), np.isnan(real["TIME"]))
    clock = (ours["TIME"] - ours["TIMECORR"]) - (real["TIME"] - real["TIMECORR"])
    assert np.nanmax(np.abs(clock)) < 0.001
    dumps = [np.count_nonzero(table["QUALITY"] & 32) for table in (ours, real)]
    assert abs(dumps[0] - dumps[1]) <= 7  # one dump more or less in the second orbit
    both = np.isfinite(ours["TIME"]) & (ours["QUALITY"] == 0)
    assert np.isfinite(ours["PDCSAP_FLUX"][both]).all()
    assert np.isnan(ours["PDCSAP_FLUX"][(ours["QUALITY"] & ~512) != 0]).all()


def test_columns_read_by_astropy_are_those_that_spoc_writes(simulated_sector):
    with fits.open(simulated_sector.files[0]) as hdus:
        assert [hdu.name for hdu in hdus] == ["PRIMARY", "LIGHTCURVE", "APERTURE"]
        assert hdus[0].header["SIMDATA"] is True
        columns = hdus[1].columns
        assert columns.formats == list("DEJEEEEEEJDEDEDEDEEE")
        assert columns["TIME"].unit == "BJD - 2457000, days"
        assert columns["QUALITY"].disp == "B16.16"
        table = hdus[1].data
        assert np.isnan(table["PSF_CENTR1"]).all()
        assert np.isfinite(table["TIMECORR"]).all()
        assert (np.diff(table["CADENCENO"]) == 1).all()
        assert (np.diff(table["TIME"][np.isfinite(table["TIME"])]) > 0).all()
        bits = hdus[2].data
        assert np.count_nonzero(bits & 2) == hdus[2].header["NPIXSAP"]


def test_every_hdu_sums_up_to_all_ones_and_there_is_no_datasum(simulated_sector):
    for path in simulated_sector.files:
        hdus = split_hdus(path.read_bytes())
        assert [ones_sum(hdu.body) for hdu in hdus] == [ALL_ONES] * 3
        assert not any(card.startswith("DATASUM") for hdu in hdus for card in hdu.cards)


def test_checksum_is_the_one_astropy_writes(simulated_sector):
    hdu = split_hdus(simulated_sector.files[0].read_bytes())[0]
    primary = fits.PrimaryHDU.fromstring(hdu.body, checksum=True)
    assert primary.verify_checksum() == 1


@pytest.mark.skipif(shutil.which("fitsverify") is None, reason="Debian's fitsverify is not here")
@pytest.mark.parametrize("sector", [27, 88])
def test_fitsverify_finds_no_error(tmp_path, sector):
    path = tmp_path / "lc.fits"
    path.write_bytes(simulate(tmp_path, sector)[1])
    said = subprocess.run(["fitsverify", path], capture_output=True, text=True, check=False).stdout
    assert "0 error(s)" in said


def test_a_new_delivery_has_the_same_name_and_light_but_another_date(tmp_path):
    (name_1, body_1), (name_2, body_2) = (
        simulate(tmp_path, 63, delivery=delivery) for delivery in (1, 2)
    )
    old, new = split_hdus(body_1), split_hdus(body_2)
    assert name_1 == name_2
    assert len(body_1) == len(body_2)
    for keyword in ("DATE", "DATA_REL", "PROCVER"):
        assert old[0].value(keyword) != new[0].value(keyword)
    assert old[1].body[-5000:] == new[1].body[-5000:]


def test_unknown_parameters_of_a_star_are_blank_cards(simulated_sector):
    values = [
        split_hdus(path.read_bytes())[0].value("MH").strip() for path in simulated_sector.files
    ]
    assert "" in values
    curve = split_hdus(simulated_sector.files[0].read_bytes())[1]
    assert curve.value("PDC_VAR") == ""
