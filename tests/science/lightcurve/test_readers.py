"""A file is read by what it holds, not by how it is called."""

import io
from collections import Counter
from contextlib import suppress

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from calnet_ops import errors
from calnet_ops.science.features import extract
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.spoc_files import spoc_bytes

CSV = b"# by hand\ntime,flux,flux_err,quality\n3.0,30,1,0\n1.0,10,1,0\n2.0,,1,0\n2.0,21,1,4\n"
ECSV = (
    b"# %ECSV 1.0\n# ---\n# datatype:\n# - {name: time, unit: d, datatype: float64}\n"
    b"# - {name: flux, datatype: float64}\ntime flux\n2459000.5 1.0\n2459001.5 2.0\n"
)


def parquet(**columns) -> bytes:
    buffer = io.BytesIO()
    pq.write_table(pa.table(columns), buffer)
    return buffer.getvalue()


def test_two_minute_file_under_any_name():
    assert read_any("star.fits", spoc_bytes()).tic == 900_000_000_001


def test_damage_shows_under_any_name():
    body = bytearray(spoc_bytes())
    body[200_000] ^= 1
    with pytest.raises(errors.ChecksumMismatch):
        read_any("star.fits", bytes(body))


def test_csv_is_put_in_order_and_its_second_of_equal_times_dropped():
    light_curve = read_any("tic261136679_s0001.csv", CSV)
    assert (light_curve.tic, light_curve.sector) == (261136679, 1)
    np.testing.assert_array_equal(light_curve.time, [1, 2, 3])
    np.testing.assert_array_equal(light_curve.flux, [10, np.nan, 30])
    np.testing.assert_array_equal(light_curve.good, [True, False, True])


def test_full_julian_dates_become_btjd():
    light_curve = read_any("star.ecsv", ECSV)
    np.testing.assert_array_equal(light_curve.time, [2000.5, 2001.5])
    assert light_curve.cadence_s == 86400


def test_parquet_names_its_star():
    body = parquet(TIME=[1.0, 2.0], pdcsap_flux=[1, None], tic=[7, 7], name=["a", "b"])
    light_curve = read_any("x.parquet", body)
    assert light_curve.tic == 7
    np.testing.assert_array_equal(light_curve.flux, [1, np.nan])


def test_missing_flag_is_no_good_sign_and_missing_tic_is_looked_for_in_the_name():
    body = parquet(time=[1.0, 2.0], flux=[1.0, 2.0], quality=[None, 0], tic=[None, 3])
    light_curve = read_any("x.parquet", body)
    np.testing.assert_array_equal(light_curve.good, [False, True])
    assert light_curve.tic == 3


@pytest.mark.filterwarnings("ignore")  # astropy warns, and goes on
def test_mutated_tables_end_in_a_value_or_a_named_reason():
    rng = np.random.default_rng(6)
    for body in (CSV, ECSV, parquet(time=[1.0, 2.0], flux=[1.0, 2.0])):
        for _ in range(100):
            damaged = bytearray(body)
            for offset in rng.integers(0, len(body), 2):
                damaged[offset] = rng.integers(256)
            with suppress(errors.QuarantinedFile):
                read_any("file", bytes(damaged))


@pytest.mark.parametrize(
    ("body", "error"),
    [
        (b"", errors.EmptyFile),
        (b"<html> time flux </html>", errors.NotFits),
        (b"no, such, columns\n1,2,3\n", errors.NotFits),
        (b"PAR1 and no more", errors.WrongLayout),
        (parquet(time=[1.0]), errors.WrongLayout),
        (spoc_bytes(cards={"ORIGIN": "UCSB/TGLC"}), errors.ForeignProduct),
    ],
)
def test_the_rest_is_refused_by_name(body, error):
    with pytest.raises(error):
        read_any("file", body)


def test_real_full_frame_products(shared_data):
    """Each is read, or refused by the name of its maker."""
    read, refused = [], []
    for file in sorted((shared_data / "tess_hlsp").glob("*/*.fits")):
        try:
            read.append((file.name.split("_")[1], read_any(file.name, file.read_bytes())))
        except errors.ForeignProduct as error:
            refused.append(error.found)
    assert Counter(maker for maker, _ in read) == {"tess-spoc": 7, "qlp": 3}
    assert {curve.cadence_s for _, curve in read} == {200, 600, 1800}
    for _, curve in read:
        assert curve.good.mean() > 0.4
        assert np.all(np.diff(curve.time[curve.good]) > 0)
    assert Counter(refused) == {
        "a FITS file of UCSB/TGLC": 4,
        "a FITS file of TASOC/Aarhus": 1,
        "a FITS file of unknown origin": 1,  # eleanor-lite writes no ORIGIN
    }


def test_features_of_real_full_frame_products_are_of_all_their_long_segments(shared_data):
    for file in sorted((shared_data / "tess_hlsp").glob("*/*.fits")):
        if "tess-spoc" in file.name or "qlp" in file.name:
            curve = read_any(file.name, file.read_bytes())
            segments = extract(curve)
            assert len(segments) == 2
            assert min(item.n_cadence for item in segments) * curve.cadence_s > 2000 * 120
            for segment in segments:
                assert np.isfinite(segment.flux).all()
                assert np.isfinite(segment.power).all()
