"""Exceptions of the client, as one tree.

* StatsigError
  x ConfigurationError              the client cannot work as configured
  x APIConnectionError              no response
    + APITimeoutError               no response in time
  x APIStatusError                  an error response
    + BadRequestError               400
    + AuthenticationError           401
    + PermissionDeniedError         403
    + NotFoundError                 404
    + PayloadTooLargeError          413
    + RateLimitError                429
    + InternalServerError           500 to 599
  x ResponseValidationError         a response that does not match the API schema

An argument of the wrong type or value raises `TypeError` or `ValueError` before anything is sent.
No error carries the API key. All errors pickle and copy.
"""

import copyreg
from typing import TypedDict, Unpack


class CallFacts(TypedDict, total=False):
    """Facts about a failed call; see `StatsigError`."""

    operation: str | None
    attempts: int
    elapsed: float
    request_id: str | None
    body: str | None
    ambiguous: bool


class StatsigError(Exception):
    """Base class of all errors that a client raises.

    Attributes:
        operation: Method that failed, such as `check_gate`; None when no method was called.
        attempts: Number of attempts.
        elapsed: Duration of the call in seconds, including the delays between attempts.
        request_id: ID that the server gave the request, if any; Statsig's support may ask for
            it.
        body: At most 4 KiB of the response as text; None without a response.
        ambiguous: Whether Statsig may have accepted events or exposures although the call failed,
            so that sending them again may count them twice.
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
        """HTTP status of the response; None without a response."""
        return None

    def __reduce__(self) -> tuple[object, ...]:
        # Exceptions are unpickled by calling the class with the message alone, and some classes
        # require more.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ConfigurationError(StatsigError):
    """The client cannot work as configured: no key, an invalid URL or option, or it is closed."""


class APIConnectionError(StatsigError):
    """There was no response: no connection, or the connection was lost."""


class APITimeoutError(APIConnectionError):
    """There was no response in time."""


class APIStatusError(StatsigError):
    """Statsig returned an error response.

    Attributes:
        retry_after: Seconds to wait as requested by the response; None without a request.
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
        """HTTP status of the response."""
        return self._status_code


class BadRequestError(APIStatusError):
    """400: the request is invalid."""


class AuthenticationError(APIStatusError):
    """401: the API key is unknown or not valid for this call."""


class PermissionDeniedError(APIStatusError):
    """403: the API key does not permit this call, or is unknown."""


class NotFoundError(APIStatusError):
    """404: the layer, the ranked list or the URL does not exist."""


class PayloadTooLargeError(APIStatusError):
    """413: the batch is too large; send it in parts."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class InternalServerError(APIStatusError):
    """500 to 599: Statsig, or a proxy in front of it, failed."""


class ResponseValidationError(StatsigError):
    """The response does not match the API schema.

    Attributes:
        path: JSON path of the invalid value, such as `$.value`; None if the response is not JSON.
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
        """HTTP status of the response."""
        return self._status_code


class EventWarning(UserWarning):
    """Statsig would accept an event and then drop or truncate it silently.

    To reject such events before they are sent, turn the warning into an error:
    `warnings.filterwarnings("error", category=EventWarning)`.
    """


_STATUS_ERRORS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}


def status_error_class(status_code: int) -> type[APIStatusError]:
    """Return the error class of an HTTP status."""
    if 500 <= status_code <= 599:
        return InternalServerError
    return _STATUS_ERRORS.get(status_code, APIStatusError)
