"""Light curves of a data set that are nearly the same on two sides."""

from collections import defaultdict
from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa

from calnet_ops.adapters.store import Store
from calnet_ops.science.features.tables import matrix
from calnet_ops.science.labels import leaks
from calnet_ops.science.labels.links import Link, link, neighbours
from calnet_ops.science.labels.split import GUARD, Side
from calnet_ops.steps.dataset_inputs import Places


def light_curve_links(
    rows: pa.Table, side: Mapping[int, Side], places: Places, store: Store
) -> list[Link]:
    """Copies and blends across sides, sector by sector, each pair of stars once.

    Parameters
    ----------
    rows
        Segments of the data set, columns of `dataset_inputs.SEGMENTS`.
    side
        Of each star.

    Notes
    -----
    Holds 6 kB a segment of one sector: 120 MB of 20,000.
    """
    best: dict[tuple[int, int, str], Link] = {}
    for tics, segments, noise, variations in _sectors(rows, side, store):
        sides = [side[tic] for tic in tics]
        found = [
            link(tics[i], tics[j], "copy", round(value, 4))
            for i, j, value in leaks.find_copies(noise, sides)
        ]
        found += _blends(tics, segments, sides, variations, places)
        for one in found:
            name = (one.one, one.other, one.reason)
            best[name] = max(best.get(name, one), one, key=lambda item: item.measure)
    return sorted(best.values())


def _blends(
    tics: list[int],
    segments: list[int],
    sides: list[Side],
    variations: leaks.Floats,
    places: Places,
) -> list[Link]:
    """Neighbours on different sides whose light varies alike in the same weeks."""
    stars = sorted(set(tics))
    of = places.of(stars)
    near, _ = neighbours(of.ra, of.dec, leaks.BLEND_RADIUS)
    rows_of: dict[int, dict[int, int]] = defaultdict(dict)
    for row, (tic, segment) in enumerate(zip(tics, segments, strict=True)):
        rows_of[tic][segment] = row
    pairs = [
        (rows_of[stars[i]][segment], rows_of[stars[j]][segment])
        for i, j in near.tolist()
        for segment in rows_of[stars[i]].keys() & rows_of[stars[j]].keys()
    ]
    across = np.array([pair for pair in pairs if len({sides[row] for row in pair}) > 1], np.int64)
    if not across.size:
        return []
    alike = leaks.correlations(variations, across)
    return [
        link(tics[i], tics[j], "blend", round(value, 4))
        for (i, j), value in zip(across.tolist(), alike.tolist(), strict=True)
        if value >= leaks.BLEND
    ]


def _sectors(
    rows: pa.Table, side: Mapping[int, Side], store: Store
) -> Iterator[tuple[list[int], list[int], leaks.Floats, leaks.Floats]]:
    """Of each sector: star, number, noise and variations of its segments that are used."""
    wanted: dict[int, dict[str, set[tuple[int, int]]]] = defaultdict(lambda: defaultdict(set))
    for row in rows.select(["tic", "sector", "segment", "features_key"]).to_pylist():
        if side[row["tic"]] != GUARD:
            wanted[row["sector"]][row["features_key"]].add((row["tic"], row["segment"]))
    for _, shards in sorted(wanted.items()):
        names: list[tuple[int, int]] = []
        noise, variations = [], []
        for key, mine in sorted(shards.items()):
            table = store.load_table(key, ["tic", "segment", "flux"])
            all_names = zip(table["tic"].to_pylist(), table["segment"].to_pylist(), strict=True)
            taken = [(row, name) for row, name in enumerate(all_names) if name in mine]
            flux = matrix(table.take([row for row, _ in taken]), "flux")
            names += [name for _, name in taken]
            noise.append(leaks.noise(flux))
            variations.append(leaks.variations(flux))
        tics, segments = ([name[part] for name in names] for part in (0, 1))
        yield tics, segments, np.concatenate(noise), np.concatenate(variations)
