"""Catalogs that every format must keep."""

from collections.abc import Callable
from typing import Any

import pyarrow as pa
import pytest

from calnet_ops.science.catalog import schema


def make_facts(**changes: str) -> dict[str, str]:
    facts = {
        "title": schema.TITLE,
        "release": "v2026.11.0-simulated",
        "simulated": "true",
        "lineage": "0123456789abcdef",
        "model_id": "fedcba9876543210",
        "model_version": "3",
        "threshold": "0.875",
    }
    return facts | changes


def make_row(tic: int, **changes: Any) -> dict[str, Any]:
    row: dict[str, Any] = {
        "tic": tic, "ra": 84.291188, "dec": -80.4691201, "tmag": 5.1054, "teff": 6016.7,
        "sectors": "1,27", "n_sector": 2, "n_sector_scored": 3, "n_segment": 4,
        "probability": 0.987654, "tier": "confirmed", "eb_type": "EA", "period": 2.9681234,
        "period_err": 1e-7, "epoch_bjd_tdb": 2458326.123456, "epoch_err": 1e-4, "depth_1": 0.25,
        "depth_1_err": 1e-3, "depth_2": 0.1 + 0.2, "depth_2_err": 2e-3, "duration_1": 3.5,
        "duration_1_err": 0.01, "duration_2": 1 / 3, "duration_2_err": 0.02, "n_eclipse": 9,
        "probability_ea": 0.9, "probability_eb": 0.08, "probability_ew": 0.02, "morphology": 0.4,
        "n_sector_measured": 2, "group_id": tic,
        "n_match": 1, "p_on_target": 0.9876, "centroid_offset": 1.25, "centroid_offset_err": 2.5,
        "centroid_sigma": 0.5, "neighbour_distance": 20.75, "n_vote_eb": 2,
        "n_vote_not_eb": 0, "n_vote_unsure": 1, "planet_host": False, "simulated": True,
        "marks": "s001: most cadences are good, noise is low", "model_version": 3,
        "release": "v2026.11.0-simulated",
    }  # fmt: skip
    return row | changes


@pytest.fixture
def facts() -> dict[str, str]:
    return make_facts()


@pytest.fixture
def make() -> Callable[..., dict[str, Any]]:
    return make_row


NOTHING: dict[str, Any] = {column.name: None for column in schema.COLUMNS if column.null}

CATALOGS: dict[str, list[dict[str, Any]]] = {
    "many": [
        make_row(tic, probability=tic / 7e11) for tic in range(1, 600_000_000_000, 10**10 + 7)
    ],
    "one row": [make_row(9007199254740993)],
    "empty": [],
    "missing here and there": [
        make_row(30, period=None, eb_type=None, n_eclipse=None),
        make_row(20, ra=None, sectors="61"),
        make_row(10, eb_type="", depth_2=float("nan")),
    ],
    "nothing known": [make_row(1, **NOTHING)],
    "extreme": [make_row(1, period=1e-300, epoch_bjd_tdb=2.4e6 + 1 / 3, depth_1=-5e-300)],
}


@pytest.fixture(params=CATALOGS)
def catalog(request: pytest.FixtureRequest, facts: dict[str, str]) -> pa.Table:
    rows = CATALOGS[request.param]
    return schema.conform({c.name: [row[c.name] for row in rows] for c in schema.COLUMNS}, facts)
