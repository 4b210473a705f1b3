"""Memory: what was measured once is not measured again."""
