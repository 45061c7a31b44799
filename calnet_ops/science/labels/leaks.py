"""Near-duplicate light curves on different sides of the split.

Two things give two stars one light curve. A *copy* is the same photons under two numbers, wherever
both are on the sky: even its noise is the same. A *blend* is a variable star seen through its
neighbour's aperture: the noise is the neighbour's own, the variations are the same.
"""

from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct

from calnet_ops.science.candidates.matches import MATCH_RADIUS
from calnet_ops.science.checks.statistics import MAD_TO_SIGMA

COPY = 0.9
"""Correlation of noise from which light curves are copies. Of 2.9 million pairs of unrelated
simulated segments the closest had 0.19 (features v1) and 0.70 (v2, whose bins leave less noise in
contact binaries); of real ones on one CCD 0.32 and 0.28. A copy has 1, after storage at least
0.998, with a tenth of the noise added again 0.98 in the median (v1; 0.99 in v2)."""

BLEND = 0.95
"""Correlation of variations from which neighbours are taken for blends. Unrelated real stars on one
CCD reach 0.90, simulated ones within a degree 0.77."""

BLEND_RADIUS = MATCH_RADIUS
"""Stars farther apart [arcsec] are not looked at for blends: contact binaries anywhere on the sky
look alike up to 0.998 by chance, if their periods happen to agree."""

N_DIFFERENCE = 4
"""Times that the flux is differenced before noise is compared: takes out what varies slower than
some samples, a hundredfold in half an hour."""

EVERY = 4
"""Of so many differences one is compared: those between share the same samples."""

CLIP = 5.0
"""Sigma at which differences are cut: a flare or an eclipse's edge is no noise."""

N_BIN = 500
"""Samples of the variations: 40 min of a segment of 13 days."""

N_TREND = 10
"""Slowest cosines that are left out, up to one in five days: any two trends look alike. Cosines,
as a trend is no step between its end and its start for them."""

FLAT = 1e-6
"""Length below which there is nothing but rounding: a step of stored flux is 1.5e-5."""

BLOCK = 2048
"""Segments compared at once: 17 MB of correlations."""

Floats = NDArray[np.float32]
Integers = NDArray[np.int64]


def noise(flux: Floats) -> Floats:
    """Noise of segments, each of mean 0 and length 1, so that products are correlations.

    Parameters
    ----------
    flux
        (n_segment, n_sample) of any features.

    Returns
    -------
    noise
        (n_segment, n_sample / `EVERY`); zeros for a segment without any.
    """
    steps = np.diff(flux.astype(np.float64), n=N_DIFFERENCE, axis=1)
    limit = CLIP * MAD_TO_SIGMA * np.median(np.abs(steps), axis=1, keepdims=True)
    return _unit(np.clip(steps, -limit, limit)[:, ::EVERY])


def variations(flux: Floats) -> Floats:
    """What varies within days as cosines, (n_segment, n_cosine), scaled as in `noise`."""
    bins = flux.reshape(len(flux), N_BIN, -1).mean(axis=2, dtype=np.float64)
    return _unit(dct(bins, axis=1, norm="ortho")[:, N_TREND:])


def find_copies(noise: Floats, side: Sequence[str]) -> Iterator[tuple[int, int, float]]:
    """Pairs of segments on different sides with the same noise, and its correlation.

    Parameters
    ----------
    noise
        (n_segment, n) from `noise`, of one sector.
    side
        Of each segment.

    Notes
    -----
    Products of blocks of single precision: 20,000 segments take 9 s on two cores that others use.
    """
    sides = np.array(side)
    names = sorted(set(side))
    for number, name in enumerate(names):
        others = np.isin(sides, names[number + 1 :])
        for first in _blocks(np.flatnonzero(sides == name)):
            for second in _blocks(np.flatnonzero(others)):
                near = noise[first] @ noise[second].T
                for i, j in np.argwhere(near >= COPY).tolist():
                    yield int(first[i]), int(second[j]), float(near[i, j])


def correlations(scaled: Floats, pair: Integers) -> Floats:
    """Correlations (n_pair,) of pairs of rows (n_pair, 2) of `variations`."""
    result: Floats = np.einsum("ij,ij->i", scaled[pair[:, 0]], scaled[pair[:, 1]])
    return result


def _unit(values: NDArray[np.float64]) -> Floats:
    centred = values - values.mean(axis=1, keepdims=True)
    length = np.linalg.norm(centred, axis=1, keepdims=True)
    return np.where(length > FLAT, centred / np.maximum(length, FLAT), 0).astype(np.float32)


def _blocks(indices: Integers) -> Iterator[Integers]:
    for start in range(0, len(indices), BLOCK):
        yield indices[start : start + BLOCK]
