"""Bad days made from a seed: which files there are, and what goes wrong with them."""

import random
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cache
from pathlib import Path
from typing import TypeVar

from calnet_ops.simulator.damage import fast_name, hlsp_name, other_stamp
from calnet_ops.simulator.faults import NEVER_WHOLE, Fate, Faults, Lie, Ranged, Trouble
from tests.support.spoc_files import spoc_arrays, spoc_bytes, spoc_name

Kind = TypeVar("Kind", bound=StrEnum)

FIRST_TIC = 900_000_000_001
N_ROW = 40
"""Rows of a file: 20 kB, with which headers, tables and blocks are all there."""

MOST_FILES = 12
FEWEST = 4
"""Of a sector, so that its script can grow at each of three polls."""


@dataclass(frozen=True)
class Mix:
    """A bad day."""

    seed: int
    files: dict[int, dict[str, bytes]]
    """What the folder holds for each sector, by file name."""
    refused: dict[str, str] = field(default_factory=dict)
    """Reason of each file that its name alone gives away."""
    faults: Faults = field(default_factory=Faults)
    ask_second: bool = True
    """Whether the client knows the second source."""

    def lay_out(self, folder: Path) -> None:
        """Write the files as a mirror serves them."""
        for sector, files in self.files.items():
            place = folder / f"s{sector:03d}"
            place.mkdir(parents=True)
            for name, body in files.items():
                (place / name).write_bytes(body)


def make_mix(seed: int) -> Mix:
    """The bad day of a seed."""
    rng = random.Random(seed)
    sectors = rng.choice([(87,), (87,), (87,), (86, 87)])
    files: dict[int, dict[str, bytes]] = {}
    refused: dict[str, str] = {}
    for sector in sectors:
        n_file = max(FEWEST, rng.randint(6, MOST_FILES) // len(sectors))
        numbers = rng.sample(range(MOST_FILES), n_file)
        files[sector] = {
            spoc_name(FIRST_TIC + number, sector): _body(number, sector) for number in numbers
        }
        refused |= _strangers(rng, files[sector])
    faults, ask_second = _troubles(rng, seed)
    wanted = [[name for name in names if name not in refused] for names in files.values()]
    return Mix(seed, files, refused, _giving_some(faults, wanted), ask_second)


def plain_files(sector: int, n_file: int) -> dict[str, bytes]:
    """Sound light curves by name."""
    return {spoc_name(FIRST_TIC + n, sector): _body(n, sector) for n in range(n_file)}


def _giving_some(faults: Faults, sectors: list[list[str]]) -> Faults:
    """The same, but an archive that gives no file of a sector is down, and ingest has no end."""
    if all(any(faults.fate_of(name) not in NEVER_WHOLE for name in names) for names in sectors):
        return faults
    files = {fate: share for fate, share in faults.files.items() if fate not in NEVER_WHOLE}
    return faults.model_copy(update={"files": files})


def _troubles(rng: random.Random, seed: int) -> tuple[Faults, bool]:
    ask_second = rng.random() < 0.7
    down = ask_second and rng.random() < 0.25
    heavy = rng.random() < 0.2
    second_kinds = [Trouble.S500, Trouble.S503, Trouble.RESET, Trouble.SHORT]
    faults = Faults(
        seed=seed,
        trouble=_shares(rng, list(Trouble), 0.7 if heavy else 0.3),
        max_per_url=rng.randint(1, 4),
        ranged=_shares(rng, list(Ranged), 0.8),
        lies=_shares(rng, list(Lie), rng.choice([0.0, 0.3, 0.6])),
        # a client that looks twice and has nobody else to ask has to believe the same lie
        lies_in_a_row=2 if ask_second and not down and rng.random() < 0.3 else 1,
        files=_shares(rng, list(set(Fate) - {Fate.SOUND}), rng.choice([0, 0.2, 0.5])),
        redelivered_after=rng.randint(0, 2),
        growing_for=rng.choice([0, 0, 1, 3]),
        no_links_for=rng.choice([0, 0, 0, 2]),
        second_is_down=down,
        second_trouble=_shares(rng, second_kinds, 0.2) if rng.random() < 0.3 else {},
        redirect_status=rng.choice([301, 302, 303, 307, 308]),
        retry_after_s=rng.choice([0, 0, 3600]),
        stall_s=1.0,
        drip_s=0.04,
    )
    return faults, ask_second


def _shares(rng: random.Random, kinds: list[Kind], most: float) -> dict[Kind, float]:
    """Some kinds, with shares that add up to at most `most`."""
    some = rng.sample(sorted(kinds), rng.randint(1, len(kinds)))
    weights = [rng.random() for _ in some]
    scale = most * rng.random() / sum(weights)
    return {kind: scale * w for kind, w in zip(some, weights, strict=True) if most}


def _strangers(rng: random.Random, files: dict[str, bytes]) -> dict[str, str]:
    """Add, at times, files that are listed and do not belong; why not, by name."""
    name, body = next(iter(files.items()))
    reasons = {}
    for make, reason in (
        (fast_name, "foreign product"),
        (hlsp_name, "foreign product"),
        (other_stamp, "duplicate target"),
        (_of_another_sector, "of another sector"),
    ):
        if rng.random() < 0.15:
            files[make(name)] = body
            reasons[make(name)] = reason
    return reasons


def _of_another_sector(name: str) -> str:
    return name.replace("-s0087-", "-s0042-").replace("-s0086-", "-s0041-")


@cache
def _body(number: int, sector: int) -> bytes:
    arrays = spoc_arrays(N_ROW, gap=None)
    arrays["PDCSAP_FLUX"] = arrays["PDCSAP_FLUX"] + number
    return spoc_bytes(arrays, tic=FIRST_TIC + number, sector=sector)
