"""Trace formats, one file each, found by `registry.names`."""
