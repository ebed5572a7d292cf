"""OFREP, OpenFeature's remote evaluation protocol, version 0.3.0.

It is specified in `service/openapi.yaml` of https://github.com/open-feature/protocol.
"""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator, Iterator
from typing import Final, cast

from attrs import frozen
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route

from ..._openfeature.context import user_of_context
from ..._openfeature.errors import ResolutionError
from ..._openfeature.keys import VALUE, FlagKey, Kind
from ..._openfeature.resolution import Entity, existing, not_found, resolve_untyped
from ..._runtime.parsers import UNSET, JsonObject, JsonValue, SchemaError
from ..config_specs.core import Section
from ..config_specs.evaluator import Evaluation, UserEvaluations
from ..config_specs.formats import CONFIGS, GATES, LAYERS
from ..config_specs.rules import is_static, returned_values
from ..faults import ClientConnection
from ..recording import LoggedEventDict
from ..state import ServerState
from .auth import OFREP, require_key
from .body import read_body
from .events import config_exposure, gate_exposure, layer_exposure

_FLAGS: Final = f"{OFREP}evaluate/flags"
_CHANGES: Final = f"{OFREP}changes"

_SECTIONS: Final[dict[Kind, Section]] = {
    "gate": GATES,
    "config": CONFIGS,
    "experiment": CONFIGS,
    "layer": LAYERS,
}


@frozen(kw_only=True)
class Ofrep:
    """The calls of the protocol, for one project."""

    state: ServerState

    def routes(self) -> list[Route]:
        """Return a route for each call."""
        return [
            Route(_FLAGS, self.evaluate_flags, methods=["POST"]),
            # A path, since not every client escapes the key.
            Route(f"{_FLAGS}/{{flag_key:path}}", self.evaluate_flag, methods=["POST"]),
            Route(_CHANGES, self.changes),
        ]

    async def evaluate_flag(self, request: Request) -> Response:
        """Evaluate one flag, and record an exposure."""
        require_key(request, self.state.specs.keys)
        text = request.path_params["flag_key"]
        try:
            user = await _user(request)
            key = FlagKey.parse(text)
            evaluations = self.state.evaluator.evaluate(user)
            kind, evaluation = _evaluate(key, evaluations)
            result = self._result(key, kind, evaluation)
        except ResolutionError as error:
            status = 404 if error.code == "FLAG_NOT_FOUND" else 400
            return JSONResponse({"key": text, **_failure(error)}, status)
        self.state.record([_exposure(kind, user, key.name, evaluation)])
        return JSONResponse(result)

    async def evaluate_flags(self, request: Request) -> Response:
        """Evaluate all flags. No exposures are recorded: a client uses few of the flags."""
        specs = self.state.specs
        require_key(request, specs.keys)
        try:
            user = await _user(request)
        except ResolutionError as error:
            return JSONResponse(_failure(error), 400)
        # Clients keep the tag when the user changes but not the targeting key.
        digest = hashlib.sha256(json.dumps(user, sort_keys=True).encode()).hexdigest()[:16]
        etag = {"etag": f'"{specs.time}-{digest}"'}
        if request.headers.get("if-none-match") == etag["etag"]:
            return Response(status_code=304, headers=etag)
        evaluations = self.state.evaluator.evaluate(user)
        flags: list[JsonValue] = [*self._results(evaluations)]
        stream: JsonObject = {"type": "sse", "endpoint": {"requestUri": _CHANGES}}
        return JSONResponse({"flags": flags, "eventStreams": [stream]}, headers=etag)

    async def changes(self, request: Request) -> Response:
        """Return the stream of changes, which contains only their times and so needs no key."""
        connection = ClientConnection.of(request.scope)
        events = self._changes(connection, request.headers.get("last-event-id"))
        headers = {"cache-control": "no-store"}
        return StreamingResponse(events, headers=headers, media_type="text/event-stream")

    async def _changes(self, connection: ClientConnection, seen: str | None) -> AsyncIterator[str]:
        while not connection.ended.is_set():
            changed, time = self.state.changed, self.state.specs.time
            # The first event closes the gap between a client's request and its stream.
            if str(time) != seen:
                seen = str(time)
                data = {
                    "type": "refetchEvaluation",
                    "etag": f'"{time}"',
                    "lastModified": time // 1000,
                }
                yield f"id: {time}\nevent: message\ndata: {json.dumps(data)}\n\n"
            await _first(changed, connection.ended)

    def _results(self, evaluations: UserEvaluations) -> Iterator[JsonObject]:
        """Yield the results of all flags of a user."""
        for key in self._keys():
            try:
                kind, evaluation = _evaluate(key, evaluations)
            except ResolutionError:  # a condition that the core does not support
                continue
            yield self._result(key, kind, evaluation)
            for parameter in filter(None, evaluation.parameters):
                yield self._result(FlagKey.parse(f"{key.text}:{parameter}"), kind, evaluation)

    def _keys(self) -> Iterator[FlagKey]:
        """Yield the keys of all entities: names, with the kind where names are ambiguous."""
        specs = self.state.specs
        for name in specs.gates:
            yield FlagKey.parse(name)
        for name in (*specs.configs, *specs.experiments):
            yield FlagKey.parse(f"config:{name}" if name in specs.gate_specs else name)
        for name in specs.experiments:
            yield FlagKey.parse(f"experiment:{name}")
        for name in specs.layers:
            yield FlagKey.parse(f"layer:{name}")

    def _result(self, key: FlagKey, kind: Kind, evaluation: Evaluation) -> JsonObject:
        """Return the result of a flag.

        Raises:
            ResolutionError: FLAG_NOT_FOUND if the entity does not have the parameter.
        """
        entity = _entity(kind, evaluation)
        resolution = resolve_untyped(key, entity)
        reason, section = resolution.reason, _SECTIONS[kind]
        is_upgradable = reason in {"TARGETING_MATCH", "DEFAULT"} and not resolution.metadata.get(
            "override"
        )
        if is_upgradable and is_static(self.state.specs, section, key.name, evaluation.rule_id):
            reason = "STATIC"
        result: JsonObject = {"key": key.text, "reason": reason}
        if resolution.value is not UNSET and resolution.value is not None:
            result["value"] = self._number(key, section, resolution.value)
        result["variant"] = resolution.variant or ""  # Python's client requires a variant
        result["metadata"] = {**resolution.metadata}
        return result

    def _number(self, key: FlagKey, section: Section, value: JsonValue) -> JsonValue:
        # A client does not know that a flag with the value 3 is 2.5 for other users.
        if type(value) is not int:
            return value
        parameter = key.parameter or VALUE
        others = returned_values(self.state.specs, section, key.name)
        is_float = any(isinstance(other.get(parameter), float) for other in others)
        return float(value) if is_float else value


async def _user(request: Request) -> JsonObject:
    try:
        body = await read_body(request)
    except SchemaError as error:
        raise ResolutionError("PARSE_ERROR", f"{error.path}: {error.problem}") from None
    context = body.get("context", {}) if isinstance(body, dict) else None
    if not isinstance(context, dict):
        raise ResolutionError("INVALID_CONTEXT", "expected an object with an object `context`")
    return cast("JsonObject", user_of_context(None, context, needs_id=True))


def _evaluate(key: FlagKey, evaluations: UserEvaluations) -> tuple[Kind, Evaluation]:
    """Return the evaluation of the entity that a key names, and its kind.

    Raises:
        ResolutionError: FLAG_NOT_FOUND if the entity does not exist.
    """
    kinds: tuple[Kind, ...] = ("gate", "config") if key.parameter is None else ("config",)
    for kind in kinds if key.kind is None else (key.kind,):
        find = {"gate": evaluations.gate, "layer": evaluations.layer}.get(kind, evaluations.config)
        evaluation = find(key.name)
        if evaluation is not None and (kind == "layer" or existing(_entity(kind, evaluation))):
            return kind, evaluation
    raise not_found(key, key.kind or kinds[-1])


def _entity(kind: Kind, evaluation: Evaluation) -> Entity:
    # The HTTP API returns no group name of a layer.
    return Entity(
        kind=kind,
        value=evaluation.value is True if kind == "gate" else evaluation.parameters,
        rule_id=evaluation.rule_id,
        group_name=None if kind == "layer" else evaluation.group_name,
        allocated_experiment=evaluation.allocated_experiment if kind == "layer" else None,
    )


def _exposure(kind: Kind, user: JsonObject, name: str, evaluation: Evaluation) -> LoggedEventDict:
    if kind == "gate":
        return gate_exposure(user, name, evaluation)
    if kind == "layer":
        return layer_exposure(user, name, evaluation)
    return config_exposure(user, name, evaluation)


def _failure(error: ResolutionError) -> JsonObject:
    return {"errorCode": error.code, "errorDetails": str(error)}


async def _first(*events: asyncio.Event) -> None:
    """Wait until one of several events is set."""
    tasks = [asyncio.ensure_future(event.wait()) for event in events]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
