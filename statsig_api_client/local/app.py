"""The HTTP API: six calls, what they answer, and what they record."""

import hmac
import sqlite3
from collections.abc import Iterable
from typing import TypeVar

from attrs import frozen
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from .body import read_body
from .contract import (
    CheckGateRequest,
    Contract,
    ContractError,
    GetConfigRequest,
    GetLayerRequest,
    GetRankedListRequest,
    LogCustomExposureRequest,
    LogEventRequest,
)
from .evaluation import Evaluation, Evaluator
from .exposures import (
    config_exposure,
    custom_exposures,
    gate_exposure,
    layer_exposure,
    logged_events,
)
from .project import Keys
from .recording import RecordedEvent, Recording
from .wire import JsonObject

T = TypeVar("T")


@frozen(kw_only=True)
class HttpApi:
    """The calls of the HTTP API, on one project.

    Evaluation and storing are done in place and not in a thread: both take less time than the way
    to a thread and back.
    """

    keys: Keys
    contract: Contract
    evaluator: Evaluator
    recording: Recording

    async def check_gate(self, request: Request) -> Response:
        """Evaluate one gate, or several."""
        call = await self._read(request, CheckGateRequest)
        user = call.get("user", {})
        evaluations = self.evaluator.evaluate(user)
        names = [call["gateName"]] if "gateName" in call else call.get("gateNames", [])
        gates = {name: evaluations.gate(name) for name in names}
        self._record(call, (gate_exposure(user, name, gate) for name, gate in gates.items()))
        replies = {name: _gate_reply(name, gate) for name, gate in gates.items()}
        return JSONResponse(replies[call["gateName"]] if "gateName" in call else replies)

    async def get_config(self, request: Request) -> Response:
        """Evaluate a dynamic config or an experiment."""
        call = await self._read(request, GetConfigRequest)
        user, name = call.get("user", {}), call["configName"]
        config = self.evaluator.evaluate(user).config(name)
        self._record(call, [config_exposure(user, name, config)])
        return JSONResponse(_config_reply(name, config))

    async def get_layer(self, request: Request) -> Response:
        """Evaluate a layer."""
        call = await self._read(request, GetLayerRequest)
        user, name = call.get("user", {}), call["layerName"]
        layer = self.evaluator.evaluate(user).layer(name)
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
        self.recording.store(logged_events(call))
        return JSONResponse({"success": True}, 202)

    async def log_custom_exposure(self, request: Request) -> Response:
        """Store exposures."""
        call = await self._read(request, LogCustomExposureRequest)
        self.recording.store(custom_exposures(call))
        return JSONResponse({"success": True}, 202)

    async def _read(self, request: Request, shape: type[T]) -> T:
        key = request.headers.get("statsig-api-key", "").encode()
        # Not `or`, which would tell by the time it takes which of the two a guess resembles.
        known = [hmac.compare_digest(key, k.encode()) for k in (self.keys.secret, self.keys.client)]
        if not any(known):
            raise HTTPException(401, "expected one of the project's keys in header statsig-api-key")
        return self.contract.check(shape, await read_body(request))

    def _record(
        self,
        call: CheckGateRequest | GetConfigRequest | GetLayerRequest,
        exposures: Iterable[RecordedEvent],
    ) -> None:
        if not call.get("statsigMetadata", {}).get("exposureLoggingDisabled"):
            self.recording.store(exposures)


def create_app(api: HttpApi) -> Starlette:
    """Make an ASGI application of the API."""
    calls = (
        api.check_gate,
        api.get_config,
        api.get_layer,
        api.get_ranked_list,
        api.log_event,
        api.log_custom_exposure,
    )
    app = Starlette(
        routes=[Route(f"/v1/{call.__name__}", call, methods=["POST"]) for call in calls],
        exception_handlers=dict.fromkeys(
            (HTTPException, ContractError, sqlite3.Error, ClientDisconnect), _refuse
        ),
    )
    app.router.redirect_slashes = False
    return app


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


def _refuse(_request: Request, error: Exception) -> Response:
    if isinstance(error, ContractError):
        message = f"{error.path}: {error.problem}"
        reply = {"status": 400, "message": message, "path": error.path}
        return JSONResponse(reply, 400)
    if isinstance(error, HTTPException):
        reply = {"status": error.status_code, "message": error.detail}
        return JSONResponse(reply, error.status_code, error.headers)
    if isinstance(error, sqlite3.Error):
        reply = {"status": 503, "message": f"could not be stored: {error}", "success": False}
        return JSONResponse(reply, 503)
    return Response(status_code=400)  # The client has gone, and will not read it.
