"""The result of one attempt to deliver a batch of events."""

from typing import Final, Literal, TypeAlias

from attrs import frozen

from .._errors import (
    APIConnectionError,
    APIStatusError,
    RateLimitError,
    ResponseValidationError,
    StatsigError,
)

SendStatus: TypeAlias = Literal["accepted", "invalid", "retryable", "ambiguous", "fatal"]

_INVALID_BATCH: Final = (400, 413, 422)
"""HTTP statuses that blame the content of a batch, not the API key, the URL or the server."""
_TRANSIENT: Final = (408, 425)


@frozen
class SendResult:
    """The result of one attempt to deliver a batch of events."""

    status: SendStatus
    """
    * `accepted`: Statsig accepted the batch.
    * `invalid`: Statsig rejected the batch because of an event in it; a half may be accepted.
    * `retryable`: the batch was not accepted; a later attempt may succeed.
    * `ambiguous`: the batch may have been accepted; a repeated attempt may count events twice.
    * `fatal`: the batch was not accepted, and no attempt can succeed with this API key and URL.
    """
    error: StatsigError | None = None
    """The error of the attempt; None for `accepted` only."""

    @classmethod
    def from_error(cls, error: StatsigError) -> "SendResult":
        """Classify the error of a failed attempt."""
        # The status was 2xx, so the batch was accepted even if the body is invalid.
        if isinstance(error, ResponseValidationError):
            return ACCEPTED
        return cls(_classify(error), error)

    @property
    def reason(self) -> str:
        """The message of the error; empty for `accepted`."""
        return "" if self.error is None else str(self.error)

    @property
    def retry_after(self) -> float | None:
        """The delay in seconds from `Retry-After`, or None."""
        return self.error.retry_after if isinstance(self.error, APIStatusError) else None


ACCEPTED: Final = SendResult("accepted")


def _classify(error: StatsigError) -> SendStatus:
    if error.ambiguous:
        return "ambiguous"
    if isinstance(error, APIConnectionError | RateLimitError):
        return "retryable"
    if not isinstance(error, APIStatusError):
        return "fatal"
    if error.status_code in _INVALID_BATCH:
        return "invalid"
    is_transient = error.status_code in _TRANSIENT or error.status_code >= 500
    return "retryable" if is_transient else "fatal"
