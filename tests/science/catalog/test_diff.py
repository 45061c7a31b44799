"""What changed between two catalogs."""

from calnet_ops.science.catalog.diff import compare
from calnet_ops.science.catalog.schema import from_rows


def test_stars_are_added_removed_changed_or_not(make, facts):
    older = from_rows([make(1), make(2), make(3, period=None)], facts)
    newer = from_rows([make(2, tier="model", depth_1=0.3), make(3, period=None), make(4)], facts)
    difference = compare(older, newer)
    assert (difference.added, difference.removed) == ((4,), (1,))
    assert difference.changed == {2: ("tier", "depth_1")}
    assert difference.unchanged == (3,)
    assert difference.sentence() == "1 stars added, 1 removed, 1 changed, 1 unchanged"


def test_another_release_or_model_alone_changes_no_star(make, facts):
    older = from_rows([make(1)], facts)
    newer = from_rows([make(1, release="v2026.12.0", model_version=4)], facts)
    assert compare(older, newer).unchanged == (1,)
