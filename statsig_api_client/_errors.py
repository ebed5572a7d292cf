"""What can go wrong, as one tree.

* StatsigError
  x ConfigurationError              a client that cannot work as it is set up
  x APIConnectionError              no reply
    + APITimeoutError               no reply in time
  x APIStatusError                  a reply that refuses
    + BadRequestError               400
    + AuthenticationError           401
    + PermissionDeniedError         403
    + NotFoundError                 404
    + PayloadTooLargeError          413
    + RateLimitError                429
    + InternalServerError           500 to 599
  x ResponseValidationError         a reply that is not what the contract says

An argument of a wrong type or value is a `TypeError` or a `ValueError`, before anything is sent.
No error carries the API key. All of them pickle and copy.
"""

import copyreg
from typing import TypedDict, Unpack


class CallFacts(TypedDict, total=False):
    """What is known of a call when it fails; see `StatsigError`."""

    operation: str | None
    attempts: int
    elapsed: float
    request_id: str | None
    body: str | None
    ambiguous: bool


class StatsigError(Exception):
    """The base of all errors that a client raises by itself.

    Attributes:
        operation: The method that failed, such as `check_gate`; None when no method was called.
        attempts: How often it was tried.
        elapsed: The seconds that it took, with the waits between attempts.
        request_id: The server's name for the request, if it gave one; Statsig's support may ask
            for it.
        body: At most 4 KiB of the reply, as text; None when there was no reply.
        ambiguous: Whether events or exposures may have been accepted although the call failed, so
            that sending them again may count them twice.
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
        """The HTTP status of the reply; None when there was no reply."""
        return None

    def __reduce__(self) -> tuple[object, ...]:
        # An exception is unpickled by calling its class with its message alone; not every class
        # of the tree can be called so.
        return copyreg.__newobj__, (type(self), *self.args), self.__dict__  # type: ignore[attr-defined]


class ConfigurationError(StatsigError):
    """The client cannot work as it is set up: no key, a bad URL or option, or it is closed."""


class APIConnectionError(StatsigError):
    """There was no reply: no connection, or the connection was lost."""


class APITimeoutError(APIConnectionError):
    """There was no reply in time."""


class APIStatusError(StatsigError):
    """Statsig answered, and refused.

    Attributes:
        retry_after: The seconds that the reply asked to wait; None when it did not ask.
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
        """The HTTP status of the reply."""
        return self._status_code


class BadRequestError(APIStatusError):
    """400: Statsig did not understand the request."""


class AuthenticationError(APIStatusError):
    """401: the API key is unknown, or not good for this call."""


class PermissionDeniedError(APIStatusError):
    """403: the API key does not allow this call. Statsig may answer so to an unknown key, too."""


class NotFoundError(APIStatusError):
    """404: there is no such layer, ranked list, or URL."""


class PayloadTooLargeError(APIStatusError):
    """413: the batch is too large; send it in parts."""


class RateLimitError(APIStatusError):
    """429: too many requests."""


class InternalServerError(APIStatusError):
    """500 to 599: Statsig, or something before it, failed."""


class ResponseValidationError(StatsigError):
    """The reply is not what the contract says.

    Attributes:
        path: The JSON path of the wrong value, such as `$.value`; None when the reply is no JSON.
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
        """The HTTP status of the reply."""
        return self._status_code


class EventWarning(UserWarning):
    """Statsig would accept an event and then drop it, or cut something off, without saying so.

    To refuse such events before they are sent, make it an error:
    `warnings.filterwarnings("error", category=EventWarning)`.
    """


_REFUSALS: dict[int, type[APIStatusError]] = {
    400: BadRequestError,
    401: AuthenticationError,
    403: PermissionDeniedError,
    404: NotFoundError,
    413: PayloadTooLargeError,
    429: RateLimitError,
}


def refusal(status_code: int) -> type[APIStatusError]:
    """The class of the error for a status."""
    if 500 <= status_code <= 599:
        return InternalServerError
    return _REFUSALS.get(status_code, APIStatusError)
