"""A simulated sector of scattered light is warned of, an ordinary one is not."""

from pathlib import Path

import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.features import extract
from calnet_ops.science.lightcurve import spoc
from calnet_ops.simulator.camera import sector_timeline
from calnet_ops.simulator.issues import light_at_orbits
from calnet_ops.simulator.sectors import Job, light_curve
from calnet_ops.simulator.signals import DEFAULT_MIX, allot_kinds
from calnet_ops.simulator.stars import own_tic
from calnet_ops.steps.watch_drift import watch_drift
from tests.support.scored_sectors import Star, put_champion, put_sector, reference_of

pytestmark = [pytest.mark.slow, pytest.mark.timeout(180)]

N_STAR = 100
"""Of a sector, a sixtieth of a small real one; the limit of chance is then 0.14."""

SHARE = 0.4
"""Of each orbit in unflagged light."""


def simulate(sector: int, seed: int, share: float) -> list[Star]:
    """Stars of a compact simulated sector with their segments."""
    issues = light_at_orbits(sector_timeline(sector, compact=True), share)
    stars: list[Star] = []
    for number, kind in enumerate(allot_kinds(DEFAULT_MIX, N_STAR, seed)):
        job = Job(Path(), sector, own_tic(sector, number), kind, seed, compact=True, issues=issues)
        stars.append((kind.is_eb, extract(spoc.read(light_curve(job)[1]))))
    return stars


@pytest.fixture(scope="module")
def reference():
    """What a model would keep of two ordinary sectors."""
    return reference_of([*simulate(61, 1, 0.0), *simulate(62, 1, 0.0)])


@pytest.mark.parametrize(("sector", "seed"), [(9, 2), (35, 3), (70, 4), (87, 5)])
def test_scattered_light_warns_and_an_ordinary_sector_does_not(platform, reference, sector, seed):
    put_champion(platform, reference)
    put_sector(platform, sector, simulate(sector, seed, 0.0))
    ordinary = watch_drift(sector, platform)
    assert (ordinary["state"], ordinary["warnings"]) == ("usual", [])
    assert ordinary["excess"] is not None
    assert ordinary["excess"] < 0.7
    put_sector(platform, sector + 1, simulate(sector + 1, seed, SHARE))
    lit = watch_drift(sector + 1, platform)
    assert lit["state"] == "warn"
    assert "whole sector against training" in lit["warnings"][0]


def test_no_light_is_the_same_sector_and_no_share_is_refused():
    timeline = sector_timeline(87, compact=True)
    assert light_at_orbits(timeline, 0.0) == ()
    assert {one.camera for one in light_at_orbits(timeline, 0.3)} == {0}
    with pytest.raises(WrongConfiguration, match="a share"):
        light_at_orbits(timeline, 1.5)
