"""Which kernels numpy's OpenBLAS takes; it has to be said before numpy is loaded."""

import os
import re
import sys
from pathlib import Path

CPU_INFO = Path("/proc/cpuinfo")

ZEN_5 = 26
"""Family of the first CPUs of AMD that OpenBLAS 0.3.31 does not know. It takes kernels without
AVX-512 for them: scoring then takes 2.5 ms a segment in place of 1.7, and rounds by place in the
batch."""

AVX_512 = {"avx512f", "avx512bw", "avx512cd", "avx512dq", "avx512vl"}
"""What the kernels `SKYLAKE` use."""

SKYLAKE = "SkylakeX"


def choose_kernels() -> None:
    """Name the kernels to OpenBLAS, if it would not find them; OPENBLAS_CORETYPE goes before."""
    if "numpy" in sys.modules or not CPU_INFO.exists():
        return
    kernels = kernels_for(CPU_INFO.read_text())
    if kernels:
        os.environ.setdefault("OPENBLAS_CORETYPE", kernels)


def kernels_for(cpu_info: str) -> str:
    """Kernels for the first CPU of ``/proc/cpuinfo``; empty if OpenBLAS knows best."""
    first = cpu_info.partition("\n\n")[0]
    facts = dict(re.findall(r"^([\w ]+?)\s*: (.*)$", first, re.MULTILINE))
    is_new = facts.get("vendor_id") == "AuthenticAMD" and int(facts.get("cpu family", 0)) >= ZEN_5
    return SKYLAKE if is_new and set(facts.get("flags", "").split()) >= AVX_512 else ""
