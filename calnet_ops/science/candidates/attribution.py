"""Tables of whose eclipses the candidates show: from rows of measurements to rows of verdicts."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from calnet_ops.science.candidates.matches import Ephemerides, find_matches
from calnet_ops.science.candidates.neighbours import nearest_others
from calnet_ops.science.candidates.photocentre import Photocentre, Shift
from calnet_ops.science.candidates.whose import (
    join_sectors,
    judge,
    offset_length,
    place_sources,
    smallest_members,
)
from calnet_ops.science.lightcurve.centroids import position_angle
from calnet_ops.science.lightcurve.light_curve import LightCurve

Floats = NDArray[np.float64]
Row = Mapping[str, Any]

HOURS = 24.0
"""In a day."""


def photocentre_row(light_curve: LightCurve, found: Photocentre) -> dict[str, Any]:
    """What one light curve says of where its eclipses come from; NaN where it says nothing.

    Parameters
    ----------
    light_curve
        Of the candidate.
    found
        Measured on it.
    """
    good = light_curve.good
    return {
        "tic": light_curve.tic,
        "sector": light_curve.sector,
        "camera": light_curve.camera,
        "ccd": light_curve.ccd,
        **_shift_columns("1", found.primary, found.to_sky),
        **_shift_columns("2", found.secondary, found.to_sky),
        "lost": found.primary.lost / (1 + found.primary.lost),
        "source_col": float(found.source[0]),
        "source_row": float(found.source[1]),
        "source_col_err": float(found.source_err[0]),
        "source_row_err": float(found.source_err[1]),
        "target_col": float(found.target[0]),
        "target_row": float(found.target[1]),
        "east_col": float(found.to_sky[0, 0]),
        "east_row": float(found.to_sky[0, 1]),
        "north_col": float(found.to_sky[1, 0]),
        "north_row": float(found.to_sky[1, 1]),
        "crowdsap": light_curve.crowdsap,
        "flux": float(np.median(light_curve.flux[good])) if good.any() else float("nan"),
    }


def _shift_columns(eclipse: str, shift: Shift, to_sky: Floats) -> dict[str, Any]:
    east, north = to_sky @ shift.moved
    return {
        f"shift_{eclipse}_col": float(shift.moved[0]),
        f"shift_{eclipse}_row": float(shift.moved[1]),
        f"shift_{eclipse}_col_err": float(shift.error[0]),
        f"shift_{eclipse}_row_err": float(shift.error[1]),
        f"shift_{eclipse}_sigma": shift.significance,
        f"shift_{eclipse}_pa": position_angle(east, north),
        f"n_shift_{eclipse}": shift.n_eclipse,
    }


def attribute(
    candidates: Iterable[Row], photocentres: Iterable[Row], targets: Iterable[Row] = ()
) -> list[dict[str, Any]]:
    """Whose eclipses each candidate shows: one row a star, by TIC number.

    Parameters
    ----------
    candidates
        Rows of the candidates tables of all sectors.
    photocentres
        Rows of the tables of photocentres of all sectors; some may be missing.
    targets
        Other stars that were observed: tic, ra, dec. Only distances to them are told.

    Notes
    -----
    0.5 s for 20,000 stars. Of a star's sectors the one with the best-known period gives the
    ephemeris; the photocentres of all are used.
    """
    stars = _best_rows(candidates)
    if not stars:
        return []
    measured = list(photocentres)
    tics = [row["tic"] for row in stars]
    ra, dec = _column(stars, "ra"), _column(stars, "dec")
    matches = find_matches(_ephemerides(stars, ra, dec))
    flux, lost, crowdsap = _light(measured, tics)
    dip = flux * _column(stars, "depth_1")
    places = _places(measured, tics)
    verdicts = judge(places, ra, dec, matches.group, dip, lost, crowdsap)
    length, error, sigma = offset_length(places)
    n_match = np.bincount(matches.pair.ravel(), minlength=len(stars))
    chance = np.full(len(stars), np.nan)
    np.fmin.at(chance, matches.pair.ravel(), np.repeat(matches.chance, 2))
    nearest = _nearest(stars, ra, dec, dip, targets)
    groups = smallest_members(tics, matches.group)
    return [
        {
            "tic": tic,
            "group_id": groups[i],
            "n_match": int(n_match[i]),
            "match_chance": float(chance[i]),
            "p_on_target": float(verdicts.on_target[i]),
            "source_tic": tics[verdicts.source[i]] if verdicts.source[i] >= 0 else None,
            "centroid_offset": float(length[i]),
            "centroid_offset_err": float(error[i]),
            "centroid_sigma": float(sigma[i]),
            "centroid_pa": position_angle(*places.offset[i]),
            **nearest[i],
        }
        for i, tic in enumerate(tics)
    ]


def _best_rows(candidates: Iterable[Row]) -> list[Row]:
    """One row a star, by TIC number: the one with the best-known period."""
    best: dict[int, Row] = {}
    for row in candidates:
        held = best.get(row["tic"])
        if held is None or _weakness(row) < _weakness(held):
            best[row["tic"]] = row
    return [best[tic] for tic in sorted(best)]


def _weakness(row: Row) -> tuple[float, int]:
    period, error = row["period"], row["period_err"]
    return (error / period if period and error else float("inf"), row["sector"])


def _column(rows: Sequence[Row], name: str) -> Floats:
    """Column as floats, NaN where it is missing."""
    return np.array([_number(row, name) for row in rows], dtype=np.float64)


def _number(row: Row, name: str) -> float:
    value = row.get(name)
    return float("nan") if value is None else float(value)


def _ephemerides(stars: Sequence[Row], ra: Floats, dec: Floats) -> Ephemerides:
    return Ephemerides(
        ra=ra,
        dec=dec,
        period=_column(stars, "period"),
        period_err=_column(stars, "period_err"),
        epoch=_column(stars, "epoch_bjd_tdb"),
        epoch_err=_column(stars, "epoch_err"),
        duration=_column(stars, "duration_1") / HOURS,
        n_eclipse=_column(stars, "n_eclipse"),
    )


def _light(measured: Sequence[Row], tics: Sequence[int]) -> tuple[Floats, Floats, Floats]:
    """Flux, lost share in mid-eclipse and CROWDSAP of each star: means over its light curves."""
    held: dict[int, list[Row]] = {}
    for row in measured:
        held.setdefault(row["tic"], []).append(row)
    flux, lost, crowdsap = (
        np.array([_mean(_column(held.get(tic, []), name)) for tic in tics])
        for name in ("flux", "lost", "crowdsap")
    )
    return flux, lost, crowdsap


def _mean(values: Floats) -> float:
    known = values[np.isfinite(values)]
    return float(known.mean()) if known.size else float("nan")


def _places(measured: Sequence[Row], tics: Sequence[int]) -> Any:
    """Places of the eclipsed sources, one a star."""
    number = {tic: i for i, tic in enumerate(tics)}
    rows = [row for row in measured if row["tic"] in number]
    turn = np.array(
        [[_column(rows, f"{axis}_{k}") for k in ("col", "row")] for axis in ("east", "north")]
    )
    sector, camera, ccd = (
        np.nan_to_num(_column(rows, name)) for name in ("sector", "camera", "ccd")
    )
    by_file = place_sources(
        _pair_of(rows, "source_{}"),
        _pair_of(rows, "source_{}_err"),
        _pair_of(rows, "target_{}"),
        np.moveaxis(turn, -1, 0),
        _column(rows, "crowdsap"),
        _column(rows, "flux"),
        (100 * sector + 10 * camera + ccd).astype(np.int64),
    )
    return join_sectors(by_file, np.array([number[r["tic"]] for r in rows], np.int64), len(tics))


def _pair_of(rows: Sequence[Row], name: str) -> Floats:
    """(n_row, 2) Columns for column and row of the CCD."""
    return np.stack([_column(rows, name.format(axis)) for axis in ("col", "row")], axis=1)


def _nearest(
    stars: Sequence[Row], ra: Floats, dec: Floats, dip: Floats, targets: Iterable[Row]
) -> list[dict[str, Any]]:
    """Nearest other candidate or target of each star, and how much more light it loses."""
    mine = {row["tic"] for row in stars}
    others = [row for row in targets if row["tic"] not in mine]
    every = [*stars, *others]
    found = nearest_others(
        ra, dec, np.r_[ra, _column(others, "ra")], np.r_[dec, _column(others, "dec")]
    )
    rows = []
    for i, near in enumerate(found.index.tolist()):
        ratio = dip[near] / dip[i] if 0 <= near < len(stars) else float("nan")
        rows.append(
            {
                "neighbour_tic": every[near]["tic"] if near >= 0 else None,
                "neighbour_distance": float(found.distance[i]),
                "neighbour_is_candidate": bool(near < len(stars)) if near >= 0 else None,
                "neighbour_dip_ratio": float(ratio),
            }
        )
    return rows
