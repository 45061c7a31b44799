"""One shard in a process of its own, as a task of Airflow has it; by hand it is of no use.

Usage: ``python -m tests.bench.task extract paths.json``, the shard as JSON on standard input.
"""

import json
import sys
from pathlib import Path

from calnet_ops.platform import open_platform


def main(stage: str, paths: Path) -> None:
    """Do it, and answer with the tally."""
    shard, platform = json.load(sys.stdin), open_platform(paths)
    if stage == "extract":
        from calnet_ops.steps.extract import extract_shard

        tally = dict(extract_shard(shard, platform))
    else:
        from calnet_ops.steps.score import score_shard

        tally = dict(score_shard(shard, platform))
    sys.stdout.write("\n" + json.dumps(tally))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
