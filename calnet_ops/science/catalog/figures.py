"""Figures of a release, as PNG: the same catalog gives the same bytes."""

import io
from typing import TYPE_CHECKING, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

Floats = NDArray[np.float64]

COLOURS = {
    "confirmed": "#0072B2",
    "model": "#E69F00",
    "EA": "#0072B2",
    "EB": "#E69F00",
    "EW": "#009E73",
    "unknown": "#999999",
}
"""Okabe and Ito (2008): told apart with any colour vision, and by lightness in grey."""

DPI = 120
"""Pixels per inch: 900 to 1000 pixels across, sharp on a page and small on disk."""

MAG_STEP = 0.5
"""Width of a magnitude bin [mag]: the scatter of tmag is far smaller."""

PERIOD_BINS = np.geomspace(0.05, 50.0, 31)
"""[d] Ten bins a decade, from below the shortest contact binaries to two sectors in a row."""

MARKER_AREA = 9.0, 40.0
"""Points squared of a star on the sky map: smallest and largest."""

MARGINS = {"left": 0.09, "right": 0.97, "bottom": 0.13, "top": 0.9}
SKY_MARGINS = {"left": 0.08, "right": 0.98, "bottom": 0.2, "top": 0.97}
"""Room for labels and legends, as shares of the figure."""

FULL_SKY = 2000
"""Stars from which on the smallest marker is used."""


def draw_sky(table: pa.Table) -> bytes:
    """Where the stars are: Mollweide, east to the left, with the ecliptic and the Galaxy."""
    figure, axes = _open(7.6, 4.6, projection="mollweide")
    for frame, label, style in (
        ("barycentricmeanecliptic", "ecliptic", "--"),
        ("galactic", "Galactic plane", ":"),
    ):
        axes.plot(*_great_circle(frame), style, color="#333333", lw=1.2, label=label, zorder=4)
    smallest, largest = MARKER_AREA
    area = max(smallest, largest * (1 - table.num_rows / FULL_SKY))
    for tier in ("model", "confirmed"):
        chosen = _where(table, "tier", tier)
        ra, dec = np.radians(_numbers(chosen, "ra")), np.radians(_numbers(chosen, "dec"))
        label = f"{tier} ({chosen.num_rows})"
        axes.scatter(_westward(ra), dec, s=area, color=COLOURS[tier], lw=0, label=label, zorder=3)
    hours = np.arange(10, -12, -2)
    axes.set_xticks(np.radians(hours * -15), [f"{hour % 24}h" for hour in hours], fontsize=8)
    for tick in axes.get_xticklabels():  # they stand among the stars
        tick.set(zorder=5, bbox={"boxstyle": "round,pad=0.1", "fc": "white", "ec": "none"})
    axes.set_axisbelow(False)
    axes.grid(alpha=0.3)
    axes.set_xlabel("right ascension [h]   (east is left)", labelpad=12)
    axes.set_ylabel("declination [deg]")
    # below the ellipse, where there is no sky
    axes.legend(loc="upper center", bbox_to_anchor=(0.5, -0.16), ncols=4, frameon=False)
    return _png(figure)


def draw_magnitudes(table: pa.Table) -> bytes:
    """How bright the stars are, by tier."""
    figure, axes = _open(7.2, 4.2)
    known = _numbers(table, "tmag")
    known = known[np.isfinite(known)]
    first = np.floor(known.min()) if known.size else 6.0
    last = np.ceil(known.max()) if known.size else 16.0
    edges = np.arange(first, max(last, first + 1) + MAG_STEP, MAG_STEP)
    _stack(axes, table, "tmag", "tier", ("confirmed", "model"), edges)
    axes.set_xlim(edges[0], edges[-1])
    axes.set_xlabel("TESS magnitude [mag]")
    return _png(figure)


def draw_periods(table: pa.Table) -> bytes:
    """Orbital periods, by the shape of the light curve."""
    figure, axes = _open(7.2, 4.2)
    axes.set_xscale("log")
    _stack(axes, table, "period", "eb_type", ("EA", "EB", "EW"), PERIOD_BINS)
    axes.set_xlim(PERIOD_BINS[0], PERIOD_BINS[-1])
    axes.minorticks_off()
    ticks = (0.1, 0.3, 1, 3, 10, 30)
    axes.set_xticks(ticks, [str(tick) for tick in ticks])
    axes.set_xlabel("orbital period [d]")
    return _png(figure)


def draw_recall(binaries: Floats, others: Floats, threshold: float) -> bytes:
    """Share of known stars that a threshold lets through.

    Parameters
    ----------
    binaries, others : (n_star,)
        Probabilities of the scored stars that labels call EB, and of those they call not.
    threshold
        Probability from which a target is a candidate.
    """
    figure, axes = _open(7.2, 4.2)
    for probabilities, name, colour, style in (
        (binaries, "known EBs", COLOURS["confirmed"], "-"),
        (others, "known to be none", COLOURS["model"], "--"),
    ):
        if probabilities.size:
            ordered = np.sort(probabilities)
            share = 100 * np.arange(ordered.size, 0, -1) / ordered.size
            kept = 100 * np.mean(probabilities >= threshold)
            x, y = np.r_[0.0, ordered, 1.0], np.r_[100.0, share, 0.0]
            label = f"{name}: {kept:.1f}% of {ordered.size} kept"
            axes.step(x, y, style, where="pre", color=colour, lw=2, label=label)
    label = f"threshold {threshold:.3f}"
    axes.axvline(threshold, color="#555555", ls=":", lw=1.5, label=label)
    if not binaries.size and not others.size:
        _say_nothing(axes, "no star with a known label was scored")
    axes.set_xlim(0, 1.01)
    axes.set_ylim(0, 102)
    axes.set_xlabel("probability threshold")
    axes.set_ylabel("stars at or above it [%]")
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False, fontsize=8)
    return _png(figure)


def _open(width: float, height: float, projection: str | None = None) -> "tuple[Figure, Axes]":
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), dpi=DPI)
    axes = figure.add_subplot(projection=projection)
    # fixed margins: an automatic layout draws everything twice
    figure.subplots_adjust(**(MARGINS if projection is None else SKY_MARGINS))
    if projection is None:
        axes.spines[["top", "right"]].set_visible(False)
    return figure, axes


def _stack(
    axes: "Axes", table: pa.Table, column: str, by: str, groups: tuple[str, ...], edges: Floats
) -> None:
    from matplotlib.ticker import MaxNLocator

    parts = {group: _numbers(_where(table, by, group), column) for group in groups}
    parts = {group: values[np.isfinite(values)] for group, values in parts.items()}
    if sum(map(len, parts.values())):
        axes.hist(
            list(parts.values()),
            edges.tolist(),
            stacked=True,
            color=[COLOURS[group] for group in groups],
            label=[f"{group} ({len(values)})" for group, values in parts.items()],
            edgecolor="white",
            linewidth=0.5,
        )
        axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=3, frameon=False)
    else:
        _say_nothing(axes, "no star in the catalog")
    axes.yaxis.set_major_locator(MaxNLocator(integer=True, min_n_ticks=1))
    axes.set_ylabel("stars in a bin")


def _say_nothing(axes: "Axes", text: str) -> None:
    axes.text(0.5, 0.5, text, transform=axes.transAxes, ha="center", va="center", color="#555555")


def _where(table: pa.Table, column: str, value: str) -> pa.Table:
    import pyarrow.compute as pc

    return table.filter(pc.equal(table[column], value))


def _numbers(table: pa.Table, column: str) -> Floats:
    return np.array(table[column].to_pylist(), dtype=np.float64)  # None becomes NaN


def _westward(ra: Floats) -> Floats:
    """Right ascension [rad] as an abscissa from -pi to pi that grows to the left."""
    return -((ra + np.pi) % (2 * np.pi) - np.pi)


def _great_circle(frame: str) -> tuple[Floats, Floats]:
    from astropy import units
    from astropy.coordinates import SkyCoord

    longitude = np.linspace(0, 360, 721)
    points = SkyCoord(longitude * units.deg, 0 * longitude * units.deg, frame=frame).icrs
    x, y = _westward(points.ra.radian), points.dec.radian
    x[np.abs(np.diff(x, append=x[-1])) > np.pi] = np.nan  # no line across the map
    return x, y


def _png(figure: "Figure") -> bytes:
    buffer = io.BytesIO()
    metadata: dict[str, Any] = {"Software": None}
    figure.savefig(buffer, format="png", metadata=metadata)
    return buffer.getvalue()
