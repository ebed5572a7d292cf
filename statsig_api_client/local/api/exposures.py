"""What is recorded of a request: its events, and the exposures that Statsig logs for it."""

import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from ..recording import LoggedEvent
from ..specs.evaluation import Evaluation
from ..wire import JsonObject
from .contract import (
    ContractError,
    CustomExposure,
    LogCustomExposureRequest,
    LogEventRequest,
)

_LIMIT: Final = 2**63
"""Times, in milliseconds, are below this, for the database to hold them."""


def now() -> int:
    """The time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def gate_exposure(user: JsonObject, name: str, gate: Evaluation | None) -> LoggedEvent:
    """That a user was evaluated for a gate; None for a gate that does not exist."""
    metadata = {
        "gate": name,
        "gateValue": _text(value=gate is not None and gate.value is True),
        "ruleID": "" if gate is None else gate.rule_id,
    }
    return _exposure("statsig::gate_exposure", user, metadata, gate)


def config_exposure(user: JsonObject, name: str, config: Evaluation | None) -> LoggedEvent:
    """That a user was evaluated for a config or experiment; None for one that does not exist."""
    metadata = {"config": name, "ruleID": "" if config is None else config.rule_id}
    if config is not None and config.passed is not None:
        metadata["rulePassed"] = _text(value=config.passed)
    return _exposure("statsig::config_exposure", user, metadata, config)


def layer_exposure(user: JsonObject, name: str, layer: Evaluation) -> LoggedEvent:
    """That a user was evaluated for a layer, all of it and not one parameter as in SDKs."""
    metadata = {
        "config": name,
        "ruleID": layer.rule_id,
        "allocatedExperiment": layer.allocated_experiment or "",
    }
    return _exposure("statsig::layer_exposure", user, metadata, layer)


def logged_events(request: LogEventRequest) -> Iterator[LoggedEvent]:
    """The events of a request.

    Raises:
        ContractError: A time is neither milliseconds nor in the form of RFC 3339.
    """
    received = now()
    for index, event in enumerate(request["events"]):
        yield LoggedEvent(
            eventName=event["eventName"],
            user=_public(event.get("user", request.get("user", {}))),
            value=event.get("value"),
            metadata=event.get("metadata", {}),
            time=_milliseconds(event.get("time", received), f"$.events[{index}].time"),
            receivedTime=received,
            secondaryExposures=event.get("secondaryExposures", []),
            statsigMetadata=event.get("statsigMetadata", request.get("statsigMetadata", {})),
        )


def custom_exposures(request: LogCustomExposureRequest) -> Iterator[LoggedEvent]:
    """The exposures of a request, in the form of those that Statsig logs itself.

    Raises:
        ContractError: A time is neither milliseconds nor in the form of RFC 3339.
    """
    received = now()
    for index, exposure in enumerate(request["exposures"]):
        gate = exposure.get("gateName")
        yield LoggedEvent(
            eventName="statsig::config_exposure" if gate is None else "statsig::gate_exposure",
            user=_public(exposure.get("user", request.get("user", {}))),
            value=None,
            metadata=_custom_metadata(exposure),
            time=_milliseconds(exposure.get("time", received), f"$.exposures[{index}].time"),
            receivedTime=received,
            secondaryExposures=exposure.get("secondaryExposures", []),
            statsigMetadata=request.get("statsigMetadata", {}),
        )


def _exposure(
    event_name: str, user: JsonObject, metadata: dict[str, str], evaluation: Evaluation | None
) -> LoggedEvent:
    received = now()
    return LoggedEvent(
        eventName=event_name,
        user=_public(user),
        value=None,
        metadata=metadata,
        time=received,
        receivedTime=received,
        secondaryExposures=[] if evaluation is None else evaluation.secondary_exposures,
        statsigMetadata={},
    )


def _custom_metadata(exposure: CustomExposure) -> dict[str, str]:
    metadata: dict[str, str | None] = {
        "config": exposure.get("experimentName"),
        "gate": exposure.get("gateName"),
        "gateValue": _text(value=exposure["passes"]) if "passes" in exposure else None,
        "group": exposure.get("group"),
        "ruleID": exposure.get("ruleID"),
        "isManualExposure": "true",
    }
    return {name: value for name, value in metadata.items() if value is not None}


def _public(user: JsonObject) -> JsonObject:
    return {field: value for field, value in user.items() if field != "privateAttributes"}


def _text(*, value: bool) -> str:
    return "true" if value else "false"


def _milliseconds(written: float | str, path: str) -> int:
    try:
        moment = written if isinstance(written, int | float) else _parse(written)
    except ValueError:
        problem = "expected milliseconds since 1970, or a time such as 2026-01-31T12:00:00Z"
        raise ContractError(path, problem) from None
    if not -_LIMIT <= moment < _LIMIT:
        raise ContractError(path, "expected a number that fits 64 bits")
    return int(moment)


def _parse(text: str) -> int | float:
    if text.isdecimal():  # The old docs had milliseconds as text.
        return int(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
