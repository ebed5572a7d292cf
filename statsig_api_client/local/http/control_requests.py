"""Requests and pages of the control API."""

from collections.abc import Mapping
from typing import Final, TypeVar, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from ..._runtime.parsers import JsonObject
from ..recording import EventFilter, RecordedEventDict, Recording
from .body import read_body
from .validation import BodyValidator, QueryValidator

T = TypeVar("T")

_PAGE_SIZE: Final = 100


class ControlRequests:
    """Parser of requests that validates them with the OpenAPI document of the control API.

    Args:
        document: The OpenAPI document.
        shapes: The types of request bodies.
    """

    def __init__(self, document: JsonObject, *shapes: type) -> None:
        self._bodies = BodyValidator(document, *shapes)
        self._queries = QueryValidator(document)

    async def body(self, request: Request, shape: type[T]) -> T:
        """Parse the body of a request.

        Raises:
            HTTPException: 415 for a content type other than JSON.
            SchemaError: The body does not match the document.
        """
        # Web pages of other origins can send this type only after a preflight, which is rejected.
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise HTTPException(415, "expected content-type application/json")
        return self._bodies.check(shape, await read_body(request))

    def query(self, request: Request) -> Mapping[str, str | int]:
        """Parse the query of a request.

        Raises:
            SchemaError: The query does not match the document.
        """
        path = request.url.path.removeprefix("/local")
        return self._queries.parse(path, request.method, request.query_params)


def event_page(
    recording: Recording, condition: EventFilter, query: Mapping[str, str | int]
) -> Response:
    """Return a page of recorded events.

    Args:
        recording: The recorded events.
        condition: The conditions that the events must meet.
        query: The query, with the position, size and order of the page.
    """
    page = recording.find(
        condition,
        after=cast("int | None", query.get("after")),
        limit=cast("int", query.get("limit", _PAGE_SIZE)),
        newest_first=query.get("order") == "newest",
    )
    items: list[RecordedEventDict] = [event.to_dict() for event in page.items]
    return JSONResponse({"items": items, "next": page.next})
