"""How right periods, errors, types and morphology are, on binaries whose truth is known.

``python -m tests.bench.ephemerides`` simulates some, prints tables and draws
`docs/images/periods.png`; ``--stars 800 --seed 5`` for others; ``--fit`` prints the weights of
`morphology.TYPE_WEIGHTS` for these stars instead. Real stars of `../shared/data` follow, where
there are any.
"""

import argparse
import csv
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from scipy.optimize import minimize

from calnet_ops.cli.output import show_rows
from calnet_ops.errors import RejectedInput
from calnet_ops.science.candidates import ephemeris, morphology
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.binaries import simulate_binaries
from tests.support.ephemerides import Compared, compare, coverage, seen_twice, share

PROJECT = Path(__file__).parents[2]
FIGURE = PROJECT / "docs" / "images" / "periods.png"
SHARED = PROJECT.parent / "shared" / "data"
PRSA = "labels/hlsp_tess-ebs_tess_lcf-ffi_s0001-s0026_tess_v1.0_cat.csv"

MIX = ("EA", "EA", "EB", "EW")
"""As they are dealt: half of them EA."""


@dataclass(frozen=True)
class Sample:
    """What is simulated."""

    name: str
    sectors: tuple[int, ...]
    longest: float
    """Longest period [d]."""
    kinds: tuple[str, ...]
    part: float
    """Of the stars asked for."""


SAMPLES = (
    Sample("one sector", (27,), 11.0, MIX, 1.0),
    Sample("three sectors", (27, 28, 61), 11.0, MIX, 0.25),
    Sample("three sectors, EA to 60 d", (27, 28, 61), 60.0, ("EA",), 0.2),
)

AGREES = 0.01
"""Relative difference up to which a period is that of a catalog."""


def main() -> None:
    """Simulate, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--stars", type=int, default=400)
    parser.add_argument("--seed", type=int, default=101)
    parser.add_argument("--fit", action="store_true")
    chosen = parser.parse_args()
    if chosen.fit:
        _fit_types(chosen.stars, chosen.seed)
        return
    measured = {
        sample.name: compare(_binaries(sample, chosen.stars, chosen.seed + i), 3)
        for i, sample in enumerate(SAMPLES)
    }
    for name, compared in measured.items():
        _show_sample(name, compared)
    first = measured[SAMPLES[0].name]
    _show_types(first)
    FIGURE.write_bytes(draw_periods(list(measured.values())))
    if SHARED.is_dir():
        _show_real()


def _binaries(sample: Sample, n_star: int, seed: int) -> Iterator[Any]:
    n = round(n_star * sample.part)
    kinds = [sample.kinds[i % len(sample.kinds)] for i in range(n)]
    return simulate_binaries(kinds, seed=seed, sectors=sample.sectors, longest=sample.longest)


def _show_sample(name: str, compared: Sequence[Compared]) -> None:
    groups: dict[str, list[Compared]] = defaultdict(list)
    for one in seen_twice(compared):
        truth = one.truth
        groups["all"].append(one)
        groups[truth.kind].append(one)
        groups[f"period {_bin(truth.period, (0.5, 1, 2, 5, 11))} d"].append(one)
        groups[f"Tmag {_bin(truth.tmag, (9, 10, 11, 12))}"].append(one)
    rows = [_rates(group, groups[group]) for group in sorted(groups)]
    show_rows(rows, as_json=False, title=f"{name}: two or more eclipses observed")
    wrong = [one for one in seen_twice(compared) if not one.is_right]
    for one in wrong:
        t = one.truth
        print(  # noqa: T201
            f"  wrong: {t.kind} TIC {t.tic} P {t.period:.4f} ratio {one.ratio:.4f} depths "
            f"{t.depth_1:.4f} {t.depth_2:.4f} Tmag {t.tmag:.1f} eclipses {one.n_observed}"
        )


def _bin(value: float, edges: Sequence[float]) -> str:
    below = [edge for edge in edges if edge <= value]
    above = [edge for edge in edges if edge > value]
    return f"{below[-1] if below else ''}-{above[0] if above else ''}"


def _rates(name: str, group: list[Compared]) -> dict[str, Any]:
    row: dict[str, Any] = {
        "group": name,
        "n": len(group),
        "right %": _percent(share(group, lambda one: one.is_right)),
        "half %": _percent(share(group, lambda one: one.is_half)),
        "double %": _percent(share(group, lambda one: one.is_double)),
        "none %": _percent(share(group, lambda one: bool(np.isnan(one.ratio)))),
        "type %": _percent(share(group, lambda one: one.found.eb_type == one.truth.kind)),
    }
    for what in ("period", "epoch", "depth_1", "depth_2"):
        row[f"{what} in 1 sigma %"] = _percent(coverage(group, what)[0])
    return row


def _percent(value: float) -> str:
    return f"{100 * value:.1f}"


def _show_types(compared: Sequence[Compared]) -> None:
    """Confusion, calibration of the probabilities, and morphology by type."""
    right = [one for one in compared if one.is_right]
    rows = []
    for kind in morphology.TYPES:
        of_kind = [one for one in right if one.truth.kind == kind]
        values = [one.found.morphology for one in of_kind]
        row: dict[str, Any] = {"truth": kind}
        row |= {t: sum(one.found.eb_type == t for one in of_kind) for t in morphology.TYPES}
        row["morphology 16, 50, 84%"] = " ".join(
            f"{v:.2f}" for v in np.percentile(values, [16, 50, 84])
        )
        rows.append(row)
    show_rows(rows, as_json=False, title="types")
    said = np.array([one.found.type_probability for one in right]).ravel()
    true = np.array([[one.truth.kind == t for t in morphology.TYPES] for one in right]).ravel()
    edges = (0.0, 0.05, 0.2, 0.5, 0.8, 0.95, 1.0001)
    rows = []
    for low, high in pairwise(edges):
        inside = (said >= low) & (said < high)
        if inside.any():
            rows.append(
                {
                    "probability": f"{low:.2f}-{high:.2f}",
                    "n": int(inside.sum()),
                    "said": f"{said[inside].mean():.3f}",
                    "true": f"{true[inside].mean():.3f}",
                }
            )
    show_rows(rows, as_json=False, title="calibration of type probabilities")


def _show_real() -> None:
    """Stars of Prsa et al. 2022 among the real light curves: each light curve, then all of a star.

    A period agrees if it is within 1% of the catalog's, without a factor of two.
    """
    with (SHARED / PRSA).open() as file:
        known = {int(row["tess_id"]): row for row in csv.DictReader(file)}
    by_star: dict[int, list[LightCurve]] = defaultdict(list)
    for path in sorted(SHARED.glob("tess*/s*/*.fits")):
        try:
            light_curve = read_any(path.name, path.read_bytes())
        except RejectedInput:
            continue
        if light_curve.tic in known:
            by_star[light_curve.tic].append(light_curve)
    rows = []
    for tic, light_curves in by_star.items():
        sets = [[one] for one in light_curves]
        sets += [light_curves] if len(light_curves) > 1 else []
        rows += [_real(tic, some, known[tic]) for some in sets]
    show_rows(rows, as_json=False, title="real stars of Prsa et al. 2022")


def _real(tic: int, some: list[LightCurve], row: dict[str, str]) -> dict[str, Any]:
    found, period = ephemeris.characterise(some), float(row["period"])
    return {
        "TIC": tic,
        "sectors": ",".join(str(one.sector) for one in some),
        "catalog": f"{period:.6f}",
        "found": f"{found.period:.6f}",
        "error": f"{found.period_err:.6f}",
        "agrees": abs(found.period / period - 1) < AGREES,
        "type": found.eb_type,
        "morphology": f"{found.morphology:.2f}",
        "catalog's": f"{float(row['morph_coeff']):.2f}",
        "depths": f"{found.depth_1:.4f} {found.depth_2:.4f}",
    }


def draw_periods(sets: Sequence[Sequence[Compared]]) -> bytes:
    """Period found against the true one, with lines at the same, half and twice."""
    import io

    from matplotlib.figure import Figure

    figure = Figure(figsize=(6.0, 5.4), dpi=110)
    axes = figure.add_subplot()
    colours = {"EA": "#0072B2", "EB": "#E69F00", "EW": "#009E73"}
    everything = [one for compared in sets for one in seen_twice(compared)]
    for kind, colour in colours.items():
        chosen = [one for one in everything if one.truth.kind == kind and one.found.period > 0]
        axes.loglog(
            [one.truth.period for one in chosen],
            [one.found.period for one in chosen],
            "o", ms=4, mew=0, color=colour, alpha=0.7, label=f"{kind} ({len(chosen)})",
        )  # fmt: skip
    line = np.array([0.15, 70.0])
    for factor, style in ((0.5, ":"), (1.0, "-"), (2.0, ":")):
        axes.plot(line, factor * line, style, color="0.4", lw=0.8, zorder=0)
    axes.set(xlabel="true period [d]", ylabel="period found [d]", xlim=line, ylim=line)
    axes.legend(title="simulated, 2+ eclipses seen", loc="upper left")
    figure.tight_layout()
    file = io.BytesIO()
    figure.savefig(file, format="png", metadata={"Software": None})
    return file.getvalue()


def _fit_types(n_star: int, seed: int) -> None:
    """Print multinomial logistic weights: each type weighs the same."""
    features, kinds = [], []
    for one in compare(_binaries(SAMPLES[0], n_star, seed)):
        if one.is_right:
            found = one.found
            ratio = float(np.nan_to_num(found.depth_2 / found.depth_1))
            features.append(morphology.type_features(found.morphology, found.roundness, ratio))
            kinds.append(morphology.TYPES.index(one.truth.kind))
    x, kind = np.array(features), np.array(kinds)
    weight = 1.0 / np.bincount(kind, minlength=3)[kind]
    weight /= weight.sum()

    def misfit(flat: np.ndarray[Any, np.dtype[np.float64]]) -> float:
        logit = x @ flat.reshape(3, -1).T
        logit -= logit.max(axis=1, keepdims=True)
        odds = np.exp(logit)
        chance = odds[np.arange(kind.size), kind] / odds.sum(axis=1)
        return float(-weight @ np.log(chance + 1e-12) + RIDGE * flat @ flat)

    fitted = np.asarray(minimize(misfit, np.zeros(3 * x.shape[1])).x).reshape(3, -1)
    print(f"{kind.size} stars\n{np.round(fitted, 2)}")  # noqa: T201


RIDGE = 3e-5
"""Penalty on the weights' squares, so that types that do not overlap give no certainty."""


if __name__ == "__main__":
    main()
