"""Sectors of stars with real numbers and given places, as far as data sets need them."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.platform import Platform
from calnet_ops.science.checks.products import segment_statistics
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.features.tables import features_table, stored_table


@dataclass(frozen=True)
class SkyStar:
    """A star with a light curve in a sector."""

    tic: int
    ra: float
    dec: float
    flux: np.ndarray | None = None
    """(4000,) Of its only segment; noise of its own if not given."""
    tmag: float = 10.0


def spread(n: int, seed: int = 0, first_tic: int = 1000) -> list[SkyStar]:
    """Stars far from each other, each with noise of its own, one more variable than the next."""
    rng = np.random.default_rng(seed)
    return [
        SkyStar(
            first_tic + number,
            float(rng.uniform(0, 360)),
            float(rng.uniform(-80, 80)),
            np.sin(np.arange(N_FLUX) / rng.uniform(20, 90)) * number / n
            + rng.normal(0, 0.1, N_FLUX),
            tmag=float(rng.uniform(7, 14)),
        )
        for number in range(n)
    ]


def store_sector(platform: Platform, sector: int, stars: Sequence[SkyStar]) -> None:
    """Features of version v1, their statistics, and a delivery that tells places."""
    table = features_table((star.tic, sector, _segment(star)) for star in stars)
    key = keys.features("v1", sector, "a" * 16)
    platform.store.save_table(key, stored_table(table))
    platform.store.save_table(keys.feature_statistics_of(key), segment_statistics(table))
    shards = {"shards": [{"features": key}]}
    platform.ledger.record("features-v1", sector, "skipped", facts=shards)
    places = {
        "tic": [star.tic for star in stars],
        "ra": [star.ra for star in stars],
        "dec": [star.dec for star in stars],
        "tmag": [star.tmag for star in stars],
        "camera": [1 + star.tic % 4 for star in stars],
        "ccd": [1] * len(stars),
    }
    statistics = keys.statistics(sector, "b" * 16)
    platform.store.save_table(statistics, pa.table(places))
    platform.ledger.add_delivery(
        sector, 1, state="raw", n_listed=len(stars), listing_sha256="0" * 64
    )
    delivery = platform.ledger.delivery(sector)
    assert delivery is not None
    platform.ledger.move_delivery(delivery, facts={"statistics": statistics})


def _segment(star: SkyStar) -> Segment:
    rng = np.random.default_rng(star.tic)
    flux = rng.normal(0, 1, N_FLUX) if star.flux is None else star.flux
    flux = (flux - flux.min()) / (flux.max() - flux.min())
    power = rng.uniform(0, 1, N_POWER).astype(np.float32)
    return Segment(1, 9000, 1000.0, 1013.0, flux.astype(np.float32), power)
