"""Scratch folders of trainings: those of killed ones go when the next one begins."""

import fcntl
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import structlog

PREFIX = "training-"
"""Of their names."""

OWNER = "owner"
"""File that a training holds locked as long as it runs: the kernel frees it, however the process
ends. A number would not tell: in another container, or later, it is another process's."""

UNOWNED_AFTER_S = 24 * 3600.0
"""Age from which a folder without that file is nobody's: one is made so, and locked at once."""

log = structlog.get_logger()


@contextmanager
def scratch_folder(work: Path) -> Iterator[Path]:
    """Make a folder that lasts as long as the block; what killed trainings left is removed.

    Parameters
    ----------
    work
        Where; several processes may use it.
    """
    for left in filter(_is_left, sorted(work.glob(f"{PREFIX}*"))):
        shutil.rmtree(left, ignore_errors=True)
        log.info("scratch_removed", folder=left.name)
    with TemporaryDirectory(prefix=PREFIX, dir=work) as name, Path(name, OWNER).open("w") as owner:
        fcntl.flock(owner, fcntl.LOCK_EX)
        yield Path(name)


def _is_left(folder: Path) -> bool:
    """Whether nobody is at work in it any more."""
    try:
        with (folder / OWNER).open() as owner:
            fcntl.flock(owner, fcntl.LOCK_SH | fcntl.LOCK_NB)
            return True
    except FileNotFoundError:
        return folder.exists() and time.time() - folder.stat().st_mtime > UNOWNED_AFTER_S
    except OSError:  # somebody holds it, or it is of another user
        return False
