"""Is this take the same world? Comparisons, their tolerances, and the verdict."""
