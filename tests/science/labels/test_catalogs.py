from collections import Counter

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.labels.catalogs import read_catalog
from calnet_ops.science.labels.records import Details

TRUTH = """tic,is_eb,kind,period,epoch_btjd,depth_1,depth_2,ra,dec,damage
900000000001,True,EA,2.5,1500.25,0.2,0.1,84.1,-80.5,
"""

PRSA = """tess_id,ra,dec,bjd0,period,morph_coeff,prim_depth_pf,prim_depth_2g
7,84.1,-80.5,1500.25,2.5,0.1,27771.6,0.3
"""

DISCOVERY = """TIC m_TIC Disp RAJ2000 DEJ2000 Gaia
--- ----- ---- ------- ------- ----
  7     8         84.1   -80.5    9
"""


def words(text):
    return [(r.tic, r.verdict, r.eb_type, r.source) for r in read_catalog("a catalog", text)]


@pytest.mark.parametrize(
    "text",
    [
        "tic,verdict,eb_type\n7,EB,EW\n8,NOT_EB,\n9,UNSURE,\n",
        "tic,is_eb,eb_type\n7,True,EW\n8,False,\n9,ambiguous,\n",
        "tic,label,type\n7,EB,EW\n8,NONEB,\n9,AMBIGUOUS,\n",
    ],
)
def test_a_plain_table_may_spell_its_verdicts_in_several_ways(text):
    assert words(text) == [
        (7, "EB", "EW", "catalog"),
        (8, "NOT_EB", "", "catalog"),
        (9, "UNSURE", "", "catalog"),
    ]


def test_truth_of_a_simulation_is_simulated_and_damaged_files_say_nothing():
    text = (
        "file_name,tic,sector,kind,is_eb,damage\n"
        "a,900000000001,87,EA,True,\nb,900000000002,87,flare,False,\nc,30,87,EB,True,truncated\n"
    )
    assert words(text) == [
        (900_000_000_001, "EB", "EA", "simulated"),
        (900_000_000_002, "NOT_EB", "", "simulated"),
    ]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (TRUTH, Details(2.5, 1500.25, 0.2, 84.1, -80.5)),
        (
            "tic,verdict,epoch_bjd_tdb,gaia,same_as\n7,EB,2458500.25,5412250540681250560,8\n",
            Details(epoch_btjd=1500.25, gaia=5_412_250_540_681_250_560, same_as=8),
        ),
        ("TIC_ID,Is_EB,Type,Per\n7,T,EW,NON PERIODIC\n", Details()),
        ("TIC_ID,Is_EB,Type,Period\n7,T,EW,0.25\n", Details(0.25)),
        (PRSA, Details(2.5, 1500.25, 0.3, 84.1, -80.5)),
        (DISCOVERY, Details(ra=84.1, dec=-80.5, gaia=9, same_as=8)),
        ("tic,verdict,period,depth\n7,EB,-1,0\n", Details()),
    ],
)
def test_what_a_catalog_knows_beside_the_verdict_is_kept(text, expected):
    assert [record.details for record in read_catalog("a catalog", text)] == [expected]


def test_hosts_of_planets_are_known_as_such():
    toi = "TIC ID,TOI,TFOPWG Disposition\n1,1.01,KP\n2,2.01,CP\n3,3.01,PC\n4,4.01,FP\n"
    assert words(toi) == [
        (1, "NOT_EB", "", "planet_host"),
        (2, "NOT_EB", "", "planet_host"),
        (3, "UNSURE", "", "catalog"),
    ]


def test_an_eclipse_by_a_planet_is_no_binary():
    flags = "TIC_ID,Is_EB,Type\n1,T,EP\n2,T,EA\n3,F,ROT\n4,-,VAR\n"
    assert words(flags) == [
        (1, "NOT_EB", "", "planet_host"),
        (2, "EB", "EA", "catalog"),
        (3, "NOT_EB", "", "catalog"),
    ]


def test_columns_that_nobody_knows_are_named():
    with pytest.raises(WrongConfiguration, match="colour, weight"):
        read_catalog("fruit.csv", "colour,weight\nred,3\n")


@pytest.mark.parametrize("tic", ["123", "123.0", " 123 ", "TIC 123", "tic-0000000123"])
def test_a_star_may_be_numbered_as_spreadsheets_do(tic):
    assert words(f"tic,verdict\n{tic},EB\n") == [(123, "EB", "", "catalog")]


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("tic,verdict\n7,EB\n,EB\n", "fruit.csv, line 3.*found TIC number ''"),
        ("tic,verdict\n\nHD 12,EB\n", "fruit.csv, line 3.*found TIC number 'HD 12'"),
        ("tic,verdict\n12.5,EB\n", "line 2.*found TIC number '12.5'"),
        ("tic,verdict,eb_type\n7\n", "line 2.*found 1 cells, expected 3 cells"),
        ("tic,verdict\n7,EB,EW\n", "line 2.*found 3 cells, expected 2 cells"),
        ("tess_id,morph_coeff\n7,high\n", "line 2.*found could not convert.*'high'"),
        ("TIC class\n--- -----\n  7    EA\n       EW\n", "line 4.*found TIC number ''"),
        ("Title: a table without a rule\n", "fruit.csv.*columns none"),
        ("", "fruit.csv.*columns none"),
    ],
)
def test_a_bad_row_or_file_is_named(text, message):
    with pytest.raises(WrongConfiguration, match=message):
        read_catalog("fruit.csv", text)


def test_a_type_in_place_of_a_verdict_is_a_binary_of_that_type():
    assert words("tic,label\n7,EA\n8,ew\n9,EB\n10,NOT_EB\n") == [
        (7, "EB", "EA", "catalog"),
        (8, "EB", "EW", "catalog"),
        (9, "EB", "EB", "catalog"),
        (10, "NOT_EB", "", "catalog"),
    ]
    assert words("tic,verdict\n7,EB\n8,NOT_EB\n")[0] == (7, "EB", "", "catalog")


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("calnet_training_samples.dat", {("EB", "EA"): 2806, ("EB", "EB"): 632, ("EB", "EW"): 787}),
        ("calnet_newclass_samples.dat", {("EB", "EA"): 2808, ("EB", "EB"): 630, ("EB", "EW"): 787}),
        # 10,531 less 22 duplicates and 2 artefacts
        ("calnet_newecl.dat", {("EB", ""): 10507}),
        ("justesen_albrecht_2021_748ebs.txt", {("EB", ""): 748}),
    ],
)
def test_published_catalogs_are_read_whole(shared_data, file, expected):
    text = (shared_data / "labels" / file).read_text()
    assert Counter((r.verdict, r.eb_type) for r in read_catalog(file, text)) == expected


def test_every_catalog_at_hand_has_a_reader(shared_data):
    for file in [*(shared_data / "labels").iterdir(), shared_data / "manifest.csv"]:
        assert read_catalog(file.name, file.read_text())
