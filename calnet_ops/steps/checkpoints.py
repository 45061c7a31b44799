"""States of a training in the store, so that one that was killed goes on where it was."""

import time
from collections.abc import Callable
from datetime import timedelta

import structlog

from calnet_ops import keys
from calnet_ops.adapters.store import Store
from calnet_ops.errors import KeyTaken
from calnet_ops.platform import Platform

KEPT_AFTER_S = 300.0
"""Seconds between two states: what a kill may cost. A state of the published network has 210 MB and
takes a second or two to keep. The demo's training ends before there is one."""

GIVEN_UP_AFTER = timedelta(days=30)
"""Age of a state that nobody takes up again: a month's labels have made another data set since."""

log = structlog.get_logger()


def forget_given_up(lineage: str, platform: Platform) -> None:
    """Remove old states of other trainings, which were killed and not begun again.

    Parameters
    ----------
    lineage
        Of the training that begins: its own states stay, whatever their age.
    """
    store, begun = platform.store, platform.now() - GIVEN_UP_AFTER
    for key, written in list(store.iter_written(keys.TRAININGS)):
        if written < begun and not key.startswith(keys.training_states(lineage)):
            store.remove(key)
            log.info("training_state_removed", key=key, written=f"{written:%Y-%m-%d}")


class StoredCheckpoints:
    """States of one training, named by its lineage and the epoch.

    They are no results: `forget` takes them away when there is one.

    Parameters
    ----------
    lineage
        Of the training: data set, settings and code.
    """

    def __init__(self, lineage: str, store: Store) -> None:
        self._lineage = lineage
        self._store = store
        self._kept_at = time.monotonic()

    def newest(self) -> bytes | None:
        """The latest state, if this training has been begun before."""
        held = self._keys()
        return self._store.load(held[-1]) if held else None

    def offer(self, epoch: int, state: Callable[[], bytes]) -> None:
        """Keep the state after an epoch if it is time, and let go of older ones."""
        if time.monotonic() - self._kept_at < KEPT_AFTER_S:
            return
        key = keys.training_state(self._lineage, epoch)
        try:
            self._store.save_new(key, state())
        except KeyTaken:
            # The same training runs elsewhere as well, on a machine that rounds differently.
            log.warning("training_state_taken", key=key)
        for old in self._keys()[:-1]:
            self._store.remove(old)
        self._kept_at = time.monotonic()

    def forget(self) -> None:
        """Remove all states."""
        for key in self._keys():
            self._store.remove(key)

    def _keys(self) -> list[str]:
        return list(self._store.iter_keys(keys.training_states(self._lineage)))
