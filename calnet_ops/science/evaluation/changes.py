"""Which stars a new model makes candidates of, and which it lets go."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from calnet_ops.science.candidates.combine import logit

ENTER, LEAVE, TYPE = "enter", "leave", "type"
"""What becomes of a star: candidate only with the new model, only with the old, of another type."""


@dataclass(frozen=True, slots=True)
class Best:
    """The sector in which a star is most likely a binary: any sector can make a candidate."""

    sector: int
    probability: float


@dataclass(frozen=True, slots=True)
class Change:
    """A star whose place in the list of candidates changes."""

    tic: int
    change: str
    """`ENTER`, `LEAVE` or `TYPE`."""
    sector: int
    """In which it is shown: where the model that has it as a candidate is surest."""
    probability: float
    """Of the new model, in its own best sector."""
    probability_before: float
    """Of the model in production; NaN if it has not scored the star."""
    eb_type: str
    """As measured from its light curves; empty if it was never measured."""
    eb_type_after: str
    """The same by the candidates of the new model, where it has any already."""
    verdict: str
    """What labels say of it: ``EB``, ``NOT_EB``, or nothing."""

    @property
    def move(self) -> float:
        """By how many logits the model moved it: the larger, the surer the change."""
        before = 0.0 if np.isnan(self.probability_before) else self.probability_before
        return float(abs(logit(self.probability) - logit(before)))


@dataclass(frozen=True)
class Known:
    """What is known of stars beside their probabilities."""

    eb_type: Mapping[int, str]
    eb_type_after: Mapping[int, str]
    verdict: Mapping[int, str]


def find_changes(
    after: Mapping[int, Best],
    threshold: float,
    before: Mapping[int, Best],
    threshold_before: float,
    known: Known,
) -> list[Change]:
    """Stars that enter, leave, or change type; of each kind the surest first.

    A type is measured from light curves, whatever the model: it differs only where the new model
    has candidates of its own, as one that was in production before.

    Parameters
    ----------
    after, before
        Best sector of each star, by TIC number.
    """
    found = []
    for tic, best in after.items():
        old = before.get(tic)
        is_now = best.probability >= threshold
        was = old is not None and old.probability >= threshold_before
        types = known.eb_type.get(tic, ""), known.eb_type_after.get(tic, "")
        if is_now and not was:
            change = ENTER
        elif was and not is_now:
            change = LEAVE
        elif is_now and all(types) and types[0] != types[1]:
            change = TYPE
        else:
            continue
        shown = old if change == LEAVE and old else best
        found.append(
            Change(
                tic=tic,
                change=change,
                sector=shown.sector,
                probability=best.probability,
                probability_before=old.probability if old else float("nan"),
                eb_type=types[0],
                eb_type_after=types[1],
                verdict=known.verdict.get(tic, ""),
            )
        )
    order = (ENTER, LEAVE, TYPE)
    return sorted(found, key=lambda one: (order.index(one.change), -one.move, one.tic))
