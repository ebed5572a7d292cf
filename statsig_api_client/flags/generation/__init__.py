"""Generation of a package of typed flags from a Statsig project."""
