"""Figures, and how they are taken."""

import statistics
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import psutil

ROUNDS = 5


@dataclass(frozen=True)
class Figure:
    """A measured value beside what it is compared with."""

    name: str
    value: float
    unit: str
    baseline: float
    more_is_better: bool = False

    @property
    def ratio(self) -> float:
        """How many times better than the baseline."""
        better, worse = self.value, self.baseline
        return better / worse if self.more_is_better else worse / better

    def row(self) -> dict[str, Any]:
        """As `bench.json` has it, but for the name."""
        return {
            "value": round(self.value, 4),
            "unit": self.unit,
            "baseline": round(self.baseline, 4),
            "ratio": round(self.ratio, 3),
        }


def medians_ms(works: Mapping[str, Callable[[], Any]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median CPU time of each of several works, done in turn [ms].

    CPU time, because other users of the machine do not count; in turn, because its speed drifts.
    """
    times: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            start = time.process_time()
            work()
            times[name].append(1000 * (time.process_time() - start))
    return {name: statistics.median(values) for name, values in times.items()}


def family_cpu_s() -> float:
    """CPU time of this process and all that it has started and that still run [s]."""
    me = psutil.Process()
    return sum(cpu_s(process.pid) for process in (me, *me.children(recursive=True)))


def cpu_s(pid: int) -> float:
    """CPU time of a process [s]; 0 if it has ended."""
    try:
        times = psutil.Process(pid).cpu_times()
    except psutil.NoSuchProcess:
        return 0.0
    return float(times.user + times.system)
