"""HTTP requests to the control API of a local server."""

import json
import math
from collections.abc import Iterator, Mapping
from types import MappingProxyType
from typing import Final, TypeVar, cast

import httpx

from .._runtime.parsers import (
    JsonObject,
    JsonValue,
    ObjectReader,
    Parser,
    SchemaError,
    array_of,
)
from .recording import RecordedEventDict

T = TypeVar("T")

_PAGE_SIZE: Final = 1000
"""The maximum number of events per request."""

_STREAM_TIMEOUT: Final = 60.0
"""Seconds without data after which a stream has failed; the server sends a comment every 15 s."""


class ControlError(Exception):
    """An error response of a local server, or a failure to reach it.

    Attributes:
        status: The HTTP status; None without a response.
        path: The JSON path of the invalid field, if the server names one.
    """

    def __init__(self, message: str, status: int | None = None, path: str | None = None) -> None:
        super().__init__(message, status, path)
        self.message = message
        self.status = status
        self.path = path

    def __str__(self) -> str:
        """Return the server's message, which starts with the path."""
        return self.message


class UnknownNameError(ControlError):
    """A gate, config, experiment, layer or group that the project does not have."""


class ControlConnection:
    """An HTTP client of the control API.

    Args:
        url: The server's URL, with or without `/v1`.
    """

    def __init__(self, url: str) -> None:
        self.url: Final = url.rstrip("/").removesuffix("/v1")
        self._http = httpx.Client(
            base_url=f"{self.url}/local",
            timeout=10,
            # One connection per request: after a fork, two processes cannot share one.
            limits=httpx.Limits(max_keepalive_connections=0),
            # A proxy cannot reach a server on this machine.
            trust_env=False,
        )

    def close(self) -> None:
        """Close the HTTP client."""
        self._http.close()

    def recorded_events(
        self, path: str, query: Mapping[str, str | int | None], limit: int | None = None
    ) -> Iterator[RecordedEventDict]:
        """Yield recorded events, one page per request.

        Args:
            path: `/events` or `/exposures`.
            query: The conditions; None does not restrict the events.
            limit: The maximum number of events; None for all.
        """
        left = math.inf if limit is None else limit
        parameters = {name: value for name, value in query.items() if value is not None}
        after: int | None = None
        while left > 0 and (after is not None or "after" not in parameters):
            parameters["limit"] = int(min(left, _PAGE_SIZE))
            page = self.request("GET", path, query=parameters)
            items = cast("list[RecordedEventDict]", page["items"])
            yield from items
            left -= len(items)
            after = cast("int | None", page["next"])
            parameters["after"] = after or 0

    def read(
        self,
        path: str,
        parse: Parser[T],
        query: Mapping[str, str | int | None] = MappingProxyType({}),
        json: JsonObject | None = None,
    ) -> T:
        """Return the parsed response of GET, or of POST with a body.

        Args:
            path: The path.
            parse: The parser of the response.
            query: The query; parameters without a value are omitted.
            json: The body.

        Raises:
            ControlError: The server cannot be reached, rejects the request or has another version.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        method = "GET" if json is None else "POST"
        response = self.request(method, path, query=parameters, json=json)
        try:
            return parse(response, "$")
        except SchemaError as error:
            problem = f"unexpected response of the local server {self.url}: {error}"
            raise ControlError(problem, 200) from None

    def stream(
        self, path: str, query: Mapping[str, str | int | None]
    ) -> Iterator[RecordedEventDict]:
        """Yield the recorded events of a stream until the server ends it.

        Raises:
            ControlError: The server cannot be reached, rejects the request or disconnects.
        """
        parameters = {name: value for name, value in query.items() if value is not None}
        timeout = httpx.Timeout(10, read=_STREAM_TIMEOUT)
        try:
            with self._http.stream("GET", path, params=parameters, timeout=timeout) as response:
                if not response.is_success:
                    response.read()
                    raise _control_error(response)
                is_event = False
                for line in response.iter_lines():
                    if line.startswith("event: "):
                        is_event = line == "event: recorded"
                    elif is_event and line.startswith("data: "):
                        yield cast("RecordedEventDict", json.loads(line.removeprefix("data: ")))
        except (httpx.HTTPError, RuntimeError) as error:
            raise ControlError(f"no local server at {self.url}: {error}") from error

    def request(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str | int] | None = None,
        json: JsonObject | None = None,
    ) -> JsonObject:
        """Send a request and return the parsed response.

        Raises:
            ControlError: The server cannot be reached, or rejects the request.
        """
        try:
            response = self._http.request(method, path, params=query, json=json)
        except (httpx.HTTPError, RuntimeError) as error:
            # httpx raises RuntimeError once its client is closed.
            raise ControlError(f"no local server at {self.url}: {error}") from error
        if not response.is_success:
            raise _control_error(response)
        try:
            return cast("JsonObject", response.json()) if response.content else {}
        except ValueError:
            raise _control_error(response) from None


def items_of(parse: Parser[T]) -> Parser[list[T]]:
    """Return a parser of responses that contain items."""
    parse_items = array_of(parse)
    return lambda data, path: ObjectReader(data, path).required("items", parse_items)


def _control_error(response: httpx.Response) -> ControlError:
    try:
        error = cast("dict[str, JsonValue]", response.json())
        message, path = str(error["message"]), error.get("path")
    except (ValueError, TypeError, KeyError):
        message, path = f"{response.url} is not a local server", None
    return ControlError(message, response.status_code, path if isinstance(path, str) else None)
