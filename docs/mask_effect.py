"""What the published outlier mask does to real light curves, as the table of `docs/features.md`.

python -m docs.mask_effect FOLDER
"""

import sys
from pathlib import Path

import numpy as np

from calnet_ops.science.lightcurve import spoc
from tests.support.published import long_segments, masked_samples, spline_samples

VISIBLE = 1e-3
"""Change of a scaled sample that counts as one."""

OTHER_UNIT = 1.1
"""Factor on the flux, as another gain would be: it should change nothing."""


def main(folder: Path) -> None:
    """Print the table."""
    rows = [
        row
        for file in sorted(folder.glob("tess/*/*.fits"))
        for row in _effects(spoc.read(file.read_bytes()))
    ]
    removed, changed, overlap = np.array(rows).T
    sys.stdout.write(
        f"| {len(rows)} segments | median | 90% | most |\n|---|---|---|---|\n"
        f"{_line('cadences removed [%]', 100 * removed)}"
        f"{_line(f'samples changed by more than {VISIBLE:g} [%]', 100 * changed)}"
        f"{_line(f'removed again when the flux is {OTHER_UNIT} times as high [%]', 100 * overlap)}"
        f"\nSegments with more than 1% of samples changed: {np.mean(changed > 0.01):.0%}\n"  # noqa: PLR2004
    )


def _effects(curve: spoc.LightCurve) -> list[tuple[float, float, float]]:
    """For each segment: share removed, share of samples changed, share removed in any unit."""
    effects = []
    for time, flux in long_segments(curve.time[curve.good], curve.flux[curve.good]):
        masked, kept = masked_samples(time, flux)
        _, kept_again = masked_samples(time, OTHER_UNIT * flux)
        changed = np.abs(masked - spline_samples(time, flux)) > VISIBLE
        out, again = (set(range(len(time))) - set(one.tolist()) for one in (kept, kept_again))
        both = len(out & again) / max(1, len(out | again))
        effects.append((len(out) / len(time), float(changed.mean()), both))
    return effects


def _line(label: str, values: np.ndarray) -> str:
    median, high, most = np.percentile(values, [50, 90, 100])
    return f"| {label} | {median:.2g} | {high:.2g} | {most:.4g} |\n"


if __name__ == "__main__":
    main(Path(sys.argv[1]))
