"""Sectors as scoring leaves them, without light curves: features, target scores, a champion."""

import json
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from calnet_ops import keys
from calnet_ops.platform import Platform
from calnet_ops.science.checks.products import SHAPE, segment_shape, segment_statistics
from calnet_ops.science.evaluation import drift
from calnet_ops.science.features.segment import N_FLUX, N_POWER, Segment
from calnet_ops.science.features.tables import features_table, matrix
from calnet_ops.steps.score import TARGET_SCORES
from calnet_ops.steps.training_reference import REFERENCE_PART

MODEL = "0123456789abcdef"
THRESHOLD = 0.5
CALIBRATION = {
    "slope": 0.9,
    "intercept": 0.1,
    "covariance": [0.02, 0.0, 0.05],
    "n_star": 120,
    "eb_share": 0.5,
}

Star = tuple[bool, list[Segment]]
"""Whether it is a binary, and its segments."""


def draw_stars(n_star: int, seed: int, change: Callable[..., Any] | None = None) -> list[Star]:
    """Stars of one segment each, every other one a binary; `change` is done to each flux."""
    rng = np.random.default_rng(seed)
    found: list[Star] = []
    for number in range(n_star):
        flux = rng.normal(0.8, 0.03, N_FLUX)
        power = rng.uniform(0, 0.2, N_POWER)
        if number % 2:
            flux[np.arange(N_FLUX) % rng.integers(300, 900) < 60] -= 0.7
            power[rng.integers(500, 900)] = 1
        flux = change(flux) if change else flux
        shape = (np.clip(flux, 0, 1).astype(np.float32), power.astype(np.float32))
        found.append((bool(number % 2), [Segment(1, 9000, 0.0, 13.0, *shape)]))
    return found


def put_sector(
    platform: Platform, sector: int, stars: Sequence[Star], model_id: str = MODEL
) -> None:
    """Write a sector's features, their statistics, its target scores, and note them."""
    tics = [sector * 10_000 + number for number in range(len(stars))]
    rows = [(t, sector, one) for t, (_, some) in zip(tics, stars, strict=True) for one in some]
    table, store = features_table(rows), platform.store
    shard = {"features": keys.features("v1", sector, "a" * 16)}
    shard["statistics"] = keys.feature_statistics("v1", sector, "a" * 16)
    store.save_table(shard["features"], table)
    store.save_table(shard["statistics"], segment_statistics(table))
    facts = {"shards": [shard]}
    platform.ledger.record("features-v1", sector, keys.skipped("v1", sector, "a"), facts=facts)
    put_places(platform, sector, tics)
    targets = [
        {"tic": tic, "sector": sector, "n_segment": len(some), "simulated": True,
         "probability": 0.9 - tic % 7 / 100 if is_eb else 0.05 + tic % 7 / 100}
        for tic, (is_eb, some) in zip(tics, stars, strict=True)
    ]  # fmt: skip
    key = keys.target_scores(model_id, sector, "b" * 16)
    store.save_table(key, pa.Table.from_pylist(targets, schema=TARGET_SCORES))
    counts = {"targets": key, "n_target": len(stars)}
    platform.ledger.record("score", sector, key, model_id=model_id, facts=counts)


def put_places(platform: Platform, sector: int, tics: Sequence[int]) -> None:
    """A delivery whose statistics say on which CCD each star is."""
    key = keys.statistics(sector, "c" * 16)
    places = {"tic": list(tics), "camera": [1 + t % 4 for t in tics], "ccd": [1] * len(tics)}
    platform.store.save_table(key, pa.table(places))
    ledger, n = platform.ledger, len(tics)
    ledger.add_delivery(sector, 1, state="listed", n_listed=n, listing_sha256="0" * 64)
    delivery = ledger.delivery(sector)
    assert delivery is not None
    ledger.move_delivery(delivery, state="raw", facts={"statistics": key, "manifest": "m"})


def put_champion(platform: Platform, reference: pa.Table | None = None, **facts: Any) -> None:
    """A model in production, with or without what its training stars look like."""
    body = {"features": "v1", "threshold": THRESHOLD, "calibration": CALIBRATION} | facts
    platform.store.save_new(keys.model(MODEL, "model.json"), json.dumps(body).encode())
    if reference is not None:
        platform.store.save_table(keys.model(MODEL, REFERENCE_PART), reference)
    platform.ledger.add_promotion(
        model_version=1,
        model_id=MODEL,
        action="promoted",
        reason="test",
        threshold=THRESHOLD,
        simulated=True,
    )


def reference_of(stars: Sequence[Star]) -> pa.Table:
    """What a model would keep of its training stars, without their probabilities."""
    shapes = []
    for _, some in stars:
        table = features_table([(1, 1, one) for one in some])
        shape = segment_shape(matrix(table, "flux"), matrix(table, "power"))
        shapes.append({name: float(values.mean()) for name, values in shape.items()})
    verdicts = [drift.EB if is_eb else drift.OTHER for is_eb, _ in stars]
    known = pa.Table.from_pylist(shapes)
    rows = [row for name in SHAPE for row in drift.summarise(known, verdicts, name)]
    return pa.Table.from_pylist(rows, schema=drift.REFERENCE)
