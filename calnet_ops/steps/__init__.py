"""The verbs: each reads keys, calls science, writes new keys, and returns counts and keys."""
