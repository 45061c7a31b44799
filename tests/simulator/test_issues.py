"""A planted issue changes its window and nothing else, and is known as such."""

from functools import partial
from pathlib import Path

import numpy as np
import pytest

from calnet_ops.cli.archive import simulate
from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.checks.known_issues import explain, read_issues
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.simulator.issues import FILE_NAME, PlantedIssue, check_meant
from calnet_ops.simulator.sectors import simulate_sector
from calnet_ops.simulator.timeline import Q_COARSE_POINT, Q_MANUAL_EXCLUDE, Q_SCATTERED_LIGHT

START, STOP = 3664.5, 3666.0
LIGHT = PlantedIssue(START, STOP, "scattered light", camera=2)
N_STAR = 12


def curves(folder: Path) -> dict[str, LightCurve]:
    """Light curves of a folder by name, each believed."""
    files = sorted((folder / "s087").glob("*.fits"))
    return {file.name: spoc.verify_and_read(file.name, file.read_bytes())[1] for file in files}


def make(folder: Path, *issues: PlantedIssue) -> dict[str, LightCurve]:
    simulate_sector(
        folder, 87, n_star=N_STAR, seed=20, compact=True, workers=1, issues=issues, damaged=False
    )
    return curves(folder)


@pytest.fixture(scope="module")
def plain(tmp_path_factory) -> dict[str, LightCurve]:
    return make(tmp_path_factory.mktemp("plain"))


def test_scattered_light_is_in_its_window_and_camera_only(plain, tmp_path):
    planted = make(tmp_path, LIGHT)
    assert planted.keys() == plain.keys()
    n_met = 0
    for name, curve in planted.items():
        before = plain[name]
        inside = (before.time >= START) & (before.time <= STOP) & (curve.camera == 2)
        n_met += bool(inside.any())
        for values, same in ((curve.flux, before.flux), (curve.quality, before.quality)):
            np.testing.assert_array_equal(values[~inside], same[~inside])
        np.testing.assert_array_equal(curve.time, before.time)
        if inside.any():
            flagged = curve.quality[inside] & Q_SCATTERED_LIGHT > 0
            assert 0.4 < flagged.mean() < 0.9
            assert not np.isfinite(curve.flux[inside][flagged]).any()
            leaked = (curve.flux / before.flux)[inside & curve.good]
            assert leaked.max() > 1.003
            assert np.nanmax(curve.background[inside]) > 5 * np.nanmedian(before.background)
    assert 0 < n_met < N_STAR


@pytest.mark.parametrize(
    ("kind", "bit"), [("manual exclude", Q_MANUAL_EXCLUDE), ("coarse pointing", Q_COARSE_POINT)]
)
def test_flagged_windows_have_no_corrected_flux(plain, tmp_path, kind, bit):
    for name, curve in make(tmp_path, PlantedIssue(START, STOP, kind)).items():
        inside = (plain[name].time >= START) & (plain[name].time <= STOP)
        assert np.all(curve.quality[inside] & bit)
        assert not np.isfinite(curve.flux[inside]).any()
        np.testing.assert_array_equal(curve.flux[~inside], plain[name].flux[~inside])


@pytest.mark.parametrize("kind", ["instrument off", "safe mode"])
def test_windows_without_data_have_no_times(plain, tmp_path, kind):
    for name, curve in make(tmp_path, PlantedIssue(START, STOP, kind)).items():
        inside = (plain[name].time >= START) & (plain[name].time <= STOP)
        assert not np.isfinite(curve.time[inside]).any()
        assert np.isfinite(curve.time[~inside]).sum() == np.isfinite(plain[name].time).sum() - (
            inside.sum()
        )


def test_planted_issues_are_written_as_known_ones_beside_those_of_other_sectors(tmp_path):
    file = tmp_path / "mast" / FILE_NAME
    write = partial(simulate_sector, n_star=1, seed=1, compact=True, workers=1)
    write(tmp_path, 87)
    assert not file.exists()
    write(tmp_path, 87, issues=[LIGHT, PlantedIssue(START, STOP, "safe mode")])
    late = PlantedIssue(3691, 3692, "manual exclude", camera=3, ccd=1)
    write(tmp_path, 88, issues=[late])
    issues = read_issues(file.name, file.read_text())
    assert explain(issues, 87) == ["planted-s0087-1", "planted-s0087-2"]
    assert explain(issues, 87, camera=1) == ["planted-s0087-2"]
    assert explain(issues, 88, camera=3, ccd=1, time_start=3691.5) == ["planted-s0088-1"]
    write(tmp_path, 87)
    assert explain(read_issues(file.name, file.read_text()), 87) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "camera=2",
        "start=3665,stop=3664,kind=safe mode",
        "start=nan,stop=3664,kind=safe mode",
        "start=3664,stop=inf,kind=safe mode",
        "start=3664,stop=3665,kind=gremlins",
        "start=3664,stop=3665,kind=safe mode,camera=5",
        "start=3664,stop=3665,kind=safe mode,camera=two",
        "start=3664,stop=3665,kind=safe mode,colour=red",
    ],
)
def test_issue_that_makes_no_sense_is_refused(text):
    with pytest.raises(WrongConfiguration):
        PlantedIssue.parse(text)


def test_issue_is_read_of_words():
    text = f"camera=2, start={START}, stop={STOP}, kind=scattered light"
    assert PlantedIssue.parse(text) == LIGHT


def test_issue_that_would_do_nothing_is_refused(tmp_path):
    with pytest.raises(WrongConfiguration, match="window"):
        simulate_sector(
            tmp_path, 87, n_star=1, seed=1, issues=[PlantedIssue(1, 2, "safe mode")], compact=True
        )


def test_issue_of_several_sectors_names_its_own():
    check_meant([LIGHT], [87])
    with pytest.raises(WrongConfiguration, match="no sector"):
        check_meant([LIGHT], [87, 88])
    with pytest.raises(WrongConfiguration, match="sector=89"):
        check_meant([PlantedIssue(1, 2, "safe mode", sector=89)], [87, 88])


def test_command_plants_issues(tmp_path):
    issue = f"start={START},stop={STOP},kind=manual exclude"
    simulate(tmp_path, [87], stars=1, issue=[issue], compact=True, workers=1)
    (curve,) = curves(tmp_path).values()
    inside = (curve.time >= START) & (curve.time <= STOP)
    assert np.all(curve.quality[inside] & Q_MANUAL_EXCLUDE)


def test_a_sector_of_scattered_light_is_lit_in_all_cameras_and_no_flag_tells(plain, tmp_path):
    simulate_sector(
        tmp_path, 87, n_star=N_STAR, seed=20, compact=True, workers=1, scattered_light=0.4
    )
    lit = curves(tmp_path)
    assert lit.keys() == plain.keys()
    for name, curve in lit.items():
        before = plain[name]
        np.testing.assert_array_equal(curve.quality, before.quality)
        brighter = (curve.flux - before.flux)[curve.good] / np.nanmedian(before.flux)
        assert np.max(brighter) == pytest.approx(0.02, abs=0.001)
        assert 0.3 < np.mean(brighter > 1e-6) < 0.5
    listed = (tmp_path / "mast" / FILE_NAME).read_text()
    assert listed.count("unflagged light") == 4  # both ends of two orbits
