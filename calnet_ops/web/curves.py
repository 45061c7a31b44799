"""The light curve of a star, thinned out for drawing."""

import base64
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import MissingInput
from calnet_ops.platform import Platform
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.steps.stored_files import stored_keys

MOMENTUM_DUMP = 32
"""QUALITY bit 6: the reaction wheels were desaturated (EXP-TESS-ARC-ICD-0014, table 32). Stars
jump on the pixels, which can look like an eclipse."""

POINTS_MAX = 21_000
"""One sector of two-minute cadences fits whole; double sectors (97, 98) are averaged by two."""

BACKGROUND_POINTS = 600
"""Scattered light changes over hours; one point is about an hour."""

ARRAYS = ("time", "flux", "background")
"""What a drawing holds as base64."""

MANIFESTS_KEPT = 32
"""Maps from star to file kept in memory: 20,000 stars each, 2 MB."""


def draw_curve(platform: Platform, tic: int, sector: int) -> dict[str, Any]:
    """Good cadences of a star as base64 of little-endian float32, for a canvas.

    Returns
    -------
    drawing
        ``time_start`` [BTJD d], ``time`` [d since then] and ``flux`` (median 1) as base64,
        ``background`` (0 to 1 of its range, in `BACKGROUND_POINTS` equal bins from the first to
        the last time) as base64 too; ``dumps`` [d since then] as list; ``crowdsap``.

    Raises
    ------
    MissingInput
        If the sector has no believed file of this star.

    Notes
    -----
    2 ms beyond reading the file; float32 keeps 0.2 s of a month.
    """
    light_curve = spoc.read(platform.store.load(_raw_key(platform, tic, sector)))
    return drawing(light_curve)


def drawing(light_curve: LightCurve) -> dict[str, Any]:
    """Make what `draw_curve` returns of a light curve."""
    good = light_curve.good
    time, flux = light_curve.time[good], light_curve.flux[good]
    if not len(time):
        return {"time_start": 0.0, "crowdsap": None, "dumps": [], **dict.fromkeys(ARRAYS, "")}
    background = _bin_means(time, light_curve.background[good], BACKGROUND_POINTS)
    time, flux = thin_out(time, POINTS_MAX), thin_out(flux, POINTS_MAX)
    dumped = (light_curve.quality & MOMENTUM_DUMP) > 0
    dumps = light_curve.time[dumped & np.isfinite(light_curve.time)]
    crowdsap = light_curve.crowdsap
    return {
        "time_start": float(time[0]),
        "time": _base64(time - time[0]),
        "flux": _base64(flux / np.median(flux)),
        "background": _base64(_share_of_range(background)),
        "dumps": [round(float(item), 4) for item in dumps - time[0]],
        "crowdsap": float(crowdsap) if np.isfinite(crowdsap) else None,
    }


def thin_out(values: NDArray[np.float64], n_max: int) -> NDArray[np.float64]:
    """Means of so many neighbours that at most `n_max` are left.

    Parameters
    ----------
    values
        (n,) Any unit.
    """
    step = -(-len(values) // n_max)
    if step <= 1:
        return values
    whole = len(values) // step * step
    return values[:whole].reshape(-1, step).mean(axis=1)


def _bin_means(
    time: NDArray[np.float64], values: NDArray[np.float64], n_bin: int
) -> NDArray[np.float64]:
    """Average the finite values in equal bins of time; NaN where there are none."""
    finite = np.isfinite(values)
    span = float(time[-1] - time[0]) or 1.0
    bins = np.minimum((n_bin * (time[finite] - time[0]) / span).astype(int), n_bin - 1)
    total = np.bincount(bins, values[finite], n_bin)
    count = np.bincount(bins, minlength=n_bin)
    return np.divide(total, count, out=np.full(n_bin, np.nan), where=count > 0)


def _share_of_range(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Scale to 0 (lowest) to 1 (highest); what is not known is 0."""
    known = np.isfinite(values)
    if not known.any():
        return np.zeros_like(values)
    low, high = values[known].min(), values[known].max()
    return np.where(known, (values - low) / ((high - low) or 1.0), 0.0)


def _raw_key(platform: Platform, tic: int, sector: int) -> str:
    delivery = platform.ledger.delivery(sector)
    manifest = delivery.facts.get("manifest") if delivery else None
    key = _raw_keys(manifest, platform.store).get(tic) if manifest else None
    if key is None:
        raise MissingInput(
            f"light curve of TIC {tic} in {keys.sector_key(sector)}",
            found="no such file in the manifest",
            expected="a stored file",
        )
    return key


@lru_cache(maxsize=MANIFESTS_KEPT)
def _raw_keys(manifest: str, store: Store) -> dict[int, str]:
    return stored_keys(manifest, store)


def _base64(values: NDArray[np.float64]) -> str:
    return base64.b64encode(values.astype("<f4").tobytes()).decode()
