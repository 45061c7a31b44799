"""The catalog of a release: its columns, its formats, its figures, and what changed."""
