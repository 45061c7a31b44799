"""Train a network: batches, steps, and which epoch to keep."""

import math
from collections.abc import Callable, Iterator
from typing import Any

import keras
import numpy as np

from calnet_ops.science.network.backend import (
    compiles_whole,
    keep_all_digits,
    pieces_of_batch,
    precision_of,
)
from calnet_ops.science.network.batches import Batch, iter_epoch, iter_in_order, iter_pieces
from calnet_ops.science.network.learner import as_it_learns
from calnet_ops.science.network.samples import Floats, Segments, wanted_outputs
from calnet_ops.science.network.settings import Settings
from calnet_ops.science.network.start import fit_start
from calnet_ops.science.network.state import Checkpoints, Epoch, pack_state, restore_state
from calnet_ops.science.network.variants import build_network

LOWEST_RATE = 0.02
"""Where "one_hill" ends, as a share of its top."""

RISE = 0.1
"""Share of the steps in which "one_hill" climbs, from this share of its top."""

JUDGED_AT_ONCE = 64
"""Segments a step when there is nothing to learn from them; memory stays below 100 MB."""

OnEpoch = Callable[[Epoch], None]
"""Called after each epoch."""

OnStep = Callable[[], None]
"""Called after each batch."""


def train_fresh(
    samples: Segments,
    validation: Segments,
    settings: Settings,
    on_epoch: OnEpoch | None = None,
    *,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
) -> tuple[keras.Model, list[Epoch]]:
    """Build a network and train it, see `fit`; it comes back in float32."""
    keep_all_digits()
    keras.utils.set_random_seed(settings.seed)
    with precision_of(settings):
        model = build_network(settings.network)
    state = None if checkpoints is None else checkpoints.newest()
    if settings.start == "measured" and state is None:
        fit_start(model, samples, np.random.default_rng(settings.seed))
    history = fit(
        model,
        samples,
        validation,
        settings,
        on_epoch,
        on_step=on_step,
        checkpoints=checkpoints,
        state=state,
    )
    if model.dtype_policy.compute_dtype != "float32":
        exact = build_network(settings.network)
        exact.set_weights(model.get_weights())
        return exact, history
    return model, history


def fit(
    model: keras.Model,
    samples: Segments,
    validation: Segments,
    settings: Settings,
    on_epoch: OnEpoch | None = None,
    *,
    on_step: OnStep | None = None,
    checkpoints: Checkpoints | None = None,
    state: bytes | None = None,
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
    on_epoch, on_step
        Told about every epoch, and every batch, as it ends.
    checkpoints
        Where states are kept after epochs.
    state
        One of these states, to go on from: to the same weights in the end.

    Returns
    -------
    history
        All epochs; the one kept has the lowest validation loss of those that compete.
    """
    n_step = math.ceil(len(samples.is_eb) / settings.batch) * pieces_of_batch(settings)
    learner = as_learner(model, settings, n_step)
    keeper = _Keeper(model, validation, settings, checkpoints, on_epoch, on_step)
    if state is not None:
        keeper.history, keeper.best_weights = restore_state(learner, state)
    n_done = len(keeper.history)
    for step in range(n_done * n_step):
        keeper.on_train_batch_end(step)
    if not keeper.is_over:
        learner.fit(
            _iter_epochs(samples, settings, n_done),
            steps_per_epoch=n_step,
            initial_epoch=n_done,
            epochs=settings.n_epoch,
            callbacks=[keeper],
            shuffle=False,
            verbose=0,
        )
    model.set_weights(keeper.best_weights)
    return keeper.history


def as_learner(model: keras.Model, settings: Settings, n_step: int) -> keras.Model:
    """The network compiled for training: its own weights, without its softmax.

    Parameters
    ----------
    n_step
        Pieces of batches in an epoch, for the learning rate.
    """
    learner = as_it_learns(model)
    learner.compile(
        optimizer=_optimizer(settings, n_step),
        loss=keras.losses.BinaryCrossentropy(
            from_logits=True, label_smoothing=settings.label_smoothing
        ),
        jit_compile=compiles_whole(),
    )
    return learner


def _iter_epochs(samples: Segments, settings: Settings, n_done: int) -> Iterator[Batch]:
    for epoch in range(n_done, settings.n_epoch):
        for batch in iter_epoch(samples, settings, epoch):
            yield from iter_pieces(batch, pieces_of_batch(settings))


class _Keeper(keras.callbacks.Callback):
    """Judges every epoch, keeps the best weights, and ends training when it gets no better."""

    def __init__(
        self,
        network: keras.Model,
        validation: Segments,
        settings: Settings,
        checkpoints: Checkpoints | None,
        on_epoch: OnEpoch | None,
        on_step: OnStep | None,
    ) -> None:
        super().__init__()
        self._network = network
        self._n_piece = pieces_of_batch(settings)
        self._validation = validation
        self._settings = settings
        self._checkpoints = checkpoints
        self._on_epoch = on_epoch
        self._on_step = on_step
        self.history: list[Epoch] = []
        self.best_weights: list[Any] = []

    @property
    def is_over(self) -> bool:
        """Whether there is nothing more to be had."""
        if not self.history or not self._competing:
            return False
        best = min(self.history, key=lambda one: one.validation_loss)
        n_epoch = self.history[-1].epoch
        return n_epoch == self._settings.n_epoch or n_epoch - best.epoch >= self._settings.patience

    @property
    def _competing(self) -> list[Epoch]:
        return self.history[max(0, self._settings.n_epoch - self._settings.n_kept_from) :]

    def on_train_batch_end(self, batch: int, logs: dict[str, float] | None = None) -> None:
        """Tell that a batch is done, with its last piece."""
        del logs
        if self._on_step is not None and (batch + 1) % self._n_piece == 0:
            self._on_step()

    def on_epoch_end(self, epoch: int, logs: dict[str, float] | None = None) -> None:
        """Judge the epoch."""
        right = np.clip(self._right(), keras.config.epsilon(), 1)
        now = Epoch(
            epoch=epoch + 1,
            loss=float((logs or {})["loss"]),
            validation_loss=float(-np.log(right).mean()),
            validation_accuracy=float((right > 0.5).mean()),  # noqa: PLR2004 - two outputs
        )
        self.history.append(now)
        competing = self._competing
        if competing and now is min(competing, key=lambda one: one.validation_loss):
            self.best_weights = self._network.get_weights()
        self.model.stop_training = self.is_over
        if self._on_epoch is not None:
            self._on_epoch(now)
        if self._checkpoints is not None:
            self._checkpoints.offer(
                now.epoch, lambda: pack_state(self.model, self.history, self.best_weights)
            )

    def _right(self) -> Floats:
        """Probability that the network gives to what each validation segment is."""
        outputs = [
            self._network.predict_on_batch([flux[..., None], power[..., None]])
            for flux, power in iter_in_order(self._validation, JUDGED_AT_ONCE)
        ]
        is_eb = self._validation.is_eb
        output = np.concatenate(outputs)[: len(is_eb)]
        return np.asarray((output * wanted_outputs(is_eb)).sum(axis=1), np.float32)


def _optimizer(settings: Settings, n_step: int) -> keras.optimizers.Optimizer:
    """Adam, with the learning rate that the settings ask for; a step is a piece of a batch."""
    n_piece = pieces_of_batch(settings)
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
    return keras.optimizers.Adam(
        rate,
        amsgrad=settings.amsgrad,
        gradient_accumulation_steps=n_piece if n_piece > 1 else None,
    )
