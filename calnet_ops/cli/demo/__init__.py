"""The demonstration: a TESS sector from the archive to a published catalog, in one command."""
