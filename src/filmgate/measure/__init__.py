"""From media to numbers; knows nothing of right or wrong."""
