"""Errors of a resolution."""

from typing import Literal, TypeAlias

ErrorCode: TypeAlias = Literal[
    "FLAG_NOT_FOUND",
    "GENERAL",
    "INVALID_CONTEXT",
    "PARSE_ERROR",
    "TARGETING_KEY_MISSING",
    "TYPE_MISMATCH",
]
"""The error codes of OpenFeature that a resolution can have."""


class ResolutionError(Exception):
    """A flag that cannot be resolved.

    Attributes:
        code: The error code of OpenFeature.
    """

    def __init__(self, code: ErrorCode, message: str) -> None:
        super().__init__(message)
        self.code: ErrorCode = code
