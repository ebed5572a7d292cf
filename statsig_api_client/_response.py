"""A reply as it came, for those who want more than what it means."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Generic, TypeVar

from attrs import field, frozen

T = TypeVar("T")

_REQUEST_ID = ("x-request-id", "cf-ray")


class Headers(Mapping[str, str]):
    """The headers of a reply: a mapping that does not mind upper and lower case.

    A header that came more than once has its values joined by commas. `repr` shows names alone.
    """

    __slots__ = ("_items", "_values")

    def __init__(self, items: Callable[[], Iterable[tuple[str, str]]]) -> None:
        # Put off until someone asks: most replies are never asked for a header.
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
        # They may come from a reply of pyreqwest's, which can neither be copied nor pickled.
        return Headers, (self._read().items,)


def request_id(headers: Mapping[str, str]) -> str | None:
    """The server's name for a request. Statsig documents none; these are the usual ones."""
    return next((headers[name] for name in _REQUEST_ID if name in headers), None)


@frozen(kw_only=True)
class APIResponse(Generic[T]):
    """A successful reply, unread: what `statsig.with_raw_response.check_gate(...)` returns.

    Example:
        >>> response = statsig.with_raw_response.check_gate(user, "new_checkout")
        >>> response.status_code, response.elapsed, response.headers["content-type"]
        (200, 0.021, 'application/json')
        >>> response.parse().value
        True
    """

    status_code: int
    """The HTTP status, 200 to 299."""
    headers: Mapping[str, str] = field(repr=False)
    """The headers; upper and lower case are the same."""
    content: bytes = field(repr=False)
    """The body, decompressed."""
    elapsed: float
    """The seconds from the call to the end of the reply, with all attempts and waits."""
    attempts: int
    """How often the request was sent; 1 when the first attempt succeeded."""
    _read: Callable[[], T] = field(alias="read", repr=False, eq=False)

    @property
    def request_id(self) -> str | None:
        """The server's name for the request, if it gave one."""
        return request_id(self.headers)

    def parse(self) -> T:
        """What the reply means: the same as the method without `with_raw_response` returns.

        Raises:
            ResponseValidationError: The reply is not what the contract says.
            APIStatusError: The reply says that events or exposures were not accepted.
        """
        return self._read()
