"""Quality of data, judged by Great Expectations."""

from calnet_ops.adapters.quality.great_expectations import Outcome, judge

__all__ = ["Outcome", "judge"]
