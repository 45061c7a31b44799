"""The page for newcomers tells the truth about where things are."""

import re
from pathlib import Path

PROJECT = Path(__file__).parents[1]
NOT_YET = {"science/features/v3.py", "dags/<verb>_<noun>.py"}


def _named_paths():
    words = re.findall(r"`([\w/.<>-]+\.(?:py|json|md))`", (PROJECT / "CONTRIBUTING.md").read_text())
    return [word for word in words if "<" not in word and word not in NOT_YET]


def test_every_file_that_the_table_names_exists():
    for name in _named_paths():
        places = [
            PROJECT / name,
            PROJECT / "calnet_ops" / name,
            PROJECT / "calnet_ops/science" / name.split("/")[-1],
        ]
        found = [place for place in places if place.is_file()] or list(
            (PROJECT / "calnet_ops").rglob(name)
        )
        assert found, name


def test_both_commands_of_the_readme_are_targets_of_the_makefile():
    readme, makefile = ((PROJECT / name).read_text() for name in ("README.md", "Makefile"))
    for target in ("demo", "test"):
        assert f"make {target}" in readme
        assert f"\n{target}:" in makefile
