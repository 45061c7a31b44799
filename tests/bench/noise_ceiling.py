"""What the noise allows: an oracle that knows the shape of each injected eclipse.

``python -m tests.bench.noise_ceiling`` gives the test stars of `real_stars` to two oracles. The
first knows shape, period and epoch of each eclipse, and has to say only whether it is there. The
second has to search: it looks for `N_BANK` shapes in a star without eclipses and takes the surest,
which is still far fewer than there are.
"""

import numpy as np
import numpy.typing as npt

from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.segments import split_segments
from calnet_ops.simulator.injection import KINDS, draw_injection, make_other, side_of
from tests.bench.real_stars import OUT, PER_STAR, SEED, manifest, quiet

N_SHIFT = 24
"""Other phases at which the noise of an amplitude is measured."""

N_BANK = 60
"""Shapes that the second oracle tries on a star without eclipses."""

N_SEARCHED = 12
"""Stars without eclipses of each base star in which it does."""

Floats = npt.NDArray[np.float64]


class Template:
    """One binary's flux in phase."""

    def __init__(self, time: Floats, factor: Floats, period: float, epoch: float) -> None:
        phase = (time - epoch) / period % 1
        order = np.argsort(phase)
        self.period, self.epoch = period, epoch
        self._phase, self._flux = phase[order], factor[order]

    def at(self, time: Floats, epoch: float) -> Floats:
        """Flux at some times, with a deeper eclipse at `epoch`."""
        phase = (time - epoch) / self.period % 1
        return np.interp(phase, self._phase, self._flux, period=1)


def main() -> None:
    """Ask both oracles, and keep what they say."""
    rng = np.random.default_rng(5)
    hosts = [int(row["tic"]) for row in manifest() if row["toi"]]
    curves = [c for c in quiet() if side_of(c.tic, SEED) == "test" and c.tic not in hosts]
    rows: list[dict[str, object]] = []
    templates = []
    n = PER_STAR["injected"]["test"]
    for curve in curves:
        good = curve.good
        time, flux = curve.time[good], curve.flux[good] / np.median(curve.flux[good])
        for k in range(n):
            drawn = np.random.default_rng([SEED, curve.tic, curve.sector, k])
            kind = KINDS[k % len(KINDS)]
            one = draw_injection(drawn, kind, curve.sector, curve.time, good)
            template = Template(time, one.factor[good], one.period, one.epoch)
            value = statistic(time, flux * one.factor[good], template, one.epoch)
            templates.append(template)
            rows.append(
                _row(curve, kind.value, eb=True, period=one.period, depth=one.depth_1, T=value)
            )
    for curve in curves:
        good = curve.good
        for k in range(n):
            other = make_other(SEED, curve.tic, curve.sector, k, curve.time, curve.flux, good)
            flux = other.change.apply(curve.flux, curve.flux_err, good)[0][good]
            time, flux = curve.time[good], flux / np.median(flux)
            values = []
            for i in rng.choice(len(templates), N_BANK if k < N_SEARCHED else 1):
                epoch = time[0] + rng.uniform() * templates[i].period
                values.append(statistic(time, flux, templates[i], epoch))
            surest = max(values) if len(values) > 1 else np.nan
            rows.append(_row(curve, other.kind, eb=False, T=values[0], Tmax=surest))
    columns = {name: np.array([row[name] for row in rows]) for name in rows[0]}
    np.savez(OUT / "ceiling.npz", allow_pickle=False, **columns)


def statistic(time: Floats, flux: Floats, template: Template, epoch: float) -> float:
    """How surely a template is seen: its amplitude, in units of its noise.

    The noise is that of the amplitudes at other epochs in what is left without the template: the
    star's own slow variability counts in full.
    """
    seen, shape = smooth_free(time, flux), smooth_free(time, template.at(time, epoch))
    amplitude = (shape @ seen) / (shape @ shape)
    left = seen - amplitude * shape
    others = []
    for shift in (np.arange(N_SHIFT) + 0.5) / N_SHIFT:
        other = smooth_free(time, template.at(time, epoch + shift * template.period))
        others.append((other @ left) / (other @ other))
    return float(amplitude / max(np.sqrt(np.mean(np.square(others))), 1e-12))


def smooth_free(time: Floats, values: Floats) -> Floats:
    """Values less a parabola in each segment."""
    left = np.empty_like(values)
    for piece in split_segments(time):
        basis = np.polynomial.legendre.legvander(np.linspace(-1, 1, piece.stop - piece.start), 2)
        left[piece] = values[piece] - basis @ np.linalg.lstsq(basis, values[piece], rcond=None)[0]
    return left


def _row(curve: LightCurve, kind: str, **facts: object) -> dict[str, object]:
    nothing = {"period": np.nan, "depth": np.nan}
    row = {"base": curve.tic, "tmag": curve.tmag, "kind": kind, **nothing, **facts}
    return {"Tmax": row["T"], **row}


if __name__ == "__main__":
    main()
