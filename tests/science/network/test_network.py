"""The published network, its two layouts, its export and how it learns.

One module, so that one process loads TensorFlow.
"""

from dataclasses import replace
from functools import partial
from typing import Any

import numpy as np
import pytest

from calnet_ops.errors import ExportDiffers, WrongConfiguration
from calnet_ops.science.network.litert import Scorer
from calnet_ops.science.network.settings import DEMO, PUBLISHED
from tests.support.graphs import make_tiny, tiny_graph

pytestmark = [
    pytest.mark.slow,
    pytest.mark.timeout(180),
    pytest.mark.xdist_group("tensorflow"),  # imported by one worker only
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
]

PARAMETERS = {
    "flux_conv_64": 576,
    "flux_attention_64": 520 + 576 + 1_025,
    "flux_conv_128": 65_664,
    "flux_attention_128": 2_064 + 2_176 + 2_049,
    "flux_conv_256": 262_400,
    "flux_attention_256": 8_224 + 8_448 + 4_097,
    "flux_lstm": 197_120,
    "power_conv_32": 288,
    "power_attention_32": 132 + 160 + 513,
    "power_conv_64": 16_448,
    "power_attention_64": 520 + 576 + 1_025,
    "power_lstm": 33_024,
    "hidden": 8_127_488,
    "probability": 2_050,
}
"""Weights of each layer as published."""


def inputs(segments, n=4):
    flux, power = segments
    return [flux[:n, :, None], power[:n, :, None]]


def answer(model, segments, n=4):
    return np.asarray(model(inputs(segments, n)))


def shapes_of(keras, model):
    return {layer.name: tuple(layer.output.shape[1:]) for layer in model.layers}


def test_every_layer_has_the_published_number_of_weights(model):
    from calnet_ops.science.network.calnet import N_PARAMETER

    counted = {layer.name: layer.count_params() for layer in model.layers if layer.weights}
    assert counted == PARAMETERS
    assert model.count_params() == N_PARAMETER == 8_737_163


def test_branches_have_the_published_shapes(keras, model):
    shapes = shapes_of(keras, model)
    assert shapes["flux_attention_64"] == (1000, 64)
    assert shapes["flux_attention_128"] == (250, 128)
    assert shapes["flux_attention_256"] == (62, 256)
    assert shapes["power_attention_32"] == (250, 32)
    assert shapes["power_attention_64"] == (62, 64)
    assert shapes["flux_steps"] == shapes["power_twice_steps"] == (7936,)
    assert shapes["probability"] == (2,)


@pytest.mark.parametrize(("spread", "rounding"), [(1, 1e-5), (8, 1e-4)])
def test_pooling_first_is_the_same_function(keras, model, segments, spread, rounding):
    from calnet_ops.science.network.calnet import rebuild

    # Weights wider than fresh ones bring the gates away from where they start, and round more.
    wide = rebuild(model)
    wide.set_weights([weight * spread for weight in model.get_weights()])
    published = rebuild(wide, "published")
    np.testing.assert_allclose(answer(wide, segments), answer(published, segments), atol=rounding)


def test_unrolled_steps_are_the_same_function(model, segments):
    from calnet_ops.science.network.calnet import rebuild

    unrolled = rebuild(model, lstm="unrolled")
    np.testing.assert_allclose(answer(unrolled, segments), answer(model, segments), atol=1e-6)


def test_a_channel_gate_lies_between_a_half_and_one(keras, model, segments):
    layer = model.get_layer("flux_attention_64")
    block = keras.Model(model.inputs, layer.input)(inputs(segments))
    gate = layer._channel_gate(block[:, 0], block[:, 1])
    assert 0.5 <= float(gate.numpy().min()) <= float(gate.numpy().max()) < 1


def test_only_one_tap_of_the_scalar_gate_sees_data(keras, model, segments):
    from calnet_ops.science.network.attention import SEEING_TAP
    from calnet_ops.science.network.calnet import rebuild

    published = rebuild(model, "published")
    before = answer(published, segments)
    for layer in published.layers:
        if "attention" in layer.name:
            kernel, offset = layer.scalar.get_weights()
            blind = np.arange(len(kernel)) != SEEING_TAP
            layer.scalar.set_weights([np.where(blind[:, None, None], 99.0, kernel), offset])
    np.testing.assert_array_equal(answer(published, segments), before)


def test_a_saved_network_scores_the_same(keras, model, segments, tmp_path):
    from calnet_ops.science.network.saved import scoring

    model.save(tmp_path / "calnet.keras")
    loaded = keras.saving.load_model(tmp_path / "calnet.keras")
    flux, power = segments
    np.testing.assert_allclose(
        scoring(loaded)(flux[:4], power[:4]), answer(model, segments)[:, 0], atol=1e-6
    )


def test_a_network_with_other_inputs_is_refused(keras):
    from calnet_ops.science.network.saved import scoring

    one = keras.Input((100, 1))
    with pytest.raises(WrongConfiguration, match="inputs"):
        scoring(keras.Model(one, keras.layers.Flatten()(one)))


def test_an_unknown_variant_is_refused():
    from calnet_ops.science.network.calnet import build

    with pytest.raises(WrongConfiguration, match="published or pooled"):
        build("quick")  # type: ignore[arg-type]


def test_the_export_scores_as_keras_does(graph, model, segments):
    from calnet_ops.science.network.export import AGREEMENT, check_export

    assert check_export(graph, model, *segments) <= AGREEMENT


@pytest.mark.parametrize("spread", [1, 4])
def test_what_production_scores_with_agrees_with_keras(model, segments, spread):
    from calnet_ops.science.network import forward
    from calnet_ops.science.network.calnet import rebuild
    from calnet_ops.science.network.export import to_weights
    from calnet_ops.science.network.weights import N_WEIGHT

    wide = rebuild(model, "published")
    wide.set_weights([weight * spread for weight in model.get_weights()])
    weights = to_weights(wide)
    assert sum(array.size for array in weights.values()) == N_WEIGHT
    found = forward.Scorer(weights).score(segments[0][:12], segments[1][:12])
    np.testing.assert_allclose(found, answer(wide, segments, 12)[:, 0], atol=1e-5)


def test_an_export_of_another_network_is_noticed(model, segments):
    from calnet_ops.science.network.export import check_export

    with pytest.raises(ExportDiffers, match="at most 1e-05"):
        check_export(tiny_graph(), model, *segments)


def test_the_same_network_gives_the_same_bytes(graph, model):
    from calnet_ops.science.network.calnet import rebuild
    from calnet_ops.science.network.export import to_litert

    assert to_litert(rebuild(model, "published")) == graph


def test_a_score_does_not_depend_on_its_neighbours(graph, segments):
    flux, power = segments
    scorer = Scorer(graph, n_thread=2)
    together = scorer.score(flux, power)
    np.testing.assert_array_equal(scorer.score(flux[5:8], power[5:8]), together[5:8])
    assert together.shape == (40,)
    assert together.dtype == np.float32


def test_the_tiny_graph_of_other_tests_is_of_this_form(keras, segments):
    flux, power = segments
    fresh = Scorer(make_tiny()).score(flux, power)
    np.testing.assert_array_equal(fresh, Scorer(tiny_graph()).score(flux, power))


@pytest.fixture(scope="module")
def samples():
    """Easy stars: box-like dips, or a slow wave."""
    from calnet_ops.science.network.samples import Samples

    rng = np.random.default_rng(3)
    time = np.arange(4000) / 4000
    flux, power = [], []
    is_eb = np.arange(48) % 2 == 0
    for eclipsing in is_eb:
        phase = (time * rng.uniform(5, 9) + rng.random()) % 1
        shape = 1.0 - (phase < 0.1) if eclipsing else 0.5 + 0.4 * np.sin(2 * np.pi * phase)
        flux.append(np.clip(shape + 0.02 * rng.standard_normal(4000), 0, 1))
        power.append(rng.random(1000) * 0.2)
    return Samples(np.array(flux, np.float32), np.array(power, np.float32), is_eb)


QUICK = replace(DEMO, n_epoch=2, batch=12)


@pytest.fixture
def make_small(keras):
    """A network with the same inputs and outputs, dropout included, that trains in no time."""

    def make():
        keras.utils.set_random_seed(5)
        flux, power = keras.Input((4000, 1)), keras.Input((1000, 1))
        narrow = [keras.layers.AveragePooling1D(100)(one) for one in (flux, power)]
        both = keras.layers.concatenate([keras.layers.Flatten()(one) for one in narrow])
        kept = keras.layers.Dropout(0.5)(keras.layers.Dense(8, activation="tanh")(both))
        return keras.Model([flux, power], keras.layers.Dense(2, activation="softmax")(kept))

    return make


def test_measured_first_weights_give_every_channel_mean_0_and_spread_1(keras, samples):
    from calnet_ops.science.network.calnet import build
    from calnet_ops.science.network.start import fit_start

    model = build()
    fit_start(model, samples, np.random.default_rng(1))
    layer = model.get_layer("flux_conv_128")
    seen = keras.Model(model.inputs, layer.input)(samples.inputs)
    kernel, offset = layer.get_weights()
    answers = np.asarray(keras.ops.conv(seen, kernel, padding="same")) + offset
    np.testing.assert_allclose(answers.mean(axis=(0, 1)), 0, atol=1e-2)
    np.testing.assert_allclose(answers.std(axis=(0, 1)), 1, atol=1e-2)


def test_the_network_learns_within_a_few_steps(samples):
    from calnet_ops.science.network.fit import train_fresh

    seen: list[Any] = []
    _, history = train_fresh(samples, samples, QUICK, seen.append)
    assert seen == history
    assert [one.epoch for one in history] == [1, 2]
    assert min(one.validation_loss for one in history) < 0.5


def test_training_can_be_repeated(make_small, samples):
    from calnet_ops.science.network.fit import fit

    one, other = make_small(), make_small()
    assert fit(one, samples, samples, QUICK) == fit(other, samples, samples, QUICK)
    for weight, same in zip(one.get_weights(), other.get_weights(), strict=True):
        np.testing.assert_array_equal(weight, same)


def test_gradients_in_pieces_are_those_of_the_whole_batch(make_small, samples, monkeypatch):
    from calnet_ops.science.network import backend
    from calnet_ops.science.network.fit import fit

    found, settings = [], replace(QUICK, batch=20, schedule="constant")
    # 48 segments: batches of 20, 20 and 8, as a whole and in ten pieces.
    for at_once in (20, 2):
        monkeypatch.setattr(backend, "LEARNED_AT_ONCE", at_once)
        model = make_small()
        steps: list[int] = []
        model.layers[-2].rate = 0.0  # what it drops depends on the pieces
        history = fit(model, samples, samples, settings, on_step=partial(steps.append, 1))
        assert len(steps) == 2 * 3
        found.append((model.get_weights(), history[-1].validation_loss))
    for one, other in zip(found[0][0], found[1][0], strict=True):
        np.testing.assert_allclose(one, other, atol=2e-5)
    assert found[0][1] == pytest.approx(found[1][1], rel=1e-4)


def test_the_best_epoch_is_kept_and_patience_ends_training(make_small, samples):
    from calnet_ops.science.network.fit import fit

    # A rate this high ruins the network sooner or later.
    wild = replace(QUICK, n_epoch=30, learning_rate=3.0, schedule="constant", patience=2)
    wild = replace(wild, n_kept_from=wild.n_epoch)
    model = make_small()
    history = fit(model, samples, samples, wild)
    output = np.asarray(model.predict(samples.inputs, verbose=0))
    right = np.clip((output * samples.target).sum(axis=1), 1e-7, 1)
    losses = [one.validation_loss for one in history]
    assert len(history) == int(np.argmin(losses)) + 1 + wild.patience < wild.n_epoch
    assert -np.log(right).mean() == pytest.approx(min(losses), rel=1e-4)


def test_only_the_last_epochs_compete_for_being_kept(make_small, samples):
    from calnet_ops.science.network.fit import fit

    # It gets worse and worse, but the first epochs are out of the competition.
    wild = replace(QUICK, n_epoch=4, learning_rate=3.0, schedule="constant", patience=1)
    model = make_small()
    history = fit(model, samples, samples, replace(wild, n_kept_from=1))
    output = np.asarray(model.predict(samples.inputs, verbose=0))
    right = np.clip((output * samples.target).sum(axis=1), 1e-7, 1)
    assert len(history) == 4
    assert -np.log(right).mean() == pytest.approx(history[-1].validation_loss, rel=1e-4)


def test_samples_of_unequal_length_are_refused(samples):
    from calnet_ops.science.network.samples import Samples

    with pytest.raises(WrongConfiguration, match="as many of each"):
        Samples(samples.flux, samples.power[:3], samples.is_eb)


def test_published_settings_are_the_published_ones():
    assert (PUBLISHED.batch, PUBLISHED.n_epoch, PUBLISHED.learning_rate) == (128, 30, 1e-3)
    assert PUBLISHED.amsgrad
    assert PUBLISHED.patience == PUBLISHED.n_epoch


def test_half_precision_holds_the_mean_of_bright_channels(keras):
    from calnet_ops.science.network.attention import AttentionPool
    from calnet_ops.science.network.backend import precision_of

    keras.utils.set_random_seed(1)
    block = np.full((1, 4000, 8), 40, np.float16)  # their sum is beyond what float16 can say
    with precision_of(replace(PUBLISHED, precision="mixed")):
        mixed = AttentionPool()
        found = mixed(block)
    exact = AttentionPool()
    exact.build(block.shape)
    exact.set_weights(mixed.get_weights())
    wanted = exact(block.astype(np.float32))
    np.testing.assert_allclose(np.asarray(found), np.asarray(wanted), rtol=0.01)
