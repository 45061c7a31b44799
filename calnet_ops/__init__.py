"""calnet-ops: find eclipsing binaries in every TESS sector, for ever, unattended."""

from calnet_ops.blas import choose_kernels

__version__ = "0.1.0"
"""Version of the software [semantic]; releases of the catalog have their own (`keys`)."""

choose_kernels()
