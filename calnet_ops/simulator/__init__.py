"""Sectors that never were, and the archive mirror that serves them. Only cli and tests look in."""
