"""The endpoints of Statsig's SDKs: config specs, ID lists, initialize, events."""

import gzip
import json
import logging
import re
from typing import Final, cast

from attrs import field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ..._runtime.parsers import JsonObject, JsonValue, SchemaError
from ..config_specs.core import HashAlgorithm
from ..config_specs.formats import to_v1
from ..config_specs.id_lists import IdListFile, IdListFiles
from ..state import ServerState
from .auth import require_key, require_secret_key, require_specs_key
from .body import read_sdk_body
from .events import clock_error, sdk_events
from .hashed_names import HashedNames
from .summaries import summarize_events

_logger = logging.getLogger("statsig_api_client.local")

_THIS_PACKAGE: Final = "py-http-api"
"""The SDK type of this package's client, which uses the schema of the HTTP API."""

_HASHES: Final[dict[str, HashAlgorithm]] = {"none": "none", "sha256": "sha256", "djb2": "djb2"}
_NO_UPDATES: Final[JsonObject] = {"has_updates": False}
_RANGE: Final = re.compile(r"bytes=([0-9]{1,18})-")


class _SdkRoute(Route):
    """A route for requests of SDKs on a path of the HTTP API."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Match requests that name an SDK."""
        match, child = super().matches(scope)
        if match is Match.FULL and not _is_sdk(Request(scope)):
            return Match.NONE, {}
        return match, child


def _is_sdk(request: Request) -> bool:
    sdk = request.headers.get("statsig-sdk-type") or request.query_params.get("st")
    return sdk not in {None, "", _THIS_PACKAGE}


@frozen(kw_only=True)
class SdkApi:
    """The endpoints of SDKs, for one project."""

    state: ServerState
    _id_lists: IdListFiles = field(factory=IdListFiles, init=False)
    _hashed_names: HashedNames = field(factory=HashedNames, init=False)

    def routes(self) -> list[Route]:
        """Return a route for each endpoint."""
        specs = ["/v1/download_config_specs", "/v2/download_config_specs"]
        return [
            *(Route(path, self.config_specs, methods=["GET", "POST"]) for path in specs),
            *(Route(f"{path}/{{key}}", self.config_specs) for path in specs),
            Route("/v1/get_id_lists", self.id_lists, methods=["GET", "POST"]),
            Route("/v1/get_id_lists/{key}", self.id_lists),
            Route("/v1/download_id_list_file/{file_id}", self.id_list_file),
            Route("/v1/initialize", self.initialize, methods=["POST"]),
            _SdkRoute("/v1/log_event", self.log_event, methods=["POST"]),
            Route("/v1/rgstr", self.log_event, methods=["POST"]),
            Route("/v1/log_event_beacon", self.log_event, methods=["POST"]),
            Route("/v1/sdk_exception", self.sdk_exception, methods=["POST"]),
        ]

    async def config_specs(self, request: Request) -> Response:
        """Return the project's config specs, unless the SDK has the latest version."""
        specs = self.state.specs
        require_specs_key(request, specs.keys)
        # The oldest SDKs send the time in the body, others in the query.
        since = request.query_params.get("sinceTime") or (await read_sdk_body(request)).get(
            "sinceTime"
        )
        if _is_newest(since, specs.time):
            return JSONResponse(_NO_UPDATES)
        etag = {"etag": f'"{specs.time}"'}
        if request.headers.get("if-none-match") == etag["etag"]:
            return Response(status_code=304, headers=etag)
        # Only the core requests protobuf, and it reads only version 2.
        is_v2 = request.url.path.startswith("/v2/") or "supports_proto" in request.query_params
        return _compressed(request, specs.document if is_v2 else to_v1(specs.document), etag)

    async def id_lists(self, request: Request) -> Response:
        """Return the location and size of each ID list by name."""
        specs = self.state.specs
        require_secret_key(request, specs.keys)
        self._id_lists.update(specs.id_lists)
        return JSONResponse(
            {
                file.name: {
                    "name": file.name,
                    "url": f"{request.base_url}v1/download_id_list_file/{file.file_id}",
                    "fileID": file.file_id,
                    "size": len(file.content),
                    "creationTime": file.created,
                }
                for file in self._id_lists
                # The core treats an empty file as a failure, and an unknown list as empty.
                if file.content
            }
        )

    async def id_list_file(self, request: Request) -> Response:
        """Return an ID list, or the part of it that the header `Range` requests."""
        # No key is required, as in Statsig's service: SDKs request the URL without one.
        file = self._id_lists.find(request.path_params["file_id"])
        if file is None:
            raise HTTPException(404, "no such ID list")
        return _id_list_response(file, request.headers.get("range"))

    async def initialize(self, request: Request) -> Response:
        """Return the evaluations that a client SDK needs for a user."""
        specs = self.state.specs
        require_key(request, specs.keys)
        body = await read_sdk_body(request)
        user = body.get("user") or {}
        if not isinstance(user, dict):
            raise SchemaError("$.user", "expected an object")
        # SDKs that do not name an algorithm know only sha256.
        algorithm = _HASHES.get(str(body.get("hash") or "sha256"))
        if algorithm is None:
            raise SchemaError("$.hash", f"expected one of {', '.join(_HASHES)}")
        if _is_newest(body.get("sinceTime"), specs.time):
            return Response(status_code=204)
        content = self.state.evaluator.initialize(user, algorithm)
        if '"value":null' in content:
            content = _without_null_values(content)
        return Response(content, media_type="application/json")

    async def log_event(self, request: Request) -> Response:
        """Store the events of an SDK."""
        require_key(request, self.state.specs.keys)
        sent = request.headers.get("statsig-client-time", "")
        error = clock_error(int(sent) if re.fullmatch("[0-9]{1,19}", sent) else None)
        names = self._hashed_names.of(self.state.specs)
        events = list(sdk_events(await read_sdk_body(request), names, error))
        self.state.record(events)
        summarize_events(request, events)
        return JSONResponse({"success": True}, 202)

    async def sdk_exception(self, request: Request) -> Response:
        """Log an exception that an SDK reports."""
        require_key(request, self.state.specs.keys)
        body = await read_sdk_body(request)
        _logger.warning("an SDK reports %.200r, %.1000r", body.get("exception"), body.get("info"))
        return JSONResponse({"success": True}, 202)


def _is_newest(since: JsonValue, time: int) -> bool:
    try:
        milliseconds = float(since) if isinstance(since, str | int | float) else 0
    except ValueError:
        raise HTTPException(400, "expected milliseconds since 1970 as sinceTime") from None
    return 0 < milliseconds >= time  # Zero is the time of a client that has no specs yet.


def _without_null_values(content: str) -> str:
    # The core returns null after a condition that it does not support; Statsig's SDKs return {}.
    results = cast("dict[str, dict[str, JsonObject]]", json.loads(content))
    for section in ("dynamic_configs", "layer_configs"):
        for result in results[section].values():
            if result["value"] is None:
                result["value"] = {}
    return json.dumps(results, separators=(",", ":"))


def _compressed(request: Request, body: JsonObject, headers: dict[str, str]) -> Response:
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = headers | {"vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, headers = gzip.compress(data, 1), headers | {"content-encoding": "gzip"}
    return Response(data, headers=headers, media_type="application/json")


def _id_list_response(file: IdListFile, range_header: str | None) -> Response:
    if range_header is None:
        return Response(file.content, media_type="text/plain")
    size = len(file.content)
    match = _RANGE.fullmatch(range_header)
    if match is None or int(match[1]) >= size:
        headers = {"content-range": f"bytes */{size}"}
        raise HTTPException(416, f"expected bytes=N-, of {size} bytes", headers)
    first = int(match[1])
    headers = {"content-range": f"bytes {first}-{size - 1}/{size}"}
    return Response(file.content[first:], 206, headers, "text/plain")
