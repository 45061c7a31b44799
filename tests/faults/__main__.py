"""Play mixes again, and say what went wrong: ``python -m tests.faults SEED [SEED ...]``."""

import os
import sys
from collections import Counter

from tests.faults.mixes import make_mix
from tests.faults.runs import play


def main() -> None:
    """Play each mix, telling what it is made of."""
    os.environ["CALNET_STABLE_FOR_S"] = "0"
    for seed in map(int, sys.argv[1:]):
        mix = make_mix(seed)
        sys.stdout.write(f"{mix.faults.model_dump_json(exclude_defaults=True, indent=1)}\n")
        run = play(mix)
        faults = Counter(asked.fault for asked in run.mirror.asked if asked.fault)
        sys.stdout.write(f"{len(run.mirror.asked)} requests, of which {dict(faults)}\n")


if __name__ == "__main__":
    main()
