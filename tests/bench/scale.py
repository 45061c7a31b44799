"""Whether cost grows with the files and memory not at all: a plot, and the figures behind it.

``python -m tests.bench.scale [files ...]`` needs 2 MB of disk for each of the largest number, and
10 minutes or more; it writes `docs/images/scale.png` and `var/bench/scale.json`. Sizes that were
measured before and are not named stay as they are.
"""

import json
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from matplotlib.figure import Figure

from calnet_ops.cli.output import console, show_rows
from tests.bench import work
from tests.bench.sector import (
    MOST_MIB,
    N_DISTINCT,
    Cost,
    believe,
    fill,
    run_sector,
    simulated_files,
)
from tests.support.s3_servers import s3_server

SIZES = (500, 1000, 2000, 4000, 8000)
"""Files of a sector; the largest needs 16 GB."""

OUT = Path("var/bench/scale.json")
PICTURE = Path("docs/images/scale.png")


def main(sizes: Sequence[int]) -> None:
    """Score a sector of each size, and draw what it took."""
    work.be_quiet()
    OUT.parent.mkdir(parents=True, exist_ok=True)
    known = json.loads(OUT.read_text()) if OUT.exists() else []
    costs = {cost["n_file"]: Cost(**cost) for cost in known}
    with tempfile.TemporaryDirectory(dir=OUT.parent) as name:
        folder = Path(name).resolve()
        files = simulated_files(folder / "sky", N_DISTINCT)
        with s3_server(folder / "s3") as server:
            console.print(f"storing {max(sizes)} files")
            rows = fill(server, files, max(sizes))
            for size in sizes:
                believe(server, rows[:size])
                costs[size] = run_sector(server)
                show_rows([_row(costs[size])], as_json=False)
                ordered = [costs[n_file] for n_file in sorted(costs)]
                OUT.write_text(json.dumps([asdict(cost) for cost in ordered], indent=1))
                draw(ordered, PICTURE)


def _row(cost: Cost) -> dict[str, float]:
    return {
        "files": cost.n_file,
        "files_per_s": cost.files_per_s,
        "cpu_ms": cost.cpu_ms,
        "peak_mib": cost.peak_mib,
        "load": os.getloadavg()[0],
    }


def draw(costs: Sequence[Cost], picture: Path) -> None:
    """CPU time and memory against the number of files."""
    n_file = [cost.n_file for cost in costs]
    figure = Figure(figsize=(8, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    for stage in ("extract", "score"):
        left.plot(n_file, [cost.worker_cpu_s[stage] for cost in costs], "o-", label=stage)
    left.plot(n_file, [cost.server_cpu_s for cost in costs], "o-", label="S3 server")
    left.set_ylabel("CPU time [s]")
    left.legend(frameon=False)
    right.plot(n_file, [cost.peak_mib for cost in costs], "o-")
    right.axhline(MOST_MIB, linestyle=":", color="grey")
    right.set_ylabel("memory of the largest worker [MiB]")
    for axes in (left, right):
        axes.set_xlabel("files")
        axes.set_xlim(0)
        axes.set_ylim(0)
    picture.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(picture, dpi=100)


if __name__ == "__main__":
    main([int(size) for size in sys.argv[1:]] or SIZES)
