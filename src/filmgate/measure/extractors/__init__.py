"""Ways of seeing people and attributes; one file each, found by `registry.names`."""
