"""Errors of the generation of flags."""


class FlagsError(Exception):
    """Invalid source, name or output of a package of flags."""
