import numpy as np
import pytest

from calnet_ops.science import features
from calnet_ops.science.features.tables import as_stored
from calnet_ops.science.labels.leaks import (
    BLEND,
    BLOCK,
    COPY,
    correlations,
    find_copies,
    noise,
    variations,
)
from calnet_ops.science.lightcurve.readers import read_any
from calnet_ops.simulator.sectors import simulate_sector

N = 4000
SIDES = ("train", "validation", "test")


def make_flux(n, seed=0):
    """Noise, and in every other segment the waves of a contact binary."""
    rng = np.random.default_rng(seed)
    waves = np.sin(np.arange(N) / rng.uniform(5, 40, (n, 1)) + rng.uniform(0, 6, (n, 1)))
    return scaled(rng.normal(0, 0.05, (n, N)) + waves * (np.arange(n) % 2)[:, None])


def scaled(flux):
    low, high = flux.min(axis=1, keepdims=True), flux.max(axis=1, keepdims=True)
    return ((flux - low) / (high - low)).astype(np.float32)


def sides_of(n):
    return [SIDES[number % 3] for number in range(n)]


@pytest.fixture(scope="module")
def sector(tmp_path_factory):
    """Light curves of a simulated sector with every kind of star."""
    folder = tmp_path_factory.mktemp("sector")
    simulate_sector(folder, 61, n_star=40, seed=5, workers=1, compact=True)
    return sorted(folder.rglob("*.fits"))


@pytest.mark.parametrize("version", features.VERSIONS)
def test_planted_copies_are_found_and_an_ordinary_sector_has_none(sector, version):
    segments = [
        segment
        for file in sector
        for segment in features.extract(read_any(file.name, file.read_bytes()), version)
    ]
    flux = as_stored(np.stack([segment.flux for segment in segments]))
    n = len(flux)
    assert n > 70
    assert list(find_copies(noise(flux), sides_of(n))) == []
    planted = np.arange(0, n, 10)
    copies = as_stored(scaled(0.8 * flux[planted]))
    sides = [*sides_of(n), *(SIDES[(number + 1) % 3] for number in planted)]
    found = {
        (min(i, j), max(i, j)): value
        for i, j, value in find_copies(noise(np.concatenate([flux, copies])), sides)
    }
    assert set(found) == {(one, n + number) for number, one in enumerate(planted.tolist())}
    assert min(found.values()) > 0.99


def test_copies_on_one_side_are_no_leak():
    flux = make_flux(6)
    both = noise(np.concatenate([flux, flux]))
    assert list(find_copies(both, ["train"] * 12)) == []
    assert len(list(find_copies(both, ["train"] * 6 + ["test"] * 6))) == 6


def test_blocks_hide_no_pair():
    """Compared with all products at once, more segments than a block takes."""
    rng = np.random.default_rng(1)
    some = rng.normal(size=(2 * BLOCK + 70, 40)).astype(np.float32)
    some /= np.linalg.norm(some, axis=1, keepdims=True)
    some[-1], some[BLOCK + 3] = some[0], some[5]
    side = ["train" if number % 2 else "test" for number in range(len(some))]
    near = np.argwhere(np.triu(some @ some.T >= COPY, 1))
    expected = {(i, j) for i, j in near.tolist() if side[i] != side[j]}
    assert {(0, len(some) - 1)} <= expected
    assert {(min(i, j), max(i, j)) for i, j, _ in find_copies(some, side)} == expected


def test_a_neighbour_with_the_same_eclipses_and_its_own_noise_is_a_blend_and_no_copy():
    rng = np.random.default_rng(9)
    waves = np.sin(np.arange(N) / rng.uniform(15, 40, (8, 1)))
    shown = [scaled(share * waves + rng.normal(0, 0.02, (8, N))) for share in (1.0, 0.3)]
    flux = np.concatenate([*shown, scaled(rng.normal(0, 0.02, (8, N)))])
    pairs = np.array([(number, 8 + number) for number in range(8)])
    assert (correlations(variations(flux), pairs) > BLEND).all()
    assert (correlations(variations(flux), pairs + 8) < 0.3).all()
    assert list(find_copies(noise(flux), ["train"] * 8 + ["test"] * 8 + ["train"] * 8)) == []


def test_trends_are_no_variations():
    ramp = np.linspace(0, 1, N) ** np.array([[1.0], [2.0], [3.0]])
    flux = scaled(ramp + np.random.default_rng(2).normal(0, 0.03, (3, N)))
    assert np.corrcoef(flux)[1, 2] > BLEND
    assert (np.abs(correlations(variations(flux), np.array([(0, 1), (1, 2)]))) < 0.4).all()


def test_a_flat_segment_is_like_nothing():
    flat = np.full((2, N), 0.5, np.float32)
    assert list(find_copies(noise(flat), ["train", "test"])) == []
    assert correlations(variations(flat), np.array([(0, 1)])).tolist() == [0.0]
