"""`make bench`: the speed of the core beside what a user would do today, in one run."""
