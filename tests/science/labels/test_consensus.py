from dataclasses import dataclass

import pytest

from calnet_ops.science.labels.consensus import consensus
from calnet_ops.science.labels.records import NO_DETAILS, Details


@dataclass(frozen=True)
class Word:
    verdict: str
    source: str = "catalog"
    vetter: str = "one"
    eb_type: str = ""
    tic: int = 1
    simulated: bool = False
    details: Details = NO_DETAILS


def verdict_of(*words):
    agreed = consensus(words)
    return agreed.rows[0]["verdict"] if agreed.rows else None


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ([Word("EB")], "EB"),
        ([Word("EB"), Word("NOT_EB", "person", "a")], "NOT_EB"),
        ([Word("NOT_EB", "person", "a"), Word("EB")], "NOT_EB"),
        ([Word("EB"), Word("NOT_EB", "planet_host", "toi")], "NOT_EB"),
        ([Word("NOT_EB", "planet_host", "toi"), Word("EB", "person", "a")], "EB"),
        ([Word("EB"), Word("NOT_EB", "simulated", "truth")], "EB"),
        ([Word("EB"), Word("NOT_EB", vetter="two")], None),
        ([Word("EB"), Word("UNSURE", vetter="two")], None),
        ([Word("EB"), Word("UNSURE", "person", "a")], None),
        ([Word("EB", "person", "a"), Word("NOT_EB", "person", "a")], "NOT_EB"),
        ([Word("EB", "person", "a"), Word("NOT_EB", "person", "b")], None),
    ],
    ids=lambda value: (
        "-".join(f"{w.source}:{w.verdict}" for w in value)
        if isinstance(value, list)
        else str(value)
    ),
)
def test_who_is_heard(words, expected):
    assert verdict_of(*words) == expected


def test_stars_left_out_are_counted():
    agreed = consensus(
        [
            Word("EB", tic=1),
            Word("EB", tic=2),
            Word("NOT_EB", vetter="two", tic=2),
            Word("UNSURE", tic=3),
        ]
    )
    assert (len(agreed.rows), agreed.n_conflict, agreed.n_unsure) == (1, 1, 1)


def test_the_most_frequent_type_is_taken_and_only_of_those_heard():
    words = [
        Word("EB", vetter="one", eb_type="EW"),
        Word("EB", vetter="two", eb_type="EA"),
        Word("EB", vetter="three", eb_type="EA"),
        Word("EB", vetter="truth", source="simulated", eb_type="EB"),
    ]
    row = consensus(words).rows[0]
    assert (row["eb_type"], row["n_vote"], row["source"]) == ("EA", 3, "catalog")


def test_rows_come_by_star_whatever_the_order():
    words = [Word("EB", tic=9), Word("NOT_EB", tic=3), Word("EB", tic=5)]
    assert [row["tic"] for row in consensus(words).rows] == [3, 5, 9]
    assert consensus(words) == consensus(reversed(words))


def test_the_ephemeris_is_of_one_source_that_says_the_same():
    words = [
        Word("EB", "person", "ada"),
        Word("EB", vetter="a", details=Details(period_d=2.0, ra=10.0)),
        Word("EB", vetter="b", details=Details(1.0, 1500.0, 0.1, gaia=7)),
        Word("NOT_EB", vetter="c", details=Details(9.0, 1509.0, 0.9, same_as=3)),
    ]
    row = consensus(words).rows[0]
    assert (row["period_d"], row["epoch_btjd"], row["depth"]) == (1.0, 1500.0, 0.1)
    assert (row["ra"], row["gaia"], row["same_as"], row["n_vote"]) == (10.0, 7, None, 1)
    assert consensus(words) == consensus(reversed(words))


def test_hosts_of_planets_that_are_called_binaries_are_listed_with_who_says_so():
    words = [
        Word("EB", vetter="villanova"),
        Word("EB", vetter="calnet"),
        Word("NOT_EB", "planet_host", "toi"),
        Word("NOT_EB", "planet_host", "toi", tic=2),
    ]
    assert [row["set_aside"] for row in consensus(words).rows] == ["calnet, villanova", ""]
    person = consensus([*words, Word("EB", "person", "ada")]).rows[0]
    assert (person["verdict"], person["set_aside"]) == ("EB", "")
