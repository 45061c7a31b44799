"""Great Expectations judges as our values say, and shows it on pages."""

from dataclasses import replace

import pytest

from calnet_ops.adapters.quality import judge
from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.checks.expectations import EXPECTATIONS, Kind, Scope, Severity

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("great_expectations"),
    pytest.mark.timeout(180),  # the import of Great Expectations alone takes 7 to 16 s
    pytest.mark.filterwarnings("ignore"),  # it warns of its own use of deprecated modules
]


def one_of_each_kind():
    by_kind = {item.kind: item for item in EXPECTATIONS}
    between = replace(by_kind[Kind.BETWEEN], low=0, high=1, share=1.0)
    return [
        replace(between, name="all", scope=Scope.FILE, column="x"),
        replace(between, name="most", scope=Scope.FILE, column="x", share=0.5),
        replace(by_kind[Kind.IN_SET], column="camera", allowed=(1, 2)),
        replace(by_kind[Kind.UNIQUE], column="tic"),
        replace(by_kind[Kind.PRESENT], column="tmag", share=1.0),
        replace(between, name="sector", scope=Scope.SECTOR, column="n", low=3, high=None),
    ]


def test_every_kind_is_judged_and_its_rows_are_named(tmp_path):
    import pandas as pd

    files = pd.DataFrame(
        {
            "file_name": ["a", "b", "c"],
            "x": [0.5, 7.25, float("nan")],
            "camera": [1, 2, 5],
            "tic": [8, 9, 8],
            "tmag": [10.0, float("nan"), 11.0],
        }
    )
    sector = pd.DataFrame({"n": [2]})
    tables = {Scope.FILE: files, Scope.SECTOR: sector}
    outcomes = judge(tables, one_of_each_kind(), "run", tmp_path)
    found = [(item.met, item.n_unexpected, item.unexpected) for item in outcomes]
    assert found == [
        (False, 1, (("b", "7.25"),)),
        (True, 1, (("b", "7.25"),)),
        (False, 1, (("c", "5"),)),
        (False, 2, (("a", "8"), ("c", "8"))),
        (False, 1, (("b", "nan"),)),
        (False, 1, (("", "2"),)),
    ]
    assert (tmp_path / "index.html").is_file()
    page = (tmp_path / "expectations" / "file.html").read_text()
    assert one_of_each_kind()[0].reason in page
    pages = {file: file.read_text() for file in tmp_path.rglob("*.html")}
    assert not [file for file, text in pages.items() if "<script" in text or "<link href" in text]
    index = pages[tmp_path / "index.html"]
    assert "1 of 6 expectations are met" in index
    assert 'href="validations/file/run/' in index


@pytest.mark.parametrize("change", [{"column": "none"}, {"low": 2, "high": 1}])
def test_what_cannot_be_judged_stops(tmp_path, change):
    import pandas as pd

    tables = {Scope.FILE: pd.DataFrame({"file_name": ["a"], "x": [0.5]})}
    with pytest.raises(WrongConfiguration, match="'all'"):
        judge(tables, [replace(one_of_each_kind()[0], **change)], "run", tmp_path)


def test_all_severities_have_a_word_in_data_docs():
    from calnet_ops.adapters.quality.great_expectations import GX_SEVERITY

    assert set(GX_SEVERITY) == set(Severity)
