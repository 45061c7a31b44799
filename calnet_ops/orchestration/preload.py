"""Import once, in the process that tasks are forked from, what every task would import again.

With LocalExecutor a task is a fork of the scheduler's worker. Our modules cost a task 1 to 2 s of
CPU, Great Expectations 6 s more; imported before the fork they cost nothing, and their memory is
shared. TensorFlow is left out: it starts threads, which do not survive a fork.
"""

import importlib
import sys

MODULES = (
    "great_expectations",
    "calnet_ops.adapters.archive",
    "calnet_ops.adapters.ledger",
    "calnet_ops.adapters.notify",
    "calnet_ops.adapters.quality.great_expectations",
    "calnet_ops.adapters.registry",
    "calnet_ops.adapters.scheduler",
    "calnet_ops.adapters.store",
    "calnet_ops.steps.audit",
    "calnet_ops.steps.characterise",
    "calnet_ops.steps.detect",
    "calnet_ops.steps.extract",
    "calnet_ops.steps.gate",
    "calnet_ops.steps.ingest",
    "calnet_ops.steps.promote",
    "calnet_ops.steps.publish",
    "calnet_ops.steps.score",
    "calnet_ops.steps.trigger",
    "calnet_ops.steps.validate",
    "pandas",
)
"""What the tasks import, but for TensorFlow and MLflow, which only `retrain` needs."""


def preload() -> None:
    """Import `MODULES` if this process is the scheduler."""
    if "scheduler" in sys.argv:
        for name in MODULES:
            importlib.import_module(name)
