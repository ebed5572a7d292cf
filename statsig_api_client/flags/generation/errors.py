"""Errors of the generation of flags."""


class FlagsError(Exception):
    """A package of flags cannot be generated: the source, a name or the output is invalid."""
