"""The six calls of the Statsig HTTP API."""

import re
from collections.abc import Iterable, Sequence
from typing import Final, TypeVar, cast

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject, SchemaError
from ...generated.typed_dicts import (
    CheckGateRequestDict,
    GetConfigRequestDict,
    GetLayerRequestDict,
    GetRankedListRequestDict,
    LogCustomExposureRequestDict,
    LogEventRequestDict,
)
from ..config_specs.evaluator import Evaluation
from ..recording import LoggedEventDict
from ..state import ServerState
from ..unknown_names import RequestedKind
from .auth import require_key
from .body import read_body
from .events import (
    as_documented,
    clock_error,
    config_exposure,
    custom_exposures,
    gate_exposure,
    layer_exposure,
    logged_events,
)
from .summaries import summarize, summarize_events
from .validation import BodyValidator

T = TypeVar("T")

_EvaluationRequestDict = CheckGateRequestDict | GetConfigRequestDict | GetLayerRequestDict

_CLIENT_TIME: Final = "statsig-client-time"
_HEADERS: Final = {
    _CLIENT_TIME: (re.compile("-?[0-9]{1,19}"), "a 64-bit integer"),
    "statsig-event-count": (re.compile("0*[1-9][0-9]*"), "a positive integer"),
}
"""Headers with a fixed form, each with its pattern and a description."""


@frozen(kw_only=True)
class StatsigApi:
    """The calls of the HTTP API, for one project.

    Evaluation and storage run in the event loop: both take less time than a switch to a thread.
    """

    state: ServerState
    validator: BodyValidator

    def routes(self) -> list[Route]:
        """Return a route for each call."""
        calls = (
            self.check_gate,
            self.get_config,
            self.get_experiment,
            self.get_layer,
            self.get_ranked_list,
            self.log_event,
            self.log_custom_exposure,
        )
        return [Route(f"/v1/{call.__name__}", call, methods=["POST"]) for call in calls]

    async def check_gate(self, request: Request) -> Response:
        """Evaluate one gate, or several."""
        call = await self._read(request, CheckGateRequestDict)
        user = _user(call)
        evaluations = self.state.evaluator.evaluate(user)
        self._report_unknown("gate", names := _gate_names(call))
        gates = {name: evaluations.gate(name) for name in names}
        summarize(request, user, {n: gate is not None and gate.value for n, gate in gates.items()})
        self._record(call, (gate_exposure(user, name, gate) for name, gate in gates.items()))
        results = {name: _gate_result(name, gate) for name, gate in gates.items()}
        return JSONResponse(results[call["gateName"]] if "gateName" in call else results)

    async def get_config(self, request: Request) -> Response:
        """Evaluate a dynamic config or an experiment."""
        call = await self._read(request, GetConfigRequestDict)
        user, name = _user(call), call["configName"]
        config = self.state.evaluator.evaluate(user).config(name)
        self._report_unknown("config", [name])
        summarize(request, user, {name: None if config is None else config.value})
        self._record(call, [config_exposure(user, name, config)])
        return JSONResponse(_config_result(name, config))

    async def get_experiment(self, request: Request) -> Response:
        """Evaluate an experiment by the call of Statsig's guide for PHP; see `get_config`."""
        return await self.get_config(request)

    async def get_layer(self, request: Request) -> Response:
        """Evaluate a layer."""
        call = await self._read(request, GetLayerRequestDict)
        user, name = _user(call), call["layerName"]
        layer = self.state.evaluator.evaluate(user).layer(name)
        self._report_unknown("layer", [name])
        summarize(request, user, {name: None if layer is None else layer.value})
        if layer is None:
            raise HTTPException(404, "no such layer")
        self._record(call, [layer_exposure(user, name, layer)])
        return JSONResponse(
            {
                "name": name,
                "value": layer.parameters,
                "ruleID": layer.rule_id,
                "allocatedExperimentName": layer.allocated_experiment,
            }
        )

    async def get_ranked_list(self, request: Request) -> Response:
        """Respond 404: Statsig's core can choose a variant of a bandit, but not rank variants."""
        await self._read(request, GetRankedListRequestDict)
        raise HTTPException(404, "no such config, or it is not a contextual bandit")

    async def log_event(self, request: Request) -> Response:
        """Store events."""
        call = await self._read(request, LogEventRequestDict)
        events = logged_events(call, _clock_error(request))
        self.state.record(events)
        summarize_events(request, events)
        return JSONResponse({"success": True}, 202)

    async def log_custom_exposure(self, request: Request) -> Response:
        """Store exposures."""
        call = await self._read(request, LogCustomExposureRequestDict)
        events = custom_exposures(call, _clock_error(request))
        self.state.record(events)
        summarize_events(request, events)
        return JSONResponse({"success": True}, 202)

    async def _read(self, request: Request, shape: type[T]) -> T:
        require_key(request, self.state.specs.keys)
        for header, (pattern, expected) in _HEADERS.items():
            if not pattern.fullmatch(request.headers.get(header, "1")):
                raise SchemaError("$", f"expected {expected} in the header {header}")
        return self.validator.check(shape, as_documented(await read_body(request)))

    def _report_unknown(self, kind: RequestedKind, names: Iterable[str]) -> None:
        specs = self.state.specs
        known = {
            "gate": (*specs.gates, *specs.inner_gates),
            "config": (*specs.configs, *specs.experiments),
            "layer": specs.layers,
        }[kind]
        for name in names:
            if name not in known:
                self.state.unknown_names.add(kind, name, known)

    def _record(self, call: _EvaluationRequestDict, exposures: Iterable[LoggedEventDict]) -> None:
        metadata = call.get("statsigMetadata", {})
        if not metadata.get("exposureLoggingDisabled"):
            self.state.record(
                [
                    {**exposure, "statsigMetadata": cast("JsonObject", metadata)}
                    for exposure in exposures
                ]
            )


def _gate_names(call: CheckGateRequestDict) -> Sequence[str]:
    return [call["gateName"]] if "gateName" in call else call.get("gateNames", [])


def _user(call: _EvaluationRequestDict) -> JsonObject:
    return cast("JsonObject", call.get("user", {}))


def _clock_error(request: Request) -> int:
    client_time = request.headers.get(_CLIENT_TIME)
    return clock_error(None if client_time is None else int(client_time))


def _gate_result(name: str, gate: Evaluation | None) -> JsonObject:
    if gate is None:
        return {"name": name, "value": False, "rule_id": None, "group_name": None}
    return {
        "name": name,
        "value": gate.value,
        "rule_id": gate.rule_id,
        "group_name": gate.group_name,
    }


def _config_result(name: str, config: Evaluation | None) -> JsonObject:
    if config is None:
        return {"name": name, "value": {}, "group": "", "rule_id": None, "group_name": None}
    return {
        "name": name,
        "value": config.parameters,
        "group": config.rule_id,
        "rule_id": config.rule_id,
        "group_name": config.group_name,
    }
