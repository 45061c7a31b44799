"""`python -m calnet_ops.cli` is `calnet-ops`."""

from calnet_ops.cli import main

main()
