"""Ingest against an archive on its worst days. Replay a mix: ``python -m tests.faults SEED``."""
