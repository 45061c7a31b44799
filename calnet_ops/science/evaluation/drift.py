"""How far the stars of a sector are from those that a model knows, and whether to warn of it."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pyarrow as pa

from calnet_ops.science.checks.products import SHAPE

Floats = npt.NDArray[np.float64]

NUMBERS = ("probability", *SHAPE)
"""What is watched of a star: its probability, and the mean of each number over its segments."""

STARS = pa.schema(
    [
        ("tic", pa.int64()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        *((name, pa.float64()) for name in NUMBERS),
    ]
)
"""Watched numbers of a sector, one row a star: segments of one star are no independent trials."""

REFERENCE = pa.schema(
    [
        ("number", pa.string()),
        ("verdict", pa.string()),
        ("n_star", pa.int64()),
        ("quantiles", pa.list_(pa.float64())),
    ]
)
"""How watched numbers are distributed among labelled stars, binaries and others apart."""

N_QUANTILE = 201
"""Quantiles kept of each distribution: half a percentile apart, a twentieth of `FLOOR`."""

MIN_STARS = 30
"""Fewer stars of a scope are not judged: their limit would be 0.25, half of what there is."""

NOISE = 1.2
"""Limit of chance, in units of sqrt(1/n + 1/m): for two samples of one distribution this times the
distance is the area under a Brownian bridge without its sign, which is above 1.2 once in 40,000
trials (Monte Carlo of 200,000 bridges; 1.11 once in 10,000). A sector has up to 294 comparisons,
so chance alone warns of one sector in 140."""

FLOOR: Mapping[str, float] = {"sector": 0.10, "camera": 0.20, "ccd": 0.20}
"""Distances that are no reason to warn however many stars show them. Six ordinary simulated sectors
of 300 stars were up to 0.08 from one another, single cameras up to 0.21, as Earthlight on a camera
decides whether its gaps cut a segment; 0.03 and 0.05 of that are chance. Sectors with unflagged
light in a third of each orbit had 0.22 to 0.23. Not measured on whole real sectors: where recent
ones are further apart, their distances take its place (`USUAL_WIDTHS`)."""

MIN_RECENT = 3
"""Recent sectors needed to say what distance is usual among them."""

USUAL_WIDTHS = 3.0
"""Widths (1.4826 median absolute deviations) above the median of what recent sectors show."""

EB, OTHER = "EB", "NOT_EB"


@dataclass(frozen=True, slots=True)
class Reference:
    """A distribution to compare with, as weighted values."""

    values: Floats
    """(n_value,)"""
    weight: Floats
    """(n_value,) sum 1."""
    n_star: float
    """Stars that an unweighted sample as certain as this one would have."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """One number of one part of a sector against one reference."""

    against: str
    """``training`` or ``recent``."""
    scope: str
    """``sector``, ``camera`` or ``ccd``."""
    camera: int
    """0 for the whole sector."""
    ccd: int
    """0 for the whole camera."""
    number: str
    n_star: int
    n_reference: float
    distance: float
    """0 (alike) to 0.5 (apart): mean shift of a star's rank in the reference."""
    usual: float
    """What recent sectors show, 0 if there are too few of them."""
    limit: float

    @property
    def excess(self) -> float:
        """Distance over its limit; above 1 it is a warning."""
        return self.distance / self.limit

    @property
    def place(self) -> str:
        """Part of the sector, in words."""
        if not self.camera:
            return "whole sector"
        return f"camera {self.camera}" + (f" CCD {self.ccd}" if self.ccd else "")

    @property
    def text(self) -> str:
        """The finding in words."""
        return (
            f"{self.number} of {self.place} against {self.against}: {self.distance:.3f}, "
            f"limit {self.limit:.3f}"
        )


COMPARISONS = pa.schema(
    [
        ("against", pa.string()),
        ("scope", pa.string()),
        ("camera", pa.int32()),
        ("ccd", pa.int32()),
        ("number", pa.string()),
        ("n_star", pa.int64()),
        ("n_reference", pa.float64()),
        ("distance", pa.float64()),
        ("usual", pa.float64()),
        ("limit", pa.float64()),
        ("excess", pa.float64()),
    ]
)
"""`Comparison` as a table, the largest excess first."""


def distance(values: Floats, reference: Reference) -> float:
    """Wasserstein distance of ranks: by how much stars lie elsewhere than in the reference.

    Values are replaced by their rank in the reference (0 to 1, ties by their middle), so a number
    needs no unit, no scale and no bins, and a few wild values count as few. Two samples of one
    distribution have a distance that depends on their sizes alone: see `NOISE`.

    Parameters
    ----------
    values
        (n_star,) finite.
    reference
        What to compare with.

    Returns
    -------
    distance
        0 to 0.5; NaN if either has no star.

    References
    ----------
    `scipy.stats.wasserstein_distance`; on ranks the area between the two distribution functions.
    """
    from scipy.stats import wasserstein_distance

    if not len(values) or not len(reference.values):
        return float("nan")
    order = np.argsort(reference.values, kind="stable")
    known, weight = reference.values[order], reference.weight[order]
    below = np.concatenate([[0.0], np.cumsum(weight)])

    def rank(these: Floats) -> Floats:
        left, right = (np.searchsorted(known, these, side) for side in ("left", "right"))
        return np.asarray((below[left] + below[right]) / 2)

    return float(wasserstein_distance(rank(values), rank(known), v_weights=weight))


def chance(n_star: float, n_reference: float) -> float:
    """Distance that chance exceeds once in 40,000 times: see `NOISE`."""
    return NOISE * float(np.sqrt(1 / n_star + 1 / n_reference))


def summarise(stars: pa.Table, verdicts: Sequence[str], number: str) -> list[dict[str, Any]]:
    """Rows of `REFERENCE`: the distribution of a number, binaries and others apart.

    Parameters
    ----------
    stars
        With a column `number`.
    verdicts
        (n_star,) ``EB`` or ``NOT_EB``.
    """
    values, said = _column(stars, number), np.asarray(verdicts, dtype=str)
    rows = []
    for verdict in (EB, OTHER):
        some = values[(said == verdict) & np.isfinite(values)]
        at = np.linspace(0, 1, N_QUANTILE)
        quantiles = np.quantile(some, at).tolist() if len(some) else []
        row = {"number": number, "verdict": verdict, "n_star": len(some), "quantiles": quantiles}
        rows.append(row)
    return rows


def mixed(reference: pa.Table, number: str, eb_share: float) -> Reference:
    """Distribution of a number among labelled stars, if they had a sector's share of binaries.

    Labelled stars are mostly half binaries, the targets of a sector are not: that alone is no
    drift.

    Parameters
    ----------
    reference
        Table of `REFERENCE`.
    number
        One of `NUMBERS`.
    eb_share
        Of the sector, 0 to 1.
    """
    values, weights, spread = [], [], 0.0
    for row in reference.to_pylist():
        share = eb_share if row["verdict"] == EB else 1 - eb_share
        if row["number"] == number and row["quantiles"] and share > 0:
            some = np.asarray(row["quantiles"], np.float64)
            values.append(some)
            weights.append(np.full(len(some), share / len(some)))
            spread += share**2 / row["n_star"]
    if not values:
        return Reference(np.empty(0), np.empty(0), 0.0)
    weight = np.concatenate(weights)
    total = weight.sum()
    return Reference(np.concatenate(values), weight / total, float(total**2 / spread))


def compare(
    stars: pa.Table,
    eb_share: float,
    recent: Sequence[tuple[pa.Table, float]],
    training: pa.Table | None,
) -> list[Comparison]:
    """Compare a sector with labelled stars and with recent sectors, the most striking first.

    Parameters
    ----------
    stars
        Table of `STARS`.
    eb_share
        Share of binaries, as estimated from the probabilities.
    recent
        The same two of recent sectors.
    training
        Table of `REFERENCE`; None if the model has none.
    """
    found = []
    for number in NUMBERS:
        for scope, camera, ccd in _scopes(stars):
            own = _values(stars, number, camera, ccd)
            others = [_values(table, number, camera, ccd) for table, _ in recent]
            if len(own) < MIN_STARS:
                continue
            for against, reference, seen in _references(number, others, eb_share, recent, training):
                if reference.n_star < MIN_STARS:
                    continue
                usual = _usual(seen)
                noise = chance(len(own), reference.n_star)
                found.append(
                    Comparison(
                        against=against,
                        scope=scope,
                        camera=camera,
                        ccd=ccd,
                        number=number,
                        n_star=len(own),
                        n_reference=reference.n_star,
                        distance=distance(own, reference),
                        usual=usual,
                        limit=float(np.hypot(max(FLOOR[scope], usual), noise)),
                    )
                )
    return sorted(found, key=lambda one: -one.excess)


def distributions(
    stars: pa.Table,
    eb_share: float,
    recent: Sequence[tuple[pa.Table, float]],
    training: pa.Table | None,
) -> dict[str, list[tuple[str, Reference]]]:
    """What a figure shows of each number: the whole sector, and what it is compared with."""
    shown = {}
    for number in NUMBERS:
        curves = [("this sector", pooled([_values(stars, number, 0, 0)]))]
        if training is not None:
            curves.append(("training, in this mix", mixed(training, number, eb_share)))
        else:
            curves.append(("training: not known", pooled([])))
        curves.append(
            ("recent sectors", pooled([_values(table, number, 0, 0) for table, _ in recent]))
        )
        shown[number] = curves
    return shown


def comparison_table(comparisons: Iterable[Comparison]) -> pa.Table:
    """Table of `COMPARISONS`."""
    rows = [{**asdict(one), "excess": one.excess} for one in comparisons]
    return pa.Table.from_pylist(rows, schema=COMPARISONS)


def warnings(comparisons: Iterable[Comparison]) -> list[str]:
    """What to warn of, the worst first."""
    return [one.text for one in comparisons if one.excess > 1]


def pooled(samples: Sequence[Floats]) -> Reference:
    """All stars of some sectors together."""
    values = np.concatenate([np.empty(0), *samples])
    return Reference(values, np.full(len(values), 1 / max(1, len(values))), float(len(values)))


def _references(
    number: str,
    others: Sequence[Floats],
    eb_share: float,
    recent: Sequence[tuple[pa.Table, float]],
    training: pa.Table | None,
) -> Iterable[tuple[str, Reference, list[float]]]:
    """What a number is compared with, and the distances that recent sectors have from it."""
    if training is not None:
        seen = [
            distance(values, mixed(training, number, share))
            for values, (_, share) in zip(others, recent, strict=True)
        ]
        yield "training", mixed(training, number, eb_share), seen
    if others:
        apart = [
            distance(values, pooled([*others[:place], *others[place + 1 :]]))
            for place, values in enumerate(others)
        ]
        yield "recent", pooled(others), apart


def _usual(seen: Sequence[float]) -> float:
    """Distance that recent sectors hardly exceed; 0 if there are too few of them."""
    known = np.array([value for value in seen if np.isfinite(value)])
    if len(known) < MIN_RECENT:
        return 0.0
    middle = np.median(known)
    return float(middle + USUAL_WIDTHS * 1.4826 * np.median(np.abs(known - middle)))


def _scopes(stars: pa.Table) -> list[tuple[str, int, int]]:
    """Sector, its cameras, their CCDs."""
    places = set(zip(stars["camera"].to_pylist(), stars["ccd"].to_pylist(), strict=True))
    cameras = sorted({camera for camera, _ in places if camera})
    return [
        ("sector", 0, 0),
        *(("camera", camera, 0) for camera in cameras),
        *(("ccd", camera, ccd) for camera, ccd in sorted(places) if camera and ccd),
    ]


def _values(stars: pa.Table, number: str, camera: int, ccd: int) -> Floats:
    """Finite values of a number in a part of a sector; camera or CCD 0 stands for all."""
    values = _column(stars, number)
    keep = np.isfinite(values)
    if camera:
        keep &= stars["camera"].to_numpy() == camera
    if ccd:
        keep &= stars["ccd"].to_numpy() == ccd
    return values[keep]


def _column(stars: pa.Table, number: str) -> Floats:
    values: Floats = stars[number].to_numpy(zero_copy_only=False)
    return values
