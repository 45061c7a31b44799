"""What is known of a sector is found by place, star and time."""

import math

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.checks.known_issues import (
    COLUMNS,
    MAX_ISSUES,
    explain,
    issue_table,
    issues_of,
    merge_issues,
    read_issues,
    shipped_issues,
)
from calnet_ops.simulator.pointing import pointings
from calnet_ops.simulator.timeline import CADENCES_PER_DAY, CLOCK_CADENCE, CLOCK_ZERO

CSV = """\
# by hand
issue_id,sector,camera,ccd,tic,time_start,time_stop,kind,note,source
light,87,2,,,3670.5,3671.5,scattered light,"glint, strong",me
star,87,0,0,261136679,,,blend,,me
late,87,,,,3680,,pointing,,me
other,88,,,,,,safe mode,,me
"""


@pytest.fixture(scope="module")
def issues():
    return read_issues("issues.csv", CSV)


@pytest.mark.parametrize(
    ("asked", "found"),
    [
        ({}, ["light", "star", "late"]),
        ({"camera": 1}, ["star", "late"]),
        ({"camera": 2, "ccd": 4}, ["light", "star", "late"]),
        ({"tic": 5}, ["light", "late"]),
        ({"tic": 261136679, "camera": 3}, ["star", "late"]),
        ({"time_start": 3671.5, "time_stop": 3679.9}, ["light", "star"]),
        ({"time_start": 3671.6, "time_stop": 3679.9}, ["star"]),
        ({"time_start": math.nan, "time_stop": 3660.0}, ["star"]),
        ({"time_start": 3690.0}, ["star", "late"]),
    ],
)
def test_issues_are_found_by_place_star_and_time(issues, asked, found):
    assert explain(issues, 87, **asked) == found


def test_issue_of_another_sector_explains_nothing(issues):
    assert explain(issues, 89) == []


def test_table_gives_back_the_same_issues(issues):
    assert issues_of(issue_table(issues)) == issues
    assert issues_of(issue_table(())) == ()


def test_later_issue_stands_for_the_one_of_its_id(issues):
    mended = read_issues("x.csv", "issue_id,sector,kind,source\nother,88,instrument off,me\n")
    merged = merge_issues(issues, mended)
    assert [issue.issue_id for issue in merged] == ["star", "light", "late", "other"]
    assert merged[-1].kind == "instrument off"


def test_columns_come_in_any_order_and_unneeded_ones_may_be_absent():
    (issue,) = read_issues("x.csv", "\ufeffsource,kind,issue_id,sector\nme,dust,a,7\n")
    assert (issue.camera, issue.tic, issue.time_start, issue.shipped) == (0, None, None, False)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "no line"),
        ("a,b\n", "columns a, b"),
        (CSV.replace("camera", "cam"), "cam"),
        (CSV + "light,87,,,,,,dust,,me\n", "line 7: .*'light' again"),
        (CSV + "x,87,5,,,,,dust,,me\n", "line 7: .*camera 5"),
        (CSV + "x,s087,,,,,,dust,,me\n", "sector 's087'"),
        (CSV + "x,,,,,,,dust,,me\n", "no sector"),
        (CSV + "x,²,,,,,,dust,,me\n", "sector '²'"),
        (CSV + f"x,87,,,{'9' * 5000},,,dust,,me\n", "tic"),
        (CSV + "x,87,,,,2018-12-15,,dust,,me\n", "BTJD"),
        (CSV + "x,87,,,,nan,,dust,,me\n", "BTJD"),
        (CSV + "x,87,,,,1e400,,dust,,me\n", "BTJD"),
        (CSV + "x,87,,,,2460000,,dust,,me\n", "BTJD"),
        (CSV + "x,87,,,,3680,3670,dust,,me\n", "time_start behind time_stop"),
        (CSV + "x,87,,,,,,,,me\n", "no kind"),
        (CSV + "x,87\n", "2 cells"),
        (CSV + "x,87,,,,,,dust,a\x00b,me\n", "note"),
        (CSV + f"x,87,,,,,,dust,{'long ' * 1000},me\n", "note"),
        (CSV + f"x,87,,,,,,dust,{'x' * 200_000},me\n", "field limit"),
        (CSV + 'x,87,,,,,,dust,"no end\n', "line 7"),
    ],
)
def test_what_makes_no_sense_is_named_with_its_line(text, words):
    with pytest.raises(WrongConfiguration, match=words):
        read_issues("issues.csv", text)


def test_endless_file_is_refused():
    rows = "".join(f"i{number},87,dust,me\n" for number in range(MAX_ISSUES + 1))
    with pytest.raises(WrongConfiguration, match="more than 100000 issues"):
        read_issues("issues.csv", f"issue_id,sector,kind,source\n{rows}")


def test_shipped_issues_cover_the_anomalies_of_the_mission_and_name_their_sources():
    issues = shipped_issues()
    assert all(issue.shipped and issue.source and issue.note for issue in issues)
    assert {3, 4, 6, 8, 17, 18, 20, 32, 35, 42, 50, 57, 77, 78, 81, 90, 97, 98, 99, 1751} <= {
        issue.sector for issue in issues
    }
    assert "s0004-instrument-off" in explain(issues, 4, 1, 2, 7, 1419.0, 1420.0)
    assert "s0004-instrument-off" not in explain(issues, 4, 1, 2, 7, 1411.0, 1412.0)
    assert explain(issues, 42, 1, 4, time_start=2450) == ["s0042-earth-moon", "s0042-jupiter"]
    assert len(COLUMNS) == 10


def test_shipped_times_lie_in_their_sectors():
    known = pointings()
    for issue in shipped_issues():
        if issue.sector in known:
            pointing = known[issue.sector]
            start = CLOCK_ZERO + (pointing.cad_first - CLOCK_CADENCE) / CADENCES_PER_DAY
            stop = start + pointing.rows / CADENCES_PER_DAY
            for time in (issue.time_start, issue.time_stop):
                # calibrations and safe modes may come before the first cadence
                assert time is None or start - 10 < time < stop + 2, issue
