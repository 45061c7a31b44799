"""Labelled features without light curves: enough to make a data set and train on it."""

import numpy as np
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.platform import Platform
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.features.tables import features_table
from calnet_ops.science.labels.records import SIMULATED_TIC, LabelRecord
from calnet_ops.steps.freeze import freeze_labels, load_labels

N_SEGMENT = 2
"""Segments a star, as a sector has."""


def fill_platform(
    platform: Platform, n_star: int, sector: int = 61, versions: tuple[str, ...] = ("v1",)
) -> list[LabelRecord]:
    """Features, positions and a frozen label set of some stars, every other one a binary.

    Features of several versions are the same, but under keys of their own.
    """
    rng = np.random.default_rng(n_star)
    tics = [SIMULATED_TIC + 10 * number for number in range(n_star)]
    labels = [
        LabelRecord(
            tic, "EB" if number % 2 else "NOT_EB", "EA" if number % 2 else "", "t", "simulated"
        )
        for number, tic in enumerate(tics)
    ]
    rows = [
        (label.tic, sector, labelled_segment(rng, number, label.verdict == "EB"))
        for label in labels
        for number in range(1, N_SEGMENT + 1)
    ]
    for version in versions:
        features_key = keys.features(version, sector, "a" * 16)
        platform.store.save_table(features_key, features_table(rows))
        platform.ledger.record(
            f"features-{version}", sector, "skipped", facts={"shards": [{"features": features_key}]}
        )
    _place(platform, tics, sector, rng)
    load_labels(labels, platform)
    freeze_labels(platform)
    return labels


def _place(platform: Platform, tics: list[int], sector: int, rng: np.random.Generator) -> None:
    """A delivery whose statistics say where the stars are."""
    key = keys.statistics(sector, "b" * 16)
    positions = {
        "tic": tics,
        "ra": rng.uniform(0, 90, len(tics)),
        "dec": rng.uniform(0, 60, len(tics)),
        "tmag": rng.uniform(8, 14, len(tics)),
        "camera": rng.integers(1, 5, len(tics)),
        "ccd": rng.integers(1, 5, len(tics)),
    }
    platform.store.save_table(key, pa.table(positions))
    ledger = platform.ledger
    ledger.add_delivery(sector, 1, state="listed", n_listed=len(tics), listing_sha256="")
    delivery = ledger.delivery(sector)
    assert delivery is not None
    ledger.move_delivery(delivery, facts={"statistics": key})


def labelled_segment(rng: np.random.Generator, number: int, is_eb: bool) -> Segment:
    """A noisy light curve; a binary's has dips at regular times."""
    flux = rng.normal(0.8, 0.03, N_FLUX)
    power = rng.uniform(0, 0.2, N_POWER)
    if is_eb:
        flux[np.arange(N_FLUX) % rng.integers(300, 900) < 60] -= 0.7
        power[600:640] = 1
    return Segment(
        number,
        9000,
        float(number),
        float(number + 13),
        np.clip(flux, 0, 1).astype(np.float32),
        power.astype(np.float32),
    )
