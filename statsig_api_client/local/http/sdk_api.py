"""What Statsig's own SDKs ask for: specs, ID lists, a user's evaluations; and their events."""

import gzip
import json
import logging
import re
from typing import Final

from attrs import field, frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Match, Route
from starlette.types import Scope

from ..._runtime.parsers import JsonObject, JsonValue
from ..config_specs.core import HashAlgorithm
from ..config_specs.formats import to_v1
from ..config_specs.id_lists import IdListFiles
from ..state import Service
from .auth import require_key, require_secret_key
from .event_time import clock_error
from .id_list_files import id_list_lookup, id_list_response
from .sdk_body import read_sdk_body
from .sdk_events import sdk_events
from .validation import ContractError

_logger = logging.getLogger("statsig_api_client.local")

_OUR_OWN: Final = "py-http-api"
"""What this package's client calls itself; it keeps to the contract of the HTTP API."""

_HASHES: Final[dict[str, HashAlgorithm]] = {"none": "none", "sha256": "sha256", "djb2": "djb2"}
_NO_UPDATES: Final[JsonObject] = {"has_updates": False}


class _SdkRoute(Route):
    """A route for the requests of SDKs alone, which share its path with the HTTP API."""

    def matches(self, scope: Scope) -> tuple[Match, Scope]:
        """Whether a request is for this route."""
        match, child = super().matches(scope)
        request = Request(scope) if match is Match.FULL else None
        if request and not _sdk(request):
            return Match.NONE, {}
        return match, child


def _sdk(request: Request) -> str | None:
    sdk = request.headers.get("statsig-sdk-type") or request.query_params.get("st")
    return None if sdk == _OUR_OWN else sdk


@frozen(kw_only=True)
class SdkApi:
    """The calls of SDKs, on one project."""

    service: Service
    _id_lists: IdListFiles = field(factory=IdListFiles, init=False)

    def routes(self) -> list[Route]:
        """The calls, each by its path."""
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
        """Answer the project's config specs, or that they have not changed."""
        specs = self.service.specs
        require_secret_key(request, specs.keys)
        # SDKs have the time in the query, and the oldest of them in the body.
        since = request.query_params.get("sinceTime") or (await read_sdk_body(request)).get(
            "sinceTime"
        )
        if _is_newest(since, specs.time):
            return JSONResponse(_NO_UPDATES)
        etag = {"etag": f'"{specs.time}"'}
        if request.headers.get("if-none-match") == etag["etag"]:
            return Response(status_code=304, headers=etag)
        # The core, and it alone, asks for protobuf. It reads only the newer form, and were it given
        # the older one, it would say so in its log alone.
        newer = request.url.path.startswith("/v2/") or "supports_proto" in request.query_params
        return _packed(request, specs.document if newer else to_v1(specs.document), etag)

    async def id_lists(self, request: Request) -> Response:
        """Answer where the project's ID lists are."""
        specs = self.service.specs
        require_secret_key(request, specs.keys)
        self._id_lists.update(specs.id_lists)
        return JSONResponse(id_list_lookup(self._id_lists, str(request.base_url)))

    async def id_list_file(self, request: Request) -> Response:
        """Answer an ID list, or its end."""
        # Without a key, as with Statsig: SDKs take the URL from the answer above as it is.
        file = self._id_lists.find(request.path_params["file_id"])
        return id_list_response(file, request)

    async def initialize(self, request: Request) -> Response:
        """Answer all that a client SDK may know for a user."""
        specs = self.service.specs
        require_key(request, specs.keys)
        body = await read_sdk_body(request)
        user = body.get("user") or {}
        if not isinstance(user, dict):
            raise ContractError("$.user", "expected an object")
        wanted = body.get("hash") or "sha256"  # SDKs that do not say it know only this one.
        algorithm = _HASHES.get(str(wanted))
        if algorithm is None:
            raise ContractError("$.hash", f"expected one of {', '.join(_HASHES)}")
        if _is_newest(body.get("sinceTime"), specs.time):
            return Response(status_code=204)
        answer = self.service.evaluator.initialize(user, algorithm)
        return Response(answer, media_type="application/json")

    async def log_event(self, request: Request) -> Response:
        """Store the events of an SDK."""
        require_key(request, self.service.specs.keys)
        sent = request.headers.get("statsig-client-time", "")
        error = clock_error(int(sent) if re.fullmatch("[0-9]{1,19}", sent) else None)
        events = list(sdk_events(await read_sdk_body(request), error))
        self.service.recording.store(events)
        return JSONResponse({"success": True}, 202)

    async def sdk_exception(self, request: Request) -> Response:
        """Tell the log what went wrong inside an SDK."""
        require_key(request, self.service.specs.keys)
        body = await read_sdk_body(request)
        _logger.warning("an SDK reports %.200r, %.1000r", body.get("exception"), body.get("info"))
        return JSONResponse({"success": True}, 202)


def _is_newest(written: JsonValue, time: int) -> bool:
    try:
        since = float(written) if isinstance(written, str | int | float) else 0
    except ValueError:
        raise HTTPException(400, "expected milliseconds since 1970 as sinceTime") from None
    return 0 < since >= time  # 0, or no time at all, is that of a client that has nothing yet.


def _packed(request: Request, body: JsonObject, headers: dict[str, str]) -> Response:
    data = json.dumps(body, separators=(",", ":")).encode()
    headers = headers | {"vary": "accept-encoding"}
    if "gzip" in request.headers.get("accept-encoding", ""):
        data, headers = gzip.compress(data, 1), headers | {"content-encoding": "gzip"}
    return Response(data, headers=headers, media_type="application/json")
