"""The archive that answers as a test says, here too."""

from tests.adapters.archive.conftest import scripted

__all__ = ["scripted"]
