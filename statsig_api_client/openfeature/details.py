"""Conversion of resolutions and errors to the SDK's types."""

from typing import TypeVar

from openfeature.exception import ErrorCode
from openfeature.flag_evaluation import FlagResolutionDetails, Reason

from .._errors import ResponseValidationError
from .._openfeature.errors import ResolutionError
from .._openfeature.resolution import Resolution
from .._runtime.parsers import UNSET

T = TypeVar("T")


def details_of(resolution: Resolution[T], default: T) -> FlagResolutionDetails[T]:
    """Return the details of a resolution."""
    return FlagResolutionDetails(
        value=default if resolution.value is UNSET else resolution.value,
        reason=Reason(resolution.reason),
        variant=resolution.variant,
        flag_metadata=resolution.metadata,
    )


def error_details(error: Exception, default: T) -> FlagResolutionDetails[T]:
    """Return the details of a failed resolution, whose value is the default."""
    return FlagResolutionDetails(
        value=default,
        reason=Reason.ERROR,
        error_code=error_code(error),
        error_message=str(error),
    )


def error_code(error: Exception) -> ErrorCode:
    """Return the error code of an exception of the client or of a resolution."""
    if isinstance(error, ResolutionError):
        return ErrorCode(error.code)
    if isinstance(error, ResponseValidationError):
        return ErrorCode.PARSE_ERROR
    if isinstance(error, TypeError | ValueError):  # a context that is not JSON
        return ErrorCode.INVALID_CONTEXT
    return ErrorCode.GENERAL
