from calnet_ops.science.labels.changes import count_changes

LABELS = [(1, "EB", "EA"), (2, "NOT_EB", ""), (3, "EB", "")]


def test_the_same_labels_in_any_order_are_no_change():
    assert count_changes(LABELS, LABELS[::-1]) == 0


def test_new_gone_and_changed_stars_count_once_each():
    assert count_changes([], LABELS) == 3
    assert count_changes(LABELS, LABELS[1:]) == 1
    assert count_changes(LABELS, [*LABELS[:2], (3, "NOT_EB", ""), (4, "EB", "EW")]) == 2


def test_another_type_of_binary_is_a_change():
    assert count_changes(LABELS, [*LABELS[:2], (3, "EB", "EW")]) == 1
