"""The calls under `/local`: what the server tells of itself, and how it is steered."""

from collections.abc import Iterator, Mapping
from importlib.resources import files
from typing import Final, NotRequired, TypedDict, TypeVar, cast

import yaml
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
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
from ..faults import Fault
from ..project.model import segment_spec
from ..recording import Kind, Query, RecordedJson
from ..state import Service
from .body import read_body
from .docs_page import docs_page
from .query import QueryContract
from .validation import Contract

T = TypeVar("T")

_PAGE: Final = 100


class ResetRequest(TypedDict):
    """What to forget."""

    recorded: NotRequired[bool]
    overrides: NotRequired[bool]
    faults: NotRequired[bool]


class UnitID(TypedDict):
    """A unit, by its ID."""

    type: str
    id: str


class OverrideRequest(TypedDict):
    """An override: a value or a group, for one unit or for everyone."""

    kind: OverrideKind
    name: str
    userID: NotRequired[str]
    unitID: NotRequired[UnitID]
    value: NotRequired[bool | JsonObject]
    group: NotRequired[str]


class FaultRequest(TypedDict):
    """What is to go wrong."""

    calls: NotRequired[list[str] | None]
    times: NotRequired[int | None]
    delay: NotRequired[int]
    status: NotRequired[int | None]
    retryAfter: NotRequired[float | None]
    body: NotRequired[str | None]
    drop: NotRequired[bool]
    garbage: NotRequired[bool]


class Entity(TypedDict):
    """A gate, config, experiment, layer, segment or holdout."""

    kind: str
    name: str
    idType: str
    enabled: bool
    groups: list[str]
    overridden: bool


def local_document() -> JsonObject:
    """The OpenAPI document of these calls."""
    text = files("statsig_api_client.local.http").joinpath("control_api.yaml").read_text("utf-8")
    return cast("JsonObject", yaml.safe_load(text))


class LocalApi:
    """The calls under `/local`, on one project."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._document = local_document()
        self._contract = Contract(self._document, ResetRequest, OverrideRequest, FaultRequest)
        self._queries = QueryContract(self._document)

    def routes(self) -> list[Route]:
        """The calls, each by its path."""
        calls = (
            ("GET", "/", self.docs),
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
        return [Route(f"/local{path}", call, methods=[method]) for method, path, call in calls]

    async def docs(self, request: Request) -> Response:
        """Show the document to a person."""
        return HTMLResponse(docs_page(self._document_of(request)))

    async def document(self, request: Request) -> Response:
        """Answer the document."""
        return JSONResponse(self._document_of(request))

    async def health(self, _request: Request) -> Response:
        """Answer that the server is there."""
        return JSONResponse({"status": "ok"})

    async def project(self, request: Request) -> Response:
        """Answer what is served."""
        specs = self._service.specs
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
                "problem": self._service.problem,
            }
        )

    async def specs(self, _request: Request) -> Response:
        """Answer the config specs."""
        return JSONResponse(self._service.specs.document)

    async def entities(self, request: Request) -> Response:
        """Answer what the project has, in detail."""
        kind = self._query(request).get("kind")
        return JSONResponse(
            {"items": [entity for entity in self._entities() if kind in {None, entity["kind"]}]}
        )

    async def events(self, request: Request) -> Response:
        """Answer a page of events."""
        return self._page(request, exposures=False)

    async def exposures(self, request: Request) -> Response:
        """Answer a page of exposures."""
        return self._page(request, exposures=True)

    async def reset(self, request: Request) -> Response:
        """Forget."""
        wanted = await self._read(request, ResetRequest)
        if wanted.get("recorded", True):
            self._service.recording.reset()
        if wanted.get("overrides", True):
            self._service.remove_overrides(lambda _: True)
        if wanted.get("faults", True):
            self._service.faults.clear()
        return Response(status_code=204)

    async def overrides(self, _request: Request) -> Response:
        """Answer the overrides."""
        return JSONResponse({"items": [_override_reply(o) for o in self._service.overrides]})

    async def override(self, request: Request) -> Response:
        """Add an override."""
        wanted = await self._read(request, OverrideRequest)
        override = _override(wanted)
        try:
            self._service.override(override)
        except OverrideTargetError as error:
            raise HTTPException(404, str(error)) from None
        return JSONResponse(_override_reply(override))

    async def remove_overrides(self, request: Request) -> Response:
        """Remove overrides."""
        query = self._query(request)
        unit = Unit(id_type="userID", id=str(query["userID"])) if "userID" in query else None
        self._service.remove_overrides(
            lambda override: (
                query.get("kind", override.kind) == override.kind
                and query.get("name", override.name) == override.name
                and (unit is None or unit == override.unit)
            )
        )
        return Response(status_code=204)

    async def faults(self, _request: Request) -> Response:
        """Answer the faults that are still to come."""
        return JSONResponse(
            {"items": [_fault_reply(fault) for fault in self._service.faults.items]}
        )

    async def add_fault(self, request: Request) -> Response:
        """Add a fault."""
        wanted = await self._read(request, FaultRequest)
        return JSONResponse(_fault_reply(self._service.faults.add(_fault(wanted))))

    async def remove_faults(self, _request: Request) -> Response:
        """Remove all faults."""
        self._service.faults.clear()
        return Response(status_code=204)

    async def _read(self, request: Request, shape: type[T]) -> T:
        # A page of another origin can send JSON only by asking first, and is told no.
        content_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
        if content_type != "application/json":
            raise HTTPException(415, "expected JSON, and content-type: application/json")
        return self._contract.check(shape, await read_body(request))

    def _document_of(self, request: Request) -> JsonObject:
        # With the address at which it was asked for, where what it tells can be tried out.
        here: JsonObject = {"url": f"{request.base_url}local", "description": "This server."}
        return {**self._document, "servers": [here]}

    def _query(self, request: Request) -> Mapping[str, str | int]:
        path = request.url.path.removeprefix("/local")
        return self._queries.read(path, request.method, request.query_params)

    def _page(self, request: Request, *, exposures: bool) -> Response:
        query = self._query(request)
        page = self._service.recording.find(
            Query(
                kind=cast("Kind | None", query.get("kind")),
                exposures=exposures,
                name=cast("str | None", query.get("name")),
                user_id=cast("str | None", query.get("userID")),
                rule_id=cast("str | None", query.get("ruleID")),
                since=cast("int | None", query.get("since")),
                until=cast("int | None", query.get("until")),
            ),
            after=cast("int", query.get("after", 0)),
            limit=cast("int", query.get("limit", _PAGE)),
        )
        items: list[RecordedJson] = [event.to_dict() for event in page.items]
        return JSONResponse({"items": items, "next": page.next})

    def _names(self) -> dict[str, list[str]]:
        names: dict[str, list[str]] = {}
        for entity in self._entities():
            names.setdefault(entity["kind"], []).append(entity["name"])
        kinds = ("gate", "config", "experiment", "layer", "segment", "holdout")
        return {kind: names.get(kind, []) for kind in kinds}

    def _entities(self) -> Iterator[Entity]:
        specs = self._service.specs
        overridden = {(override.kind, override.name) for override in self._service.overrides}
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


def _override(wanted: OverrideRequest) -> Override:
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


def _override_reply(override: Override) -> OverrideRequest:
    reply = OverrideRequest(kind=override.kind, name=override.name)
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


def _fault(wanted: FaultRequest) -> Fault:
    calls, status = wanted.get("calls"), wanted.get("status")
    if status is None and {wanted.get("retryAfter"), wanted.get("body")} != {None}:
        status = 503
    return Fault(
        calls=None if calls is None else frozenset(calls),
        times=wanted.get("times", 1),
        delay=wanted.get("delay", 0),
        status=status,
        retry_after=wanted.get("retryAfter"),
        body=wanted.get("body"),
        drop=wanted.get("drop", False),
        garbage=wanted.get("garbage", False),
    )


def _fault_reply(fault: Fault) -> JsonObject:
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
