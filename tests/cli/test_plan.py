import pytest

from calnet_ops.cli.demo.plan import make_plan, real_sectors
from calnet_ops.errors import WrongConfiguration

FILE = "tess2018206045859-s0001-0000000261136679-0120-s_lc.fits"


@pytest.fixture
def archive(tmp_path):
    """A folder of three sectors; the first has most files."""
    for sector, count in ((1, 3), (27, 2), (61, 1)):
        folder = tmp_path / "tess" / f"s{sector:03d}"
        folder.mkdir(parents=True)
        for number in range(count):
            (folder / f"{number}_lc.fits").touch()
    return tmp_path / "tess"


def test_without_an_archive_all_is_simulated():
    plan = make_plan(None, None)
    assert plan.first == plan.labelled
    assert plan.later == (plan.new_simulated,)


def test_there_is_always_a_simulated_sector_to_be_judged_on(archive):
    plan = make_plan(archive, None)
    assert plan.new_simulated in plan.later
    assert plan.new_simulated not in plan.labelled


def test_simulated_sectors_never_take_the_number_of_a_real_one(archive):
    plan = make_plan(archive, None)
    assert not {*plan.labelled, plan.new_simulated} & {1, 27, 61}


def test_without_labels_no_real_star_is_learned_from(archive):
    plan = make_plan(archive, None)
    assert not plan.real_first
    assert set(plan.real_later) == {1, 27, 61}


def test_with_labels_the_larger_half_comes_first(archive, tmp_path):
    (tmp_path / "labels").mkdir()
    plan = make_plan(archive, None)
    assert plan.labels == tmp_path / "labels"
    assert set(plan.real_first) == {1, 27}
    assert set(plan.real_later) == {61}


def test_one_labelled_sector_is_learned_from(archive, tmp_path):
    one = tmp_path / "one"
    one.mkdir()
    (one / "s027").symlink_to(archive / "s027")
    plan = make_plan(one, tmp_path)
    assert set(plan.real_first) == {27}
    assert not plan.real_later


def test_relative_folders_are_the_same_folders(archive, monkeypatch):
    monkeypatch.chdir(archive.parent)
    assert real_sectors(archive) == real_sectors(archive.relative_to(archive.parent))


def test_a_folder_without_sectors_is_told_what_is_expected(tmp_path):
    (tmp_path / FILE).touch()
    with pytest.raises(WrongConfiguration, match="sDDD"):
        make_plan(tmp_path, None)
