"""Who enters, who leaves, who changes type."""

from calnet_ops.science.evaluation.changes import ENTER, LEAVE, TYPE, Best, Known, find_changes

NOTHING = Known({}, {}, {})


def changes(after, before, known=NOTHING):
    new = {tic: Best(87, value) for tic, value in after.items()}
    old = {tic: Best(86, value) for tic, value in before.items()}
    found = find_changes(new, 0.5, old, 0.6, known)
    return [(one.tic, one.change) for one in found], found


def test_each_model_has_its_own_threshold():
    after = {1: 0.55, 2: 0.55, 3: 0.45, 4: 0.45, 5: 0.9}
    before = {1: 0.55, 2: 0.65, 3: 0.65, 4: 0.55, 5: 0.9}
    assert changes(after, before)[0] == [(1, ENTER), (3, LEAVE)]


def test_a_star_is_shown_where_it_is_a_candidate():
    _, (enters, leaves) = changes({1: 0.9, 2: 0.1}, {1: 0.1, 2: 0.9})
    assert (enters.sector, leaves.sector) == (87, 86)


def test_what_moves_most_comes_first_and_a_star_never_scored_before_enters():
    order, found = changes({1: 0.6, 2: 0.99, 3: 0.8}, {1: 0.55, 2: 0.1})
    assert order == [(3, ENTER), (2, ENTER), (1, ENTER)]
    assert found[0].move > found[1].move > found[2].move


def test_a_type_changes_only_where_both_models_have_measured_one():
    known = Known({1: "EA", 2: "EA", 3: "EW"}, {1: "EB", 2: "EA"}, {1: "EB", 9: "NOT_EB"})
    order, found = changes(dict.fromkeys((1, 2, 3), 0.9), dict.fromkeys((1, 2, 3), 0.9), known)
    assert order == [(1, TYPE)]
    assert (found[0].eb_type, found[0].eb_type_after, found[0].verdict) == ("EA", "EB", "EB")
