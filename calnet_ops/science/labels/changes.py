"""How far two sets of labels differ."""

from collections.abc import Iterable

Label = tuple[int, str, str]
"""TIC, verdict, type of binary (empty if it has none or nobody knows)."""


def count_changes(before: Iterable[Label], after: Iterable[Label]) -> int:
    """Stars that are new, gone, or judged otherwise: what a new model could learn.

    Parameters
    ----------
    before, after
        Labels, one a star, in any order. Where they come from and how many agree is of no account.
    """
    old, new = ({tic: said for tic, *said in labels} for labels in (before, after))
    return sum(old.get(tic) != new.get(tic) for tic in old.keys() | new.keys())
