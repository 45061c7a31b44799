import subprocess
from pathlib import Path

import pytest

from calnet_ops.adapters.checkout import commit_of


def git(folder: Path, *words: str) -> str:
    names = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "init.defaultBranch=main")
    done = subprocess.run(
        ("git", *names, *words), cwd=folder, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


@pytest.fixture
def checkout(tmp_path):
    folder = tmp_path / "checkout"
    folder.mkdir()
    git(folder, "init", "-q")
    git(folder, "commit", "-q", "--allow-empty", "-m", "first")
    return folder


def test_the_commit_of_a_branch_is_told(checkout):
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_packed_branches_are_found(checkout):
    git(checkout, "pack-refs", "--all")
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_a_detached_head_is_a_commit(checkout):
    git(checkout, "checkout", "-q", "--detach")
    assert commit_of(checkout) == git(checkout, "rev-parse", "HEAD")


def test_linked_worktrees_are_followed(checkout, tmp_path):
    git(checkout, "worktree", "add", "-q", str(tmp_path / "other"))
    assert commit_of(tmp_path / "other") == git(checkout, "rev-parse", "HEAD")


@pytest.mark.parametrize("head", ["", "ref: ../../etc/passwd", "ref: refs/heads/none", "12"])
def test_what_is_no_checkout_has_no_commit(tmp_path, head):
    assert commit_of(tmp_path) == ""
    (tmp_path / ".git").mkdir()
    (tmp_path / ".git" / "HEAD").write_text(head)
    assert commit_of(tmp_path) == ""
