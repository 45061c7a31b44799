"""In what the simulator's quiet stars differ from real ones: statistics, and how well each tells.

``python -m tests.bench.quiet_stars`` prints, for each statistic, quartiles of real and of simulated
stars and the area under the ROC curve: 0.5 if they are alike, 1 if every real star has more.
"""

import numpy as np
import numpy.typing as npt

from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments
from calnet_ops.simulator.injection import scatter
from calnet_ops.simulator.photometry import white_noise
from tests.bench.real_stars import LIFE, QUIET_KINDS, REAL, manifest, simulated

LONG = 2000
"""Cadences of a segment that the features use."""

END = 180
"""Cadences at an end of it: six hours."""


def main() -> None:
    """Compare the clean quiet stars with simulated ones, as drawn and lifelike."""
    rows = [row for row in manifest() if row["label"] == "NONEB" and row["clean"] == "True"]
    sets = {"real": [statistics(spoc.read((REAL / row["path"]).read_bytes())) for row in rows]}
    for name, life in LIFE.items():
        stars = (row.curve for row in simulated("validation", life) if row.kind in QUIET_KINDS)
        sets[name] = [statistics(curve) for curve in stars]
    for statistic in sets["real"][0]:
        values = {n: np.array([one[statistic] for one in s]) for n, s in sets.items()}
        line = [f"{statistic:28}"]
        for name, column in values.items():
            quartiles = " ".join(f"{q:.3g}" for q in np.nanpercentile(column, [25, 50, 75]))
            line.append(f"{name}: {quartiles}, area {area(values['real'], column):.2f}")
        print("; ".join(line))  # noqa: T201 - a command


def statistics(curve: LightCurve) -> dict[str, float]:
    """What is compared of a light curve."""
    time, flux = curve.time[curve.good], curve.flux[curve.good]
    white = scatter(flux)
    relative = flux / np.median(flux) - 1
    robust = 1.4826 * np.median(np.abs(relative))
    found = {
        "magnitude": curve.tmag,
        "good share": float(curve.good.mean()),
        "white noise over expected": white / white_noise(curve.tmag),
        "share 5 sigma up": float(np.mean(relative > 5 * robust)),
        "error over white noise": float(
            np.nanmedian(curve.flux_err[curve.good]) / np.median(flux) / white
        ),
    }
    for hours in (0.25, 1, 6):
        bins = ((time - time[0]) * 24 / hours).astype(int)
        number, total = np.bincount(bins), np.bincount(bins, relative)
        full = number > hours * 15
        means = total[full] / number[full]
        wander = 1.4826 * np.median(np.abs(means - np.median(means)))
        expected = white / np.sqrt(np.median(number[full]))
        found[f"means of {hours} h over white"] = float(wander / expected)
    ends = [
        abs(np.median(part) - np.median(relative[piece])) / (white / np.sqrt(END))
        for piece in split_segments(time)
        if piece.stop - piece.start >= LONG
        for part in (relative[piece][:END], relative[piece][-END:])
    ]
    found["ends (6 h) over white"] = float(max(ends)) if ends else np.nan
    return found


def area(real: npt.NDArray[np.float64], other: npt.NDArray[np.float64]) -> float:
    """How often a real star has more than another, ties counted half."""
    real, other = real[np.isfinite(real)], other[np.isfinite(other)]
    more, same = real[:, None] > other, real[:, None] == other
    return float(np.mean(more + 0.5 * same))


if __name__ == "__main__":
    main()
