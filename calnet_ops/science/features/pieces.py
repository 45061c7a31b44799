"""What every version of the features does alike: which pieces of a light curve become segments."""

from collections.abc import Callable, Sequence

import numpy as np

from calnet_ops.errors import ConstantFlux, NoGoodCadences, TimesNotIncreasing, TooFewCadences
from calnet_ops.science.features.segment import Segment
from calnet_ops.science.lightcurve.light_curve import Floats
from calnet_ops.science.lightcurve.segments import split_segments


def long_pieces(what: str, time: Floats, least: int, version: str) -> list[slice]:
    """Pieces between the gaps that have at least so many cadences, in the order of time.

    Raises
    ------
    NoGoodCadences
        If there is no time at all.
    TimesNotIncreasing
        If times stand still or run backwards.
    TooFewCadences
        If no piece is long enough.
    """
    if not len(time):
        raise NoGoodCadences(what, found="none", expected="QUALITY 0, time and flux")
    if np.any(np.diff(time) <= 0):
        raise TimesNotIncreasing(what, found="a step back or still", expected="increasing times")
    pieces = split_segments(time)
    long = [piece for piece in pieces if piece.stop - piece.start >= least]
    if not long:
        longest = max(piece.stop - piece.start for piece in pieces)
        raise TooFewCadences(
            what,
            found=f"{longest} good cadences in the longest of {len(pieces)} segments",
            expected=f">= {least} (features {version})",
        )
    return long


def make_segments(
    time: Floats, pieces: Sequence[slice], features: Callable[[slice], tuple[Floats, Floats]]
) -> list[Segment]:
    """A segment for each piece that has any shape, numbered 1, 2, ...

    Parameters
    ----------
    time
        (n_cadence,) [d].
    features
        Scaled samples (4000,) and periodogram (1000,) of a piece.

    Raises
    ------
    ConstantFlux
        As `features` does for one piece, if it does for all.
    """
    segments: list[Segment] = []
    shapeless = None
    for piece in pieces:
        try:
            samples, power = features(piece)
        except ConstantFlux as error:
            shapeless = error
            continue
        segments.append(
            Segment(
                segment=len(segments) + 1,
                n_cadence=piece.stop - piece.start,
                time_start=float(time[piece.start]),
                time_stop=float(time[piece.stop - 1]),
                flux=samples.astype(np.float32),
                power=power.astype(np.float32),
            )
        )
    if shapeless and not segments:
        raise shapeless
    return segments
