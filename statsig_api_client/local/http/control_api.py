"""The control API below `/local`: project, recorded events, overrides, faults."""

from collections.abc import Iterator
from importlib.resources import files
from typing import NotRequired, TypedDict, cast

import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject, JsonValue
from ..config_specs.catalog import KINDS, entities
from ..config_specs.overrides import Override, OverrideTargetError, Unit, group_rules
from ..faults import InjectedFault
from ..recording import EventFilter, EventKind
from ..state import ServerState
from .console_api import ConsoleApi, ExplainRequestDict
from .console_pages import accepts_html
from .control_requests import ControlRequests, event_page
from .lift_api import LiftApi, LiftRequestDict
from .override_requests import OverrideRequestDict, override_result, requested_override


class ResetRequestDict(TypedDict):
    """The state to discard."""

    recorded: NotRequired[bool]
    overrides: NotRequired[bool]
    faults: NotRequired[bool]


class FaultRequestDict(TypedDict):
    """A fault to inject."""

    calls: NotRequired[list[str] | None]
    times: NotRequired[int | None]
    delay: NotRequired[int]
    status: NotRequired[int | None]
    retryAfter: NotRequired[float | None]
    body: NotRequired[str | None]
    drop: NotRequired[bool]
    garbage: NotRequired[bool]


class EntityDict(TypedDict):
    """A gate, config, experiment, layer, segment or holdout."""

    kind: str
    name: str
    idType: str
    enabled: bool
    groups: list[str]
    overridden: bool


def control_document() -> JsonObject:
    """Return the OpenAPI document of the control API."""
    text = files("statsig_api_client.local.http").joinpath("control_api.yaml").read_text("utf-8")
    return cast("JsonObject", yaml.safe_load(text))


class ControlApi:
    """The operations of the control API, for one server.

    Args:
        state: The server's state.
        loopback_only: Whether only this machine can reach the server.
    """

    def __init__(self, state: ServerState, *, loopback_only: bool) -> None:
        self._state = state
        self._document = control_document()
        self._requests = ControlRequests(
            self._document,
            *(ResetRequestDict, OverrideRequestDict, FaultRequestDict),
            *(ExplainRequestDict, LiftRequestDict),
        )
        self._console = ConsoleApi(state, self._requests, loopback_only=loopback_only)
        self._lift = LiftApi(state, self._requests)

    def routes(self) -> list[Route]:
        """Return a route for each operation."""
        operations = (
            ("GET", "/", self.document),
            ("GET", "/openapi.json", self.document),
            ("GET", "/health", self.health),
            ("GET", "/project", self.project),
            ("GET", "/specs", self.specs),
            ("GET", "/entities", self.entities),
            ("GET", "/events", self.events),
            ("GET", "/exposures", self.exposures),
            ("POST", "/reset", self.reset),
            ("GET", "/overrides", self.overrides),
            ("PUT", "/overrides", self.override),
            ("DELETE", "/overrides", self.remove_overrides),
            ("GET", "/faults", self.faults),
            ("POST", "/faults", self.add_fault),
            ("DELETE", "/faults", self.remove_faults),
        )
        return [
            *(
                Route(f"/local{path}", operation, methods=[method])
                for method, path, operation in operations
            ),
            *self._console.routes(),
            *self._lift.routes(),
        ]

    async def document(self, request: Request) -> Response:
        """Return the OpenAPI document, with the URL of this server; to a browser, the console."""
        if request.url.path == "/local/" and accepts_html(request):
            return RedirectResponse("/")
        server: JsonObject = {"url": f"{request.base_url}local", "description": "This server."}
        return JSONResponse({**self._document, "servers": [server]})

    async def health(self, _request: Request) -> Response:
        """Confirm that the server is running."""
        return JSONResponse({"status": "ok"})

    async def project(self, request: Request) -> Response:
        """Return the project that is served."""
        specs = self._state.specs
        names = self._names()
        return JSONResponse(
            {
                "file": str(specs.file),
                "url": f"{request.base_url}v1",
                "keys": {"secret": specs.keys.secret, "client": specs.keys.client},
                "environments": specs.environments,
                "gates": names["gate"],
                "configs": names["config"],
                "experiments": names["experiment"],
                "layers": names["layer"],
                "segments": names["segment"],
                "holdouts": names["holdout"],
                "idLists": sorted(specs.id_lists),
                "time": specs.time,
                "problem": self._state.problem,
            }
        )

    async def specs(self, _request: Request) -> Response:
        """Return the config specs."""
        return JSONResponse(self._state.specs.document)

    async def entities(self, request: Request) -> Response:
        """Return the entities of the project."""
        kind = self._requests.query(request).get("kind")
        return JSONResponse(
            {"items": [entity for entity in self._entities() if kind in {None, entity["kind"]}]}
        )

    async def events(self, request: Request) -> Response:
        """Return a page of events."""
        return self._page(request, exposures=False)

    async def exposures(self, request: Request) -> Response:
        """Return a page of exposures."""
        return self._page(request, exposures=True)

    async def reset(self, request: Request) -> Response:
        """Discard recorded events, overrides and faults."""
        wanted = await self._requests.body(request, ResetRequestDict)
        if wanted.get("recorded", True):
            self._state.discard_recorded()
        if wanted.get("overrides", True):
            await self._state.remove_overrides(lambda _: True)
        if wanted.get("faults", True):
            self._state.faults.clear()
        return Response(status_code=204)

    async def overrides(self, _request: Request) -> Response:
        """Return the overrides."""
        return JSONResponse({"items": [override_result(o) for o in self._state.overrides]})

    async def override(self, request: Request) -> Response:
        """Add an override."""
        wanted = await self._requests.body(request, OverrideRequestDict)
        override = requested_override(wanted)
        try:
            await self._state.override(override)
        except OverrideTargetError as error:
            raise HTTPException(404, str(error)) from None
        return JSONResponse(override_result(override))

    async def remove_overrides(self, request: Request) -> Response:
        """Remove overrides."""
        query = self._requests.query(request)
        unit: Unit | None = None
        if "userID" in query:
            unit = Unit(id_type="userID", id=str(query["userID"]))
        elif "unitID" in query:
            id_type = str(query.get("unitType", "userID"))
            unit = Unit(id_type=id_type, id=str(query["unitID"]))

        def matches(override: Override) -> bool:
            return (
                query.get("kind", override.kind) == override.kind
                and query.get("name", override.name) == override.name
                and (unit is None or unit == override.unit)
                and (query.get("scope") != "everyone" or override.unit is None)
            )

        await self._state.remove_overrides(matches)
        return Response(status_code=204)

    async def faults(self, _request: Request) -> Response:
        """Return the armed faults."""
        return JSONResponse({"items": [_fault_result(fault) for fault in self._state.faults.items]})

    async def add_fault(self, request: Request) -> Response:
        """Arm a fault."""
        wanted = await self._requests.body(request, FaultRequestDict)
        return JSONResponse(_fault_result(self._state.faults.add(_fault(wanted))))

    async def remove_faults(self, _request: Request) -> Response:
        """Remove all faults."""
        self._state.faults.clear()
        return Response(status_code=204)

    def _page(self, request: Request, *, exposures: bool) -> Response:
        query = self._requests.query(request)
        condition = EventFilter(
            kind=cast("EventKind | None", query.get("kind")),
            exposures=exposures,
            name=cast("str | None", query.get("name")),
            user_id=cast("str | None", query.get("userID")),
            rule_id=cast("str | None", query.get("ruleID")),
            since=cast("int | None", query.get("since")),
            until=cast("int | None", query.get("until")),
        )
        return event_page(self._state.recording, condition, query)

    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for entity in self._entities():
            names.setdefault(entity["kind"], []).append(entity["name"])
        return {kind: names.get(kind, []) for kind in KINDS}

    def _entities(self) -> Iterator[EntityDict]:
        overridden = {(override.kind, override.name) for override in self._state.overrides}
        for entity in entities(self._state.specs):
            yield {
                "kind": entity.kind,
                "name": entity.name,
                "idType": str(entity.spec["idType"]),
                "enabled": entity.spec.get("enabled") is True,
                "groups": [*group_rules(entity.spec)],
                "overridden": (entity.kind, entity.name) in overridden,
            }


def _fault(wanted: FaultRequestDict) -> InjectedFault:
    calls, status = wanted.get("calls"), wanted.get("status")
    if status is None and {wanted.get("retryAfter"), wanted.get("body")} != {None}:
        status = 503
    return InjectedFault(
        calls=None if calls is None else frozenset(calls),
        times=wanted.get("times", 1),
        delay=wanted.get("delay", 0),
        status=status,
        retry_after=wanted.get("retryAfter"),
        body=wanted.get("body"),
        drop=wanted.get("drop", False),
        garbage=wanted.get("garbage", False),
    )


def _fault_result(fault: InjectedFault) -> JsonObject:
    calls: JsonValue = None if fault.calls is None else [*sorted(fault.calls)]
    return {
        "id": fault.id,
        "calls": calls,
        "times": fault.times,
        "delay": fault.delay,
        "status": fault.status,
        "retryAfter": fault.retry_after,
        "body": fault.body,
        "drop": fault.drop,
        "garbage": fault.garbage,
    }
