"""Files that never come whole, and an archive that is down: the real client and its breaker."""

from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, cast

import pytest
from typing_extensions import override

from calnet_ops.adapters.archive import Throttle
from calnet_ops.adapters.archive.client import open_client
from calnet_ops.adapters.archive.mast import MastArchive
from calnet_ops.adapters.archive.retry import Patience
from calnet_ops.errors import ArchiveUnavailable
from calnet_ops.platform import Platform
from calnet_ops.simulator.faults import NEVER_WHOLE, Fate, Faults
from calnet_ops.simulator.faulty_mirror import FaultyMirror
from calnet_ops.steps import ingest
from calnet_ops.steps.listing import list_now
from tests.support.memory_store import MemoryStore
from tests.support.mirrors import serving
from tests.support.plans import plan_now
from tests.support.platforms import make_platform
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

PATIENCE = Patience(first_s=0.001)


class Chosen(Faults):
    """Faults of some files by name."""

    fates: dict[str, Fate]

    @override
    def fate_of(self, file_name: str) -> Fate:
        """As chosen."""
        return self.fates.get(file_name, Fate.SOUND)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@dataclass
class Scene:
    """A sector at an archive that never serves some files, and what a task needs."""

    mirror: FaultyMirror
    platform: Platform

    def pull(self) -> list[dict[str, Any]]:
        """Pull the one shard in a process of its own, with a breaker that knows nothing."""
        url = self.mirror.url
        with open_client([url], "", read_s=2) as client:
            archive = MastArchive(client, url, url, PATIENCE, pace=Throttle(1e6))
            self.platform.__dict__["archive"] = archive
            list_now(87, self.platform)
            (shard,) = plan_now(87, self.platform)
            self.mirror.asked.clear()
            tally = ingest.ingest_shard(shard, self.platform)
        return self.platform.store.load_table(tally["manifest"]).to_pylist()

    def lose(self, *folders: str) -> None:
        """Be killed before something was written."""
        objects = cast("MemoryStore", self.platform.store).objects
        for key in [key for key in objects if key.startswith(folders)]:
            del objects[key]


def _scene(stack: ExitStack, folder: Path, n_file: int, fates: dict[int, Fate]) -> Scene:
    (folder / "s087").mkdir()
    for tic in range(1, n_file + 1):
        (folder / "s087" / spoc_name(tic)).write_bytes(_body(tic))
    faults = Chosen(fates={spoc_name(tic): fate for tic, fate in fates.items()})
    mirror = FaultyMirror(folder, faults, takes_notes=True)
    stack.enter_context(serving(mirror))
    return Scene(mirror, make_platform(folder, mirror.url))


@cache
def _body(tic: int) -> bytes:
    return spoc_bytes(spoc_arrays(40, gap=None), tic=tic)


FATES = [Fate.ALWAYS_500, Fate.ALWAYS_RESET, Fate.ALWAYS_CUT]


@pytest.mark.parametrize("n_bad", [1, 2, 3, 9])
@pytest.mark.parametrize("fate", FATES)
@pytest.mark.parametrize("n_file", [10, 100])
def test_files_that_never_come_whole_do_not_hold_up_the_others(
    stack, tmp_path, n_file, fate, n_bad
):
    fates = dict.fromkeys(range(1, n_bad + 1), fate)
    scene = _scene(stack, tmp_path, n_file, fates)
    rows = scene.pull()
    _check(rows, fates)
    assert len(scene.mirror.asked) < 2.5 * n_file + 21 * n_bad
    scene.lose("manifest/s087/", "statistics/")  # killed before it was written
    _check(scene.pull(), fates)


def test_more_files_that_are_never_served_than_the_breaker_bears(stack, tmp_path):
    fates = {tic: FATES[tic % 2] for tic in range(1, 100, 4)}
    scene = _scene(stack, tmp_path, 100, fates)
    for _ in range(2):
        _check(scene.pull(), fates)
        scene.lose("manifest/s087/", "statistics/")
        bad = {spoc_name(tic) for tic in fates}
        counts = Counter(asked.url.file_name for asked in scene.mirror.asked).items()
        assert max(count for name, count in counts if name in bad) <= 2 * PATIENCE.n_try


def _check(rows: list[dict[str, Any]], fates: dict[int, Fate]) -> None:
    """All is stored but the files with a fate, of which nothing is known for sure."""
    for tic, row in enumerate(rows, 1):
        reason = NEVER_WHOLE[fates[tic]] if tic in fates else ""
        trust = "suspect" if tic in fates else "sound"
        assert (row["reason"], row["trust"]) == (reason, trust), row


@pytest.mark.parametrize("n_held", [0, 8])
def test_archive_that_is_down_fails_the_task_soon(stack, tmp_path, n_held):
    scene = _scene(stack, tmp_path, 10 if n_held else 100, {})
    if n_held:  # all but two are in the store
        scene.pull()
        scene.lose("manifest/s087/", "statistics/", *_raw(scene)[n_held:])
    down = {tic: FATES[tic % 2] for tic in range(1, 101)}
    faults = Chosen(fates={spoc_name(tic): fate for tic, fate in down.items()})
    scene.mirror.faults = faults
    with pytest.raises(ArchiveUnavailable):
        scene.pull()
    assert len(scene.mirror.asked) < 120


def _raw(scene: Scene) -> list[str]:
    return sorted(scene.platform.store.iter_keys("tess/"))
