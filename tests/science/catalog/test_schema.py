"""One table, one kind of missing value."""

from pathlib import Path

import pytest

from calnet_ops.errors import WrongLayout
from calnet_ops.science.catalog import schema
from calnet_ops.science.catalog.document import document


def test_not_a_number_and_empty_text_are_missing(make, facts):
    table = schema.from_rows([make(1, period=float("nan"), eb_type=" ")], facts)
    assert table["period"].to_pylist() == [None]
    assert table["eb_type"].to_pylist() == [None]


def test_rows_are_sorted_by_star(make, facts):
    table = schema.from_rows([make(3), make(1), make(2)], facts)
    assert table["tic"].to_pylist() == [1, 2, 3]


def test_values_are_as_long_as_their_columns_say(make, facts):
    table = schema.from_rows([make(1, probability=2 / 3)], facts)
    assert table["probability"].to_pylist() == [0.666667]


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"tic": None}, "missing values"),
        ({"tic": "one"}, "tic"),
        ({"tier": None}, "missing"),
    ],
)
def test_what_cannot_be_a_row_is_refused(make, facts, changes, complaint):
    with pytest.raises(WrongLayout, match=complaint):
        schema.from_rows([make(1) | changes], facts)


def test_facts_must_be_complete(make, facts):
    del facts["simulated"]
    with pytest.raises(WrongLayout, match="simulated"):
        schema.from_rows([make(1)], facts)


def test_every_column_says_what_it_is():
    for column in schema.COLUMNS:
        assert column.description
        assert column.ucd
        assert f"| `{column.name}` |" in document()


def test_page_of_the_catalog_is_the_generated_one():
    page = Path(__file__).parents[3] / "docs" / "catalog.md"
    assert page.read_text() == document()
