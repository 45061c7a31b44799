"""Whatever is wrong with a FITS file, reading it ends in a value or a named reason, and soon."""

import os
import time
from collections import Counter
from functools import partial
from pathlib import Path

import pyarrow as pa
import pytest

from calnet_ops.science.checks.statistics import COLUMNS, file_statistics
from calnet_ops.science.lightcurve import spoc
from calnet_ops.science.lightcurve.light_curve import LightCurve
from calnet_ops.science.lightcurve.readers import read_any
from tests.support.mutations import Mutator, outcome, shorten

N_MUTATION = int(os.environ.get("CALNET_N_MUTATION", "2400"))
"""More by hand: CALNET_N_MUTATION=100000."""

SLOWEST_S = 10.0
"""CPU time of a file [s]: milliseconds, and a second or two if machine code is compiled first; a
loop that a damaged file can drive would take minutes."""


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Readers of tables load astropy and Arrow when first used, which takes its time."""
    for body in (b"time,flux\n1,2\n2,3\n", b"PAR1"):
        outcome(partial(read_any, "file", body))


def statistics(light_curve: LightCurve) -> None:
    pa.Table.from_pylist([file_statistics(light_curve)], schema=COLUMNS)


def judge(name: str, body: bytes) -> tuple[str, str, str]:
    """What comes of a file by each way to read one."""
    began = time.process_time()
    believed = outcome(lambda: statistics(spoc.verify_and_read(name, body)[1]))
    found = (
        believed,
        outcome(lambda: spoc.read(body)),
        outcome(lambda: statistics(read_any("file", body))),
    )
    assert time.process_time() - began < SLOWEST_S
    return found


def fuzz(bodies: list[tuple[str, bytes]], n_mutation: int) -> Counter[tuple[str, str, str]]:
    """Outcomes of so many mutations of some files; the one at fault is named by its number."""
    found: Counter[tuple[str, str, str]] = Counter()
    share = -(-n_mutation // len(bodies))
    for seed, (name, body) in enumerate(bodies):
        mutator = Mutator(body, seed)
        for number in range(share):
            try:
                found[judge(name, mutator.version(number))] += 1
            except BaseException as error:
                error.add_note(f"mutation {number} with seed {seed} of {name}")
                raise
    return found


def named(files: list[Path], n_row: int | None = None) -> list[tuple[str, bytes]]:
    bodies = [(file.name, file.read_bytes()) for file in files]
    return [(name, shorten(body, n_row) if n_row else body) for name, body in bodies]


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_simulated_files(simulated_sector):
    found = fuzz(named(simulated_sector.files[:3], 300), N_MUTATION // 3)
    assert len({believed for believed, _, _ in found}) > 8
    assert found["value", "value", "value"] > 10


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_real_files(shared_data):
    files = sorted((shared_data / "tess").glob("*/*.fits"))
    assert fuzz(named(files[::6], 300), N_MUTATION // 3)
    assert fuzz(named(files[::16]), N_MUTATION // 12)


@pytest.mark.slow
@pytest.mark.timeout(600)
def test_mutated_real_full_frame_products(shared_data):
    files = sorted((shared_data / "tess_hlsp").glob("*/*.fits"))
    assert fuzz(named(files), N_MUTATION // 4)
