"""Exceptions.

* StatsigError
  x ConfigurationError              invalid options, or a closed client
  x APIConnectionError              no response
    + APITimeoutError               no response in time
  x APIStatusError                  a status other than 2xx
    + BadRequestError               400
    + AuthenticationError           401
    + PermissionDeniedError         403
    + NotFoundError                 404
    + PayloadTooLargeError          413
    + RateLimitError                429
    + InternalServerError           500 to 599
  x ResponseValidationError         a response that does not match the API schema

Invalid arguments raise `TypeError` or `ValueError` before anything is sent. No exception contains
the API key. All of them can be pickled and copied.
"""

import copyreg
from typing import TypedDict, Unpack


class CallFacts(TypedDict, total=False):
    """The attributes of `StatsigError`."""

    operation: str | None
    attempts: int
    elapsed: float
    request_id: str | None
    body: str | None
    ambiguous: bool


class StatsigError(Exception):
    """Base class of all exceptions that a client raises.

    Attributes:
        operation: The client method that failed, such as `check_gate`; None outside of calls.
        attempts: Number of attempts.
        elapsed: Duration of the call in seconds, including delays between attempts.
        request_id: The server's ID of the request, for Statsig's support, or None.
        body: The first 4,096 characters of the response; None without a response.
        ambiguous: Whether events or exposures may have been accepted although the call failed.
            Sending them again may count them twice.
    """

    def __init__(self, message: str, **facts: Unpack[CallFacts]) -> None:
        super().__init__(message)
        self.operation: str | None = facts.get("operation")
        self.attempts: int = facts.get("attempts", 0)
        self.elapsed: float = facts.get("elapsed", 0.0)
        self.request_id: str | None = facts.get("request_id")
        self.body: str | None = facts.get("body")
        self.ambiguous: bool = facts.get("ambiguous", False)

    @property
    def status_code(self) -> int | None:
        """The HTTP status; None without a response."""
        return None

    def __reduce__(self) -> tuple[object, ...]:
        # By default exceptions are unpickled by calling the class with only the message, which not
        # every class here accepts.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ConfigurationError(StatsigError):
    """Missing API key, invalid URL or option, or closed client."""


class APIConnectionError(StatsigError):
    """No response: connecting failed, or the connection was lost."""


class APITimeoutError(APIConnectionError):
    """No response in time."""


class APIStatusError(StatsigError):
    """Response with a status other than 2xx.

    Attributes:
        retry_after: The delay in seconds from the header `Retry-After`, or None.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        retry_after: float | None = None,
        **facts: Unpack[CallFacts],
    ) -> None:
        super().__init__(message, **facts)
        self._status_code = status_code
        self.retry_after = retry_after

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._status_code


class BadRequestError(APIStatusError):
    """400: invalid request."""


class AuthenticationError(APIStatusError):
    """401: unknown API key, or a key of the wrong type for this call."""


class PermissionDeniedError(APIStatusError):
    """403: API key without access to this call. Statsig may also return it for an unknown key."""


class NotFoundError(APIStatusError):
    """404: unknown layer, ranked list or URL."""


class PayloadTooLargeError(APIStatusError):
    """413: batch too large; split it."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class InternalServerError(APIStatusError):
    """500 to 599: failure of Statsig or of a proxy."""


class ResponseValidationError(StatsigError):
    """Response that does not match the API schema.

    Attributes:
        path: JSON path of the invalid value, such as `$.value`; None if the body is not JSON.
    """

    def __init__(
        self,
        message: str,
        *,
        status_code: int,
        path: str | None = None,
        **facts: Unpack[CallFacts],
    ) -> None:
        super().__init__(message, **facts)
        self._status_code = status_code
        self.path = path

    @property
    def status_code(self) -> int:
        """The HTTP status."""
        return self._status_code


class EventWarning(UserWarning):
    """Event that Statsig would accept and then silently drop or truncate.

    To reject such events before sending, turn the warning into an error:
    `warnings.filterwarnings("error", category=EventWarning)`.
    """


class StatsigUserWarning(UserWarning):
    """User without an ID, or with a field whose name is probably misspelt.

    Statsig accepts such users: it puts all users without an ID in the same bucket, and rules
    cannot read a misspelt field. To reject them before sending, turn the warning into an error:
    `warnings.filterwarnings("error", category=StatsigUserWarning)`.
    """


_STATUS_ERRORS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}


def status_error(status_code: int) -> type[APIStatusError]:
    """Return the exception class of an HTTP status."""
    if 500 <= status_code <= 599:
        return InternalServerError
    return _STATUS_ERRORS.get(status_code, APIStatusError)
