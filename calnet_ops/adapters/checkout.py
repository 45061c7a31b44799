"""The git checkout that the code runs from, read without git."""

import re
from pathlib import Path

_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}").fullmatch
_REF = re.compile(r"refs/[\w./-]+").fullmatch


def commit_of(folder: Path) -> str:
    """Commit that is checked out in a folder; empty if it is no checkout.

    What has been changed since is not looked at.

    Parameters
    ----------
    folder
        Top of the checkout; linked worktrees are followed.
    """
    try:
        git = folder / ".git"
        if git.is_file():
            git = folder / git.read_text().removeprefix("gitdir:").strip()
        head = (git / "HEAD").read_text().strip()
        if not head.startswith("ref:"):
            return head if _COMMIT(head) else ""
        ref = head.removeprefix("ref:").strip()
        common = git / "commondir"
        shared = git / common.read_text().strip() if common.is_file() else git
        return _resolve(ref, git, shared) if _REF(ref) else ""
    except OSError:
        return ""


def _resolve(ref: str, *folders: Path) -> str:
    """Commit of a branch, from a file of its own or the list of packed ones."""
    for folder in folders:
        file, packed = folder / ref, folder / "packed-refs"
        if file.is_file():
            return file.read_text().strip()
        lines = packed.read_text().splitlines() if packed.is_file() else []
        for line in lines:
            commit, _, name = line.partition(" ")
            if name == ref and _COMMIT(commit):
                return commit
    return ""
