"""Raw responses."""

from collections.abc import Callable, Mapping
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_REQUEST_ID = ("x-request-id", "cf-ray")


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the server's ID of a request. Statsig documents no header; these are customary."""
    return next((headers[name] for name in _REQUEST_ID if name in headers), None)


class APIResponse(Generic[T]):
    """Successful response of `with_raw_response.check_gate(...)` etc., parsed on demand.

    Example:
        >>> response = statsig.with_raw_response.check_gate(user, "new_checkout")
        >>> response.status_code, response.elapsed, response.headers["content-type"]
        (200, 0.021, 'application/json')
        >>> response.parse().value
        True
    """

    def __init__(
        self,
        *,
        status_code: int,
        headers: Mapping[str, str],
        content: bytes,
        elapsed: float,
        attempts: int,
        read: Callable[[], T],
    ) -> None:
        self.status_code: Final = status_code
        """The HTTP status, 200 to 299."""
        self.headers: Final = headers
        """The headers, with case-insensitive names."""
        self.content: Final = content
        """The body, decompressed."""
        self.elapsed: Final = elapsed
        """Duration of the call in seconds, including all attempts and delays."""
        self.attempts: Final = attempts
        """Number of attempts."""
        self._read = read

    def __repr__(self) -> str:
        return (
            f"APIResponse(status_code={self.status_code}, elapsed={self.elapsed}, "
            f"attempts={self.attempts})"
        )

    @property
    def request_id(self) -> str | None:
        """The server's ID of the request, or None."""
        return request_id(self.headers)

    def parse(self) -> T:
        """Return the result that the method without `with_raw_response` returns.

        Raises:
            ResponseValidationError: The response does not match the API schema.
            APIStatusError: The response reports that events or exposures were not accepted.
        """
        return self._read()
