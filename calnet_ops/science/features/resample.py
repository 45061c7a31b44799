"""Light curves of any length on the same number of samples."""

from calnet_ops.science.lightcurve.light_curve import Floats


def resample(time: Floats, flux: Floats, n_sample: int) -> Floats:
    """Flux at equally spaced times, on the cubic spline through all points.

    Parameters
    ----------
    time : (n_cadence,)
        Any unit, strictly increasing, at least 4 points.
    flux : (n_cadence,)
        Any unit.
    n_sample
        How many samples, the first at the first cadence, the last at the last.

    Returns
    -------
    samples : (n_sample,)
        In the unit of `flux`.

    Notes
    -----
    Ends are "not-a-knot", so this is FITPACK's interpolating spline of degree 3, and scipy's
    `CubicSpline`, to 1e-9: 0.2 ms for 9,000 cadences. In a gap the spline is free to swing.
    """
    # here, because it takes a process half a second to import numba
    from calnet_ops.science.features.spline import sample_spline

    elapsed = (time - time[0]) / (time[-1] - time[0])
    return sample_spline(elapsed, flux, n_sample)


def scale_to_unit(values: Floats) -> Floats:
    """Values moved and stretched so that the least is 0 and the greatest 1."""
    lowest = values.min()
    scaled: Floats = (values - lowest) / (values.max() - lowest)
    return scaled
