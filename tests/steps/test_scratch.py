"""Scratch folders of trainings: of those that were killed, and of those that run."""

import os
import subprocess
import sys
import time

from calnet_ops.steps.scratch import UNOWNED_AFTER_S, scratch_folder

TRAINING = """
import sys, time
from pathlib import Path
from calnet_ops.steps.scratch import scratch_folder
with scratch_folder(Path(sys.argv[1])) as folder:
    (folder / "train").mkdir()
    (folder / "train" / "00000.npy").write_bytes(b"segments")
    print(folder.name, flush=True)
    time.sleep(60)
"""


def test_what_a_killed_training_left_goes_when_the_next_begins(tmp_path):
    command = [sys.executable, "-c", TRAINING, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as training:
        assert training.stdout
        left = tmp_path / training.stdout.readline().strip()
        with scratch_folder(tmp_path):
            assert (left / "train" / "00000.npy").exists()  # it runs
        training.kill()
    assert left.exists()
    with scratch_folder(tmp_path) as mine:
        assert list(tmp_path.iterdir()) == [mine]
    assert not list(tmp_path.iterdir())


def test_folders_without_an_owner_go_when_they_are_old(tmp_path):
    """As earlier versions left them. A young one may be one that is being made."""
    for name in ("training-young", "training-old", "pages"):
        (tmp_path / name).mkdir()
    past = time.time() - UNOWNED_AFTER_S - 60
    os.utime(tmp_path / "training-old", (past, past))
    os.utime(tmp_path / "pages", (past, past))
    with scratch_folder(tmp_path):
        pass
    assert {folder.name for folder in tmp_path.iterdir()} == {"training-young", "pages"}
