import io

import numpy as np
import pytest
from astropy.io import fits
from astropy.wcs import WCS

from calnet_ops.errors import WrongLayout
from calnet_ops.science.lightcurve.centroids import position_angle, read_centroids
from calnet_ops.science.lightcurve.light_curve import LightCurve


@pytest.fixture(scope="module")
def real(shared_data):
    return next((shared_data / "tess" / "s001").glob("*0038846515*.fits")).read_bytes()


def test_columns_are_those_that_astropy_reads(real):
    table = fits.getdata(io.BytesIO(real), 1)
    found = read_centroids(real)
    for k in (1, 2):
        np.testing.assert_array_equal(found.centroid[k - 1], table[f"MOM_CENTR{k}"])
        np.testing.assert_array_equal(found.centroid_err[k - 1], table[f"MOM_CENTR{k}_ERR"])
        np.testing.assert_array_equal(found.motion[k - 1], table[f"POS_CORR{k}"])


@pytest.mark.filterwarnings("ignore")  # astropy mends dates of the header
def test_world_coordinates_are_those_of_astropy(real):
    """A pixel of column, and of row, leads as far and in the same direction."""
    with fits.open(io.BytesIO(real)) as hdus:
        header = hdus[2].header
    world = WCS(header)
    found = read_centroids(real)
    origin = np.array([header["CRPIX1"], header["CRPIX2"]])
    ra_0, dec_0 = world.wcs_pix2world([origin], 1)[0]
    for axis in range(2):
        ra, dec = world.wcs_pix2world([origin + np.eye(2)[axis]], 1)[0]
        east = 3600 * (ra - ra_0) * np.cos(np.radians(dec_0))
        np.testing.assert_allclose(found.to_sky[:, axis], [east, 3600 * (dec - dec_0)], atol=0.02)
    np.testing.assert_allclose(found.target, origin - 1 + [header["CRVAL1P"], header["CRVAL2P"]])


def test_the_photocentre_lies_near_the_target_of_the_header(shared_data):
    """Real files: within 0.4 pixel, bright stars that bleed left out."""
    away = []
    for file in sorted((shared_data / "tess" / "s001").glob("*.fits")):
        found = read_centroids(file.read_bytes())
        away.append(np.nanmedian(found.centroid - found.motion, axis=1) - found.target)
    assert np.abs(away).max() < 0.4


def test_without_an_aperture_the_place_on_the_sky_is_unknown(real):
    with fits.open(io.BytesIO(real)) as hdus:
        buffer = io.BytesIO()
        hdus[0].header["NEXTEND"] = 1
        fits.HDUList([hdus[0], hdus[1]]).writeto(buffer)
    found = read_centroids(buffer.getvalue())
    assert np.isnan(found.target).all()
    assert np.isnan(found.to_sky).all()
    assert np.isfinite(found.centroid).any()


def test_a_table_without_centroids_is_refused(shared_data):
    file = next((shared_data / "tess_hlsp").rglob("*qlp*.fits"))
    with pytest.raises(WrongLayout, match=r"MOM_CENTR\d|POS_CORR\d"):
        read_centroids(file.read_bytes())


def test_features_and_ingest_do_not_carry_them():
    """A light curve has no more arrays than it had: who wants the motion reads it apart."""
    assert {"motion", "centroid_err"}.isdisjoint(LightCurve.__dataclass_fields__)


@pytest.mark.parametrize(
    ("east", "north", "angle"), [(0, 1, 0), (1, 0, 90), (0, -1, 180), (-1, 0, 270)]
)
def test_directions_count_from_north_through_east(east, north, angle):
    assert position_angle(east, north) == pytest.approx(angle)
