"""The statistics of the gap: counts in, estimates with intervals out. Nothing here reads a file."""
