"""OpenBLAS is told of CPUs that it does not know."""

import pytest

from calnet_ops.blas import SKYLAKE, kernels_for

CPU = """processor\t: 0
vendor_id\t: {vendor}
cpu family\t: {family}
model name\t: a CPU
flags\t\t: fpu sse2 {flags}

processor\t: 1
vendor_id\t: AuthenticAMD
cpu family\t: 26
"""
AVX = "avx512f avx512dq avx512cd avx512bw avx512vl"


@pytest.mark.parametrize(
    ("vendor", "family", "flags", "kernels"),
    [
        ("AuthenticAMD", 26, AVX, SKYLAKE),
        ("AuthenticAMD", 27, f"{AVX} avx512_vnni", SKYLAKE),
        ("AuthenticAMD", 26, "avx2", ""),
        ("AuthenticAMD", 25, AVX, ""),
        ("GenuineIntel", 26, AVX, ""),
    ],
)
def test_kernels_are_named_for_new_cpus_alone(vendor, family, flags, kernels):
    assert kernels_for(CPU.format(vendor=vendor, family=family, flags=flags)) == kernels


def test_other_machines_tell_nothing():
    assert kernels_for("") == ""
    assert kernels_for("Processor\t: ARMv7\nHardware\t: a board\n") == ""
