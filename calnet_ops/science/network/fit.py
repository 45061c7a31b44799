"""Train CALNet: batches, steps, and which epoch to keep."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import keras
import numpy as np
import numpy.typing as npt

from calnet_ops.science.network.samples import Floats, Samples
from calnet_ops.science.network.settings import Settings
from calnet_ops.science.network.start import fit_start
from calnet_ops.science.network.variants import build_network

LOWEST_RATE = 0.02
"""Where "one_hill" ends, as a share of its top."""

RISE = 0.1
"""Share of the steps in which "one_hill" climbs, from this share of its top."""

JUDGED_AT_ONCE = 64
"""Segments a step when there is nothing to learn from them; memory stays below 100 MB."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """How far training has come."""

    epoch: int
    """1, 2, …"""
    loss: float
    """Cross-entropy of the segments learned from, while learning, dropout included."""
    validation_loss: float
    """Cross-entropy of the validation segments after the epoch."""
    validation_accuracy: float
    """Share of the validation segments on their right side of 0.5."""


OnEpoch = Callable[[Epoch], None]
"""Called after each epoch."""


def train_fresh(
    samples: Samples, validation: Samples, settings: Settings, on_epoch: OnEpoch | None = None
) -> tuple[keras.Model, list[Epoch]]:
    """Build a network and train it, see `fit`."""
    _keep_all_digits()
    keras.utils.set_random_seed(settings.seed)
    model = build_network(settings.network)
    if settings.start == "measured":
        fit_start(model, samples, np.random.default_rng(settings.seed))
    return model, fit(model, samples, validation, settings, on_epoch)


def _keep_all_digits() -> None:
    """Multiply in float32 on a GPU as well.

    TensorFlow would drop 13 of 23 bits there, and no export would agree with that to 1e-5.
    """
    import tensorflow as tf

    tf.config.experimental.enable_tensor_float_32_execution(enabled=False)


def fit(
    model: keras.Model,
    samples: Samples,
    validation: Samples,
    settings: Settings,
    on_epoch: OnEpoch | None = None,
) -> list[Epoch]:
    """Train a network in place, and leave it with the weights of its best epoch.

    Parameters
    ----------
    model
        A network of `variants.build_network`.
    samples
        Segments to learn from.
    validation
        Segments of other stars, which decide when to stop and which epoch to keep.
    settings
        How to train; the same settings give the same model on the same machine.
    on_epoch
        Told about every epoch as it ends.

    Returns
    -------
    history
        All epochs; the one kept has the lowest validation loss of those that compete.
    """
    batches = Batches(samples, settings)
    model.compile(
        optimizer=_optimizer(settings, len(batches)),
        loss=keras.losses.BinaryCrossentropy(label_smoothing=settings.label_smoothing),
        jit_compile=False,
    )
    keeper = _Keeper(validation, settings, on_epoch)
    model.fit(batches, epochs=settings.n_epoch, callbacks=[keeper], shuffle=False, verbose=0)
    model.set_weights(keeper.best_weights)
    return keeper.history


class Batches(keras.utils.PyDataset):
    """Segments in an order of their own in each epoch, some of them backwards in time."""

    def __init__(self, samples: Samples, settings: Settings) -> None:
        super().__init__()
        self._samples = samples
        self._settings = settings
        self._rng = np.random.default_rng([settings.seed, 1])
        self.on_epoch_end()

    def __len__(self) -> int:
        return math.ceil(len(self._samples.is_eb) / self._settings.batch)

    def __getitem__(self, index: int) -> tuple[tuple[Floats, Floats], Floats]:
        size = self._settings.batch
        chosen = self._order[index * size : (index + 1) * size]
        part = self._samples.take(chosen)
        flux = np.where(self._reversed[chosen, None], part.flux[:, ::-1], part.flux)
        flux = change_length(flux, self._start[chosen], self._length[chosen])
        return (flux[..., None], part.power[..., None]), part.target

    def on_epoch_end(self) -> None:
        """Draw the order and the reversals of the next epoch."""
        n_segment = len(self._samples.is_eb)
        self._order = self._rng.permutation(n_segment)
        self._reversed = self._rng.random(n_segment) < self._settings.reversed_share
        low, high = np.log(self._settings.shortest), np.log(self._settings.longest)
        self._length = np.exp(self._rng.uniform(low, high, n_segment))
        self._start = self._rng.random(n_segment) * np.abs(1 - self._length)


def change_length(
    flux: Floats, start: npt.NDArray[np.float64], length: npt.NDArray[np.float64]
) -> Floats:
    """Show segments as if they were shorter or longer, again with all samples.

    A piece is stretched to the range of the whole. Features v1 fill 0..1 always, so it does as
    well; v2 leave a star on which nothing happens at a part of it.

    Parameters
    ----------
    flux
        (n_segment, n_sample) in 0..1.
    start, length
        (n_segment,) Where the new segments begin and how long they are, in units of the old.
        What reaches beyond the old one is its mirror image.
    """
    if np.all(length == 1):
        return flux
    n_sample = flux.shape[1]
    reach = (start[:, None] + length[:, None] * np.linspace(0, 1, n_sample)) % 2
    place = np.minimum(reach, 2 - reach) * (n_sample - 1)
    left = np.minimum(place.astype(np.intp), n_sample - 2)
    before = np.take_along_axis(flux, left, axis=1)
    after = np.take_along_axis(flux, left + 1, axis=1)
    piece = before + (place - left) * (after - before)
    low, high = piece.min(axis=1, keepdims=True), piece.max(axis=1, keepdims=True)
    spread = np.where(high > low, high - low, 1)
    bottom, top = flux.min(axis=1, keepdims=True), flux.max(axis=1, keepdims=True)
    return (bottom + (piece - low) / spread * (top - bottom)).astype(np.float32)


class _Keeper(keras.callbacks.Callback):
    """Judges every epoch, keeps the best weights, and ends training when it gets no better."""

    def __init__(self, validation: Samples, settings: Settings, on_epoch: OnEpoch | None) -> None:
        super().__init__()
        self._validation = validation
        self._settings = settings
        self._on_epoch = on_epoch
        self.history: list[Epoch] = []
        self.best_weights: list[Any] = []

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge the epoch."""
        output = self.model.predict(self._validation.inputs, batch_size=JUDGED_AT_ONCE, verbose=0)
        target = self._validation.target
        right = np.clip((output * target).sum(axis=1), keras.config.epsilon(), 1)
        now = Epoch(
            epoch=epoch + 1,
            loss=float((logs or {})["loss"]),
            validation_loss=float(-np.log(right).mean()),
            validation_accuracy=float((right > 0.5).mean()),  # noqa: PLR2004 - two outputs
        )
        self.history.append(now)
        competing = self.history[max(0, self._settings.n_epoch - self._settings.n_kept_from) :]
        if competing and now is min(competing, key=lambda one: one.validation_loss):
            self.best_weights = self.model.get_weights()
        best = min(self.history, key=lambda one: one.validation_loss)
        if now.epoch - best.epoch >= self._settings.patience and competing:
            self.model.stop_training = True
        if self._on_epoch is not None:
            self._on_epoch(now)


def _optimizer(settings: Settings, n_step: int) -> keras.optimizers.Optimizer:
    """Adam, with the learning rate that the settings ask for."""
    rate: float | keras.optimizers.schedules.LearningRateSchedule = settings.learning_rate
    if settings.schedule == "one_hill":
        total = n_step * settings.n_epoch
        rise = max(1, round(RISE * total))
        rate = keras.optimizers.schedules.CosineDecay(
            RISE * settings.learning_rate,
            decay_steps=max(1, total - rise),
            alpha=LOWEST_RATE,
            warmup_target=settings.learning_rate,
            warmup_steps=rise,
        )
    return keras.optimizers.Adam(rate, amsgrad=settings.amsgrad)
