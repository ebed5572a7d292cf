"""The operations of the control API for the console: entities, explanations, live events."""

from collections.abc import Iterable, Mapping
from typing import NotRequired, TypedDict, cast

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject, JsonValue
from ..._version import __version__
from ..config_specs.catalog import Entity, entities, find_entity, is_generated
from ..config_specs.condition_text import ConditionText
from ..config_specs.document import ConfigSpecs
from ..config_specs.explainer import Explanation, RuleCheck
from ..config_specs.formats import CONFIGS, GATES, as_object
from ..config_specs.named_rules import NamedRule, named_rules
from ..config_specs.overrides import RULE_ID
from ..project.model import suggestion
from ..recording import EventFilter, EventKind
from ..state import ServerState
from .control_requests import ControlRequests, event_page
from .event_stream import event_stream
from .override_requests import override_result


class ExplainRequestDict(TypedDict):
    """A user to evaluate, and optionally one entity."""

    user: JsonObject
    kind: NotRequired[str]
    name: NotRequired[str]


class ConsoleApi:
    """The operations for one server.

    Args:
        state: The server's state.
        requests: The parser of requests.
        loopback_only: Whether only this machine can reach the server.
    """

    def __init__(
        self, state: ServerState, requests: ControlRequests, *, loopback_only: bool
    ) -> None:
        self._state = state
        self._requests = requests
        self._loopback_only = loopback_only

    def routes(self) -> list[Route]:
        """Return a route for each operation."""
        return [
            Route("/local/status", self.status),
            Route("/local/entity", self.entity),
            Route("/local/explain", self.explain, methods=["POST"]),
            Route("/local/exposures/counts", self.exposure_counts),
            Route("/local/recorded", self.recorded),
            Route("/local/stream", self.stream),
        ]

    async def status(self, _request: Request) -> Response:
        """Return the state of the server."""
        state = self._state
        unknown = [
            {"kind": each.kind, "name": each.name, "nearest": each.nearest}
            for each in state.unknown_names.items
        ]
        return JSONResponse(
            {
                "version": __version__,
                "file": str(state.specs.file),
                "loadTime": state.load_time,
                "problem": state.problem,
                "loopbackOnly": self._loopback_only,
                "overrides": len(state.overrides),
                "faults": len(state.faults.items),
                "unknownNames": unknown,
            }
        )

    async def entity(self, request: Request) -> Response:
        """Return an entity with its rules."""
        query = self._requests.query(request)
        entity = self._find(str(query.get("kind")), str(query.get("name")))
        return JSONResponse(_entity_result(self._state, entity))

    async def explain(self, request: Request) -> Response:
        """Evaluate a user against all entities, and return the deciding conditions."""
        call = await self._requests.body(request, ExplainRequestDict)
        kind, name = call.get("kind"), call.get("name")
        if kind is not None and name is not None:
            self._find(kind, name)
        return JSONResponse(
            {
                "items": [
                    _explanation_result(explanation)
                    for explanation in self._state.explainer.explain(call["user"])
                    if kind in {None, explanation.kind} and name in {None, explanation.name}
                ]
            }
        )

    async def exposure_counts(self, request: Request) -> Response:
        """Return the numbers of exposures by rule."""
        query = self._requests.query(request)
        counts = self._state.recording.exposure_counts(_filter(query, exposures=True))
        return JSONResponse(
            {
                "items": [
                    {"ruleID": count.rule_id, "exposures": count.exposures, "users": count.users}
                    for count in counts
                ]
            }
        )

    async def recorded(self, request: Request) -> Response:
        """Return a page of events and exposures."""
        query = self._requests.query(request)
        return event_page(self._state.recording, _filter(query), query)

    async def stream(self, request: Request) -> Response:
        """Stream events, exposures and changes as they arrive."""
        after = self._requests.query(request).get("after")
        # A browser that reconnects sends the ID of the last event that it received.
        last = request.headers.get("last-event-id", "")
        if last.isascii() and last.isdigit() and len(last) < 19:
            after = int(last)
        return event_stream(request, self._state, None if after is None else int(after))

    def _find(self, kind: str, name: str) -> Entity:
        entity = find_entity(self._state.specs, kind, name)
        if entity is None:
            names = [each.name for each in entities(self._state.specs) if each.kind == kind]
            raise HTTPException(404, f"unknown {kind} {name!r}{suggestion(name, names)}")
        return entity


def _filter(query: Mapping[str, str | int], *, exposures: bool | None = None) -> EventFilter:
    return EventFilter(
        kind=cast("EventKind | None", query.get("kind")),
        exposures=exposures,
        name=cast("str | None", query.get("name")),
        contains=cast("str | None", query.get("contains")),
        user_id=cast("str | None", query.get("userID")),
        since=cast("int | None", query.get("since")),
        until=cast("int | None", query.get("until")),
    )


def _entity_result(state: ServerState, entity: Entity) -> JsonObject:
    specs = state.specs
    rules = [
        rule
        for rule in named_rules(specs, entity.spec)
        if rule.rule_id != RULE_ID and rule.targeting is None
    ]
    targeting = next((r.targeting for r in named_rules(specs, entity.spec) if r.targeting), None)
    overrides = [o for o in state.overrides if (o.kind, o.name) == (entity.kind, entity.name)]
    return {
        "kind": entity.kind,
        "name": entity.name,
        "idType": str(entity.spec["idType"]),
        "enabled": entity.spec.get("enabled") is True and entity.spec.get("isActive") is not False,
        "default": entity.spec.get("defaultValue"),
        "layer": _layer(specs, entity),
        "targeting": _rule_results(_targeting_rules(specs, targeting)),
        "rules": _rule_results(rules),
        "overrides": [cast("JsonObject", override_result(override)) for override in overrides],
    }


def _layer(specs: ConfigSpecs, entity: Entity) -> JsonValue:
    layers = as_object(specs.document["experiment_to_layer"], "experiment_to_layer")
    return layers.get(entity.name) if entity.section == CONFIGS else None


def _targeting_rules(specs: ConfigSpecs, segment: str | None) -> Iterable[NamedRule]:
    if segment is None or not is_generated(segment) or segment not in specs.gate_specs:
        return ()
    return named_rules(specs, as_object(as_object(specs.document[GATES], GATES)[segment], segment))


def _rule_results(rules: Iterable[NamedRule]) -> list[JsonValue]:
    return [
        {
            "name": rule.name,
            "ruleID": rule.rule_id,
            "conditions": [_condition_result(condition) for condition in rule.conditions],
            "rollout": rule.rollout,
            "value": rule.value,
            "group": rule.group_name,
            "share": rule.share,
            "experiment": rule.delegate,
        }
        for rule in rules
    ]


def _condition_result(condition: ConditionText) -> JsonObject:
    return {"text": condition.text, "kind": condition.kind, "name": condition.name}


def _explanation_result(explanation: Explanation) -> JsonObject:
    result = explanation.evaluation
    return {
        "kind": explanation.kind,
        "name": explanation.name,
        "value": result.value,
        "ruleID": result.rule_id,
        "group": result.group_name,
        "experiment": result.allocated_experiment or None,
        "reason": explanation.reason,
        "why": explanation.why,
        "rules": [_check_result(check) for check in explanation.rules],
    }


def _check_result(check: RuleCheck) -> JsonObject:
    conditions = zip(check.rule.conditions, check.holds, strict=True)
    return {
        "name": check.rule.name,
        "ruleID": check.rule.rule_id,
        "conditions": [
            {**_condition_result(condition), "holds": holds} for condition, holds in conditions
        ],
        "rollout": check.rule.rollout,
        "inRollout": check.in_rollout,
        "applies": check.applies,
    }
