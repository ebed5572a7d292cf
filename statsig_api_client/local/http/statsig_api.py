"""The HTTP API: six calls, what they answer, and what they record."""

import re
from collections.abc import Iterable
from typing import Final, TypeVar

from attrs import frozen
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from ..._runtime.parsers import JsonObject
from ..config_specs.evaluator import Evaluation
from ..recording import LoggedEvent
from ..state import Service
from .auth import require_key
from .body import read_body
from .event_time import clock_error
from .exposures import (
    config_exposure,
    custom_exposures,
    gate_exposure,
    layer_exposure,
    logged_events,
)
from .validation import (
    CheckGateRequest,
    Contract,
    ContractError,
    GetConfigRequest,
    GetLayerRequest,
    GetRankedListRequest,
    LogCustomExposureRequest,
    LogEventRequest,
)

T = TypeVar("T")

_CLIENT_TIME: Final = "statsig-client-time"
_HEADERS: Final = {
    _CLIENT_TIME: (re.compile("-?[0-9]{1,19}"), "an integer of 64 bits"),
    "statsig-event-count": (re.compile("0*[1-9][0-9]*"), "an integer above zero"),
}
"""The headers that have a form, and what it is called."""


@frozen(kw_only=True)
class HttpApi:
    """The calls of the HTTP API, on one project.

    Evaluation and storing are done in place and not in a thread: both take less time than the way
    to a thread and back.
    """

    service: Service
    contract: Contract

    def routes(self) -> list[Route]:
        """The calls, each by its path."""
        calls = (
            self.check_gate,
            self.get_config,
            self.get_layer,
            self.get_ranked_list,
            self.log_event,
            self.log_custom_exposure,
        )
        return [Route(f"/v1/{call.__name__}", call, methods=["POST"]) for call in calls]

    async def check_gate(self, request: Request) -> Response:
        """Evaluate one gate, or several."""
        call = await self._read(request, CheckGateRequest)
        user = call.get("user", {})
        evaluations = self.service.evaluator.evaluate(user)
        names = [call["gateName"]] if "gateName" in call else call.get("gateNames", [])
        gates = {name: evaluations.gate(name) for name in names}
        self._record(call, (gate_exposure(user, name, gate) for name, gate in gates.items()))
        replies = {name: _gate_reply(name, gate) for name, gate in gates.items()}
        return JSONResponse(replies[call["gateName"]] if "gateName" in call else replies)

    async def get_config(self, request: Request) -> Response:
        """Evaluate a dynamic config or an experiment."""
        call = await self._read(request, GetConfigRequest)
        user, name = call.get("user", {}), call["configName"]
        config = self.service.evaluator.evaluate(user).config(name)
        self._record(call, [config_exposure(user, name, config)])
        return JSONResponse(_config_reply(name, config))

    async def get_layer(self, request: Request) -> Response:
        """Evaluate a layer."""
        call = await self._read(request, GetLayerRequest)
        user, name = call.get("user", {}), call["layerName"]
        layer = self.service.evaluator.evaluate(user).layer(name)
        if layer is None:
            raise HTTPException(404, "no such layer")
        self._record(call, [layer_exposure(user, name, layer)])
        return JSONResponse(
            {
                "name": name,
                "value": layer.value,
                "ruleID": layer.rule_id,
                "allocatedExperimentName": layer.allocated_experiment,
            }
        )

    async def get_ranked_list(self, request: Request) -> Response:
        """Refuse to rank: Statsig's core can choose a variant of a bandit, but not rank them."""
        await self._read(request, GetRankedListRequest)
        raise HTTPException(404, "no such config, or it is no contextual bandit")

    async def log_event(self, request: Request) -> Response:
        """Store events."""
        call = await self._read(request, LogEventRequest)
        self.service.recording.store(logged_events(call, _clock_error(request)))
        return JSONResponse({"success": True}, 202)

    async def log_custom_exposure(self, request: Request) -> Response:
        """Store exposures."""
        call = await self._read(request, LogCustomExposureRequest)
        self.service.recording.store(custom_exposures(call, _clock_error(request)))
        return JSONResponse({"success": True}, 202)

    async def _read(self, request: Request, shape: type[T]) -> T:
        require_key(request, self.service.specs.keys)
        for header, (pattern, expected) in _HEADERS.items():
            if not pattern.fullmatch(request.headers.get(header, "1")):
                raise ContractError("$", f"expected {expected} in the header {header}")
        return self.contract.check(shape, await read_body(request))

    def _record(
        self,
        call: CheckGateRequest | GetConfigRequest | GetLayerRequest,
        exposures: Iterable[LoggedEvent],
    ) -> None:
        metadata = call.get("statsigMetadata", {})
        if not metadata.get("exposureLoggingDisabled"):
            self.service.recording.store(
                [{**exposure, "statsigMetadata": metadata} for exposure in exposures]
            )


def _clock_error(request: Request) -> int:
    client_time = request.headers.get(_CLIENT_TIME)
    return clock_error(None if client_time is None else int(client_time))


def _gate_reply(name: str, gate: Evaluation | None) -> JsonObject:
    if gate is None:
        return {"name": name, "value": False, "rule_id": None, "group_name": None}
    return {
        "name": name,
        "value": gate.value,
        "rule_id": gate.rule_id,
        "group_name": gate.group_name,
    }


def _config_reply(name: str, config: Evaluation | None) -> JsonObject:
    if config is None:
        return {"name": name, "value": {}, "group": "", "rule_id": None, "group_name": None}
    return {
        "name": name,
        "value": config.value,
        "group": config.rule_id,
        "rule_id": config.rule_id,
        "group_name": config.group_name,
    }
