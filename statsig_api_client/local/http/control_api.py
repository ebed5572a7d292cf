"""The control API below `/local`: project, recorded events, overrides, faults."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NotRequired, TypedDict, TypeVar, cast

import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject, JsonValue
from ..config_specs.formats import CONFIGS, GATES, LAYERS, as_object
from ..config_specs.overrides import (
    Override,
    OverrideKind,
    OverrideTargetError,
    Unit,
    group_rules,
)
from ..faults import InjectedFault
from ..project.model import segment_spec
from ..recording import EventFilter, EventKind, RecordedEventDict
from ..state import ServerState
from .body import read_body
from .validation import BodyValidator, QueryValidator

T = TypeVar("T")

_PAGE_SIZE: Final = 100


class ResetRequestDict(TypedDict):
    """The state to discard."""

    recorded: NotRequired[bool]
    overrides: NotRequired[bool]
    faults: NotRequired[bool]


class UnitIDDict(TypedDict):
    """The ID of a unit."""

    type: str
    id: str


class OverrideRequestDict(TypedDict):
    """An override: a value or a group, for one unit or for all users."""

    kind: OverrideKind
    name: str
    userID: NotRequired[str]
    unitID: NotRequired[UnitIDDict]
    value: NotRequired[bool | JsonObject]
    group: NotRequired[str]


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
    """The operations of the control API, for one server."""

    def __init__(self, state: ServerState) -> None:
        self._state = state
        self._document = control_document()
        self._bodies = BodyValidator(
            self._document, ResetRequestDict, OverrideRequestDict, FaultRequestDict
        )
        self._queries = QueryValidator(self._document)

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
            Route(f"/local{path}", operation, methods=[method])
            for method, path, operation in operations
        ]

    async def document(self, request: Request) -> Response:
        """Return the OpenAPI document, with the URL of this server."""
        server: JsonObject = {"url": f"{request.base_url}local", "description": "This server."}
        return JSONResponse({**self._document, "servers": [server]})

    async def health(self, _request: Request) -> Response:
        """Return that the server is running."""
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
        kind = self._query(request).get("kind")
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
        wanted = await self._read(request, ResetRequestDict)
        if wanted.get("recorded", True):
            self._state.recording.reset()
        if wanted.get("overrides", True):
            self._state.remove_overrides(lambda _: True)
        if wanted.get("faults", True):
            self._state.faults.clear()
        return Response(status_code=204)

    async def overrides(self, _request: Request) -> Response:
        """Return the overrides."""
        return JSONResponse({"items": [_override_result(o) for o in self._state.overrides]})

    async def override(self, request: Request) -> Response:
        """Add an override."""
        wanted = await self._read(request, OverrideRequestDict)
        override = _override(wanted)
        try:
            self._state.override(override)
        except OverrideTargetError as error:
            raise HTTPException(404, str(error)) from None
        return JSONResponse(_override_result(override))

    async def remove_overrides(self, request: Request) -> Response:
        """Remove overrides."""
        query = self._query(request)
        unit = Unit(id_type="userID", id=str(query["userID"])) if "userID" in query else None
        self._state.remove_overrides(
            lambda override: (
                query.get("kind", override.kind) == override.kind
                and query.get("name", override.name) == override.name
                and (unit is None or unit == override.unit)
            )
        )
        return Response(status_code=204)

    async def faults(self, _request: Request) -> Response:
        """Return the armed faults."""
        return JSONResponse({"items": [_fault_result(fault) for fault in self._state.faults.items]})

    async def add_fault(self, request: Request) -> Response:
        """Arm a fault."""
        wanted = await self._read(request, FaultRequestDict)
        return JSONResponse(_fault_result(self._state.faults.add(_fault(wanted))))

    async def remove_faults(self, _request: Request) -> Response:
        """Remove all faults."""
        self._state.faults.clear()
        return Response(status_code=204)

    async def _read(self, request: Request, shape: type[T]) -> T:
        # Web pages of other origins can send this type only after a preflight, which is rejected.
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise HTTPException(415, "expected content-type application/json")
        return self._bodies.check(shape, await read_body(request))

    def _query(self, request: Request) -> Mapping[str, str | int]:
        path = request.url.path.removeprefix("/local")
        return self._queries.parse(path, request.method, request.query_params)

    def _page(self, request: Request, *, exposures: bool) -> Response:
        query = self._query(request)
        page = self._state.recording.find(
            EventFilter(
                kind=cast("EventKind | None", query.get("kind")),
                exposures=exposures,
                name=cast("str | None", query.get("name")),
                user_id=cast("str | None", query.get("userID")),
                rule_id=cast("str | None", query.get("ruleID")),
                since=cast("int | None", query.get("since")),
                until=cast("int | None", query.get("until")),
            ),
            after=cast("int | None", query.get("after")),
            limit=cast("int", query.get("limit", _PAGE_SIZE)),
            newest_first=query.get("order") == "newest",
        )
        items: list[RecordedEventDict] = [event.to_dict() for event in page.items]
        return JSONResponse({"items": items, "next": page.next})

    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for entity in self._entities():
            names.setdefault(entity["kind"], []).append(entity["name"])
        kinds = ("gate", "config", "experiment", "layer", "segment", "holdout")
        return {kind: names.get(kind, []) for kind in kinds}

    def _entities(self) -> Iterator[EntityDict]:
        specs = self._state.specs
        overridden = {(override.kind, override.name) for override in self._state.overrides}
        inner = {name: str(specs.gate_specs[name]["entity"]) for name in sorted(specs.inner_gates)}
        kinds = (
            *(("gate", GATES, name) for name in specs.gates),
            *(("config", CONFIGS, name) for name in specs.configs),
            *(("experiment", CONFIGS, name) for name in specs.experiments),
            *(("layer", LAYERS, name) for name in specs.layers),
            *((kind, GATES, name) for name, kind in inner.items()),
        )
        for kind, section, name in kinds:
            spec = as_object(as_object(specs.document[section], section)[name], name)
            yield {
                "kind": kind,
                "name": name.removeprefix(segment_spec("")) if kind == "segment" else name,
                "idType": str(spec["idType"]),
                "enabled": spec.get("enabled") is True,
                "groups": [*group_rules(spec)],
                "overridden": (kind, name) in overridden,
            }


def _override(wanted: OverrideRequestDict) -> Override:
    unit: Unit | None = None
    if "userID" in wanted:
        unit = Unit(id_type="userID", id=wanted["userID"])
    elif "unitID" in wanted:
        unit = Unit(id_type=wanted["unitID"]["type"], id=wanted["unitID"]["id"])
    return Override(
        kind=wanted["kind"],
        name=wanted["name"],
        unit=unit,
        value=wanted.get("value"),
        group=wanted.get("group"),
    )


def _override_result(override: Override) -> OverrideRequestDict:
    reply = OverrideRequestDict(kind=override.kind, name=override.name)
    if override.unit is not None:
        if override.unit.id_type == "userID":
            reply["userID"] = override.unit.id
        else:
            reply["unitID"] = {"type": override.unit.id_type, "id": override.unit.id}
    if override.value is not None:
        reply["value"] = override.value
    if override.group is not None:
        reply["group"] = override.group
    return reply


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
