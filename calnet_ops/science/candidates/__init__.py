"""From scored segments to candidates: probability of a target, period, epoch, depths, type."""
