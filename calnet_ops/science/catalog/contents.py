"""The files of a release: made from a catalog, and checked."""

import io
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from calnet_ops.errors import CalnetError
from calnet_ops.lineage import sha256_hex
from calnet_ops.science.catalog import figures
from calnet_ops.science.catalog.diff import compare
from calnet_ops.science.catalog.document import column_lines
from calnet_ops.science.catalog.formats import FORMATS, csv
from calnet_ops.science.catalog.readme import write_readme
from calnet_ops.science.catalog.schema import facts_of

SUMS = "SHA256SUMS"
"""Checksums of all other files of a release, as `sha256sum` writes them."""

CSV_METADATA = "catalog.csv-metadata.json"
"""Where "CSV on the Web" looks for what a CSV file means."""


@dataclass(frozen=True, slots=True)
class Contents:
    """What a release says, before it is written in any form."""

    catalog: pa.Table
    """What was found."""
    searched: pa.Table
    """All that was looked at."""
    older: pa.Table | None
    """Catalog of the last release, if there is one."""
    known: Mapping[int, str]
    """Verdicts of labels about stars the model did not learn from."""
    release: Mapping[str, Any]
    """Contents of ``release.json``."""


def write_contents(contents: Contents) -> dict[str, bytes]:
    """All files of a release by name, `SHA256SUMS` last."""
    catalog, searched = contents.catalog, contents.searched
    threshold = contents.release["model"]["threshold"]
    columns = (searched[name].to_pylist() for name in ("tic", "probability"))
    probabilities = dict(zip(*columns, strict=True))
    binaries, others = (
        _probabilities_of(probabilities, contents.known, verdict) for verdict in ("EB", "NOT_EB")
    )
    difference = None if contents.older is None else compare(contents.older, catalog)
    recall = _recall_sentence(binaries, threshold)
    readme = write_readme(contents.release, difference, recall, column_lines())
    files = {item.file_name: _written(item.write, catalog) for item in FORMATS.values()}
    files |= {
        CSV_METADATA: csv.describe(catalog, FORMATS["csv"].file_name),
        "searched.parquet": _written(pq.write_table, searched),
        "figures/sky.png": figures.draw_sky(catalog),
        "figures/magnitudes.png": figures.draw_magnitudes(catalog),
        "figures/periods.png": figures.draw_periods(catalog),
        "figures/recall.png": figures.draw_recall(binaries, others, threshold),
        "release.json": json.dumps(contents.release, indent=1, sort_keys=True).encode() + b"\n",
        "README.md": readme.encode(),
    }
    return files | {SUMS: _sums(files)}


def find_faults(files: Mapping[str, bytes]) -> list[str]:
    """Find what is wrong with the files of a release; nothing if they are whole and agree.

    Parameters
    ----------
    files
        Bytes by name, relative to the folder of the release.
    """
    if SUMS not in files:
        return [f"{SUMS}: not there"]
    lines = [line.split("  ", 1) for line in files[SUMS].decode().splitlines()]
    listed = {name: digest for digest, name in lines}
    faults = [f"{name}: not in {SUMS}" for name in sorted(set(files) - set(listed) - {SUMS})]
    for name, digest in listed.items():
        if name not in files:
            faults.append(f"{name}: not there")
        elif sha256_hex(files[name]) != digest:
            faults.append(f"{name}: other bytes than {SUMS} says")
    return faults or _disagreements(files)


def _disagreements(files: Mapping[str, bytes]) -> list[str]:
    faults: list[str] = []
    first: pa.Table | None = None
    for item in FORMATS.values():
        try:
            table = item.read(io.BytesIO(files[item.file_name]))
        except KeyError:
            faults.append(f"{item.file_name}: not there")
        except (CalnetError, ValueError, OSError) as error:
            faults.append(f"{item.file_name}: {error}")
        else:
            first = table if first is None else first
            if table.to_pylist() != first.to_pylist():
                faults.append(f"{item.file_name}: other rows than the first format")
            if item.keeps_facts and facts_of(table) != facts_of(first):
                faults.append(f"{item.file_name}: other facts than the first format")
    return faults


def _written(write: Any, table: pa.Table) -> bytes:
    buffer = io.BytesIO()
    write(table, buffer)
    return buffer.getvalue()


def _probabilities_of(
    probabilities: Mapping[int, float], known: Mapping[int, str], verdict: str
) -> figures.Floats:
    chosen = (tic for tic, said in known.items() if said == verdict and tic in probabilities)
    return np.array([probabilities[tic] for tic in chosen], dtype=np.float64)


def _recall_sentence(binaries: figures.Floats, threshold: float) -> str:
    if not len(binaries):
        return "No star with a known label was searched that the model had not learned from."
    kept = int(np.sum(binaries >= threshold))
    return (
        f"Of {len(binaries)} known eclipsing binaries that were searched, and that the model had "
        f"not learned from, {kept} ({100 * kept / len(binaries):.1f}%) reach its threshold."
    )


def _sums(files: Mapping[str, bytes]) -> bytes:
    return "".join(f"{sha256_hex(files[name])}  {name}\n" for name in sorted(files)).encode()
