"""Raw responses: status, headers and body, parsed on request."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from attrs import field, frozen

T = TypeVar("T")

_REQUEST_ID = ("x-request-id", "cf-ray")


class Headers(Mapping[str, str]):
    """Headers of a response: a case-insensitive mapping.

    The values of a repeated header are joined by commas. `repr` shows names only.
    """

    __slots__ = ("_items", "_values")

    def __init__(self, items: Callable[[], Iterable[tuple[str, str]]]) -> None:
        # Parsed lazily: most responses are never asked for a header.
        self._items = items
        self._values: dict[str, str] | None = None

    def _read(self) -> dict[str, str]:
        if self._values is None:
            values: dict[str, str] = {}
            for any_case, value in self._items():
                name = any_case.lower()
                values[name] = f"{values[name]}, {value}" if name in values else value
            self._values = values
        return self._values

    def __getitem__(self, name: str) -> str:
        return self._read()[name.lower()]

    def __iter__(self) -> Iterator[str]:
        return iter(self._read())

    def __len__(self) -> int:
        return len(self._read())

    def __repr__(self) -> str:
        return f"<Headers: {', '.join(self)}>"

    def __reduce__(self) -> tuple[object, ...]:
        # They may belong to a response of pyreqwest, which can neither be copied nor pickled.
        return Headers, (self._read().items,)


def request_id(headers: Mapping[str, str]) -> str | None:
    """Return the ID of a request from the usual headers; Statsig documents none."""
    return next((headers[name] for name in _REQUEST_ID if name in headers), None)


@frozen(kw_only=True)
class APIResponse(Generic[T]):
    """Successful response of `statsig.with_raw_response.check_gate(...)`, parsed on request.

    Example:
        >>> response = statsig.with_raw_response.check_gate(user, "new_checkout")
        >>> response.status_code, response.elapsed, response.headers["content-type"]
        (200, 0.021, 'application/json')
        >>> response.parse().value
        True
    """

    status_code: int
    """HTTP status, 200 to 299."""
    headers: Mapping[str, str] = field(repr=False)
    """Headers, case-insensitive."""
    content: bytes = field(repr=False)
    """Decompressed body."""
    elapsed: float
    """Duration of the call in seconds, including all attempts and delays."""
    attempts: int
    """Number of attempts; 1 if the first one succeeded."""
    _read: Callable[[], T] = field(alias="read", repr=False, eq=False)

    @property
    def request_id(self) -> str | None:
        """ID that the server gave the request, if any."""
        return request_id(self.headers)

    def parse(self) -> T:
        """Return what the method without `with_raw_response` returns.

        Raises:
            ResponseValidationError: The response does not match the API schema.
            APIStatusError: The response reports that events or exposures were not accepted.
        """
        return self._read()
