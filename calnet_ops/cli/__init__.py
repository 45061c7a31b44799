"""The command `calnet-ops`: each step of the platform by hand, and whole installations."""

import sys

from calnet_ops.cli.output import report_failure
from calnet_ops.errors import CalnetError


def main() -> None:
    """Run the command line; a foreseen failure ends in one clear message."""
    from calnet_ops.cli.commands import app

    try:
        app()
    except CalnetError as error:
        report_failure(error, as_json="--json" in sys.argv)
        sys.exit(1)
