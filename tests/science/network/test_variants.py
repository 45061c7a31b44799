"""Every network that can be trained: its form, its export, and that it learns."""

from dataclasses import replace

import numpy as np
import pytest

from calnet_ops.errors import WrongConfiguration
from calnet_ops.science.network.settings import DEMO, NETWORKS
from tests.support.flops import n_multiply_add

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("tensorflow"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]


@pytest.fixture(scope="module")
def networks(keras):
    """Fresh networks by name."""
    from calnet_ops.science.network.variants import VARIANTS, build_network

    assert tuple(VARIANTS) == NETWORKS
    keras.utils.set_random_seed(11)
    return {name: build_network(name) for name in VARIANTS}


@pytest.mark.parametrize("name", NETWORKS)
def test_each_takes_and_gives_the_same_and_bears_its_name(networks, segments, name):
    flux, power = segments
    network = networks[name]
    assert network.name == name
    assert [tuple(one.shape) for one in network.inputs] == [(None, 4000, 1), (None, 1000, 1)]
    answer = np.asarray(network([flux[:3, :, None], power[:3, :, None]]))
    assert answer.shape == (3, 2)
    np.testing.assert_allclose(answer.sum(axis=1), 1, atol=1e-6)


def test_the_port_has_its_number_of_weights(networks):
    from calnet_ops.science.network.port import N_PARAMETER

    port = networks["port"]
    assert port.count_params() == N_PARAMETER
    second_offsets = sum(4 * n_unit for n_unit in (128, 128, 64, 64))
    assert port.count_params() + second_offsets == 8_834_554


def test_ours_is_small_and_the_published_one_as_counted(networks):
    published, ours = networks["calnet"], networks["compact"]
    assert 2e-6 * n_multiply_add(published) == pytest.approx(319.7, rel=0.02)
    assert 5 * n_multiply_add(ours) < n_multiply_add(published)
    assert 5 * ours.count_params() < published.count_params()


def test_attention_of_the_port_weighs_channels_then_steps(keras, networks, segments):
    port = networks["port"]
    first, last = (port.get_layer(name) for name in ("flux_conv_64", "flux_attention_64"))
    inner = keras.Model(port.inputs[0], [first.output, last.output])
    block, found = (np.asarray(one, float) for one in inner(segments[0][:2, :, None]))
    squeeze, excite, spatial = (
        port.get_layer(f"flux_attention_64_{part}").get_weights()[0]
        for part in ("squeeze", "excite", "spatial")
    )

    def perceptron(values):
        return np.maximum(values @ squeeze, 0) @ excite

    gate = _sigmoid(perceptron(block.mean(axis=1)) + perceptron(block.max(axis=1)))
    gated = block * gate[:, None]
    summary = np.stack([gated.mean(axis=2), gated.max(axis=2)], axis=2)
    windows = np.lib.stride_tricks.sliding_window_view(
        np.pad(summary, ((0, 0), (3, 3), (0, 0))), 7, axis=1
    )
    steps = _sigmoid(np.einsum("ntck,kc->nt", windows, spatial[..., 0]))
    np.testing.assert_allclose(found, gated * steps[..., None], atol=1e-6)


def _sigmoid(x):
    return 1 / (1 + np.exp(-x))


@pytest.mark.parametrize("name", [name for name in NETWORKS if name != "calnet"])
def test_each_is_exported_and_saved(keras, networks, segments, tmp_path, name):
    from calnet_ops.science.network import export
    from calnet_ops.science.network.litert import Scorer
    from calnet_ops.science.network.portable import portable

    flux, power = segments
    network = networks[name]
    assert not export.scores_in_numpy(network)
    graph = export.to_litert(network)
    assert export.check_export(graph, network, flux, power) <= export.AGREEMENT
    portable(network).save(tmp_path / "calnet.keras")
    loaded = keras.saving.load_model(tmp_path / "calnet.keras")
    answer = loaded.predict([flux[:4, :, None], power[:4, :, None]], verbose=0)
    np.testing.assert_allclose(answer[:, 0], Scorer(graph).score(flux[:4], power[:4]), atol=1e-5)


def test_settings_choose_the_network(segments):
    from calnet_ops.science.network.fit import train_fresh
    from calnet_ops.science.network.samples import Samples

    samples = Samples(segments[0], segments[1], np.arange(40) % 2 == 0)
    settings = replace(DEMO, network="compact", n_epoch=1, batch=20)
    model, history = train_fresh(samples, samples, settings)
    assert model.name == "compact"
    assert history[0].loss < 3  # it begins with answers of a sensible size


def test_a_network_that_nobody_knows_is_refused(keras):
    from calnet_ops.science.network.variants import build_network

    with pytest.raises(WrongConfiguration, match="calnet or port or compact"):
        build_network("resnet")
