"""What is recorded of a request: its events, and the exposures that Statsig logs for it."""

import time
from datetime import UTC, datetime
from typing import Final

from ..recording import LoggedEvent
from ..specs.evaluation import Evaluation
from ..wire import JsonObject
from .contract import (
    CustomExposure,
    LogCustomExposureRequest,
    LogEventRequest,
    StatsigEvent,
)

_LIMIT: Final = 2**63
"""Times, in milliseconds, are below this, for the database to hold them."""

_TRAVEL: Final = 10_000
"""How many milliseconds a request may be under way, and its client's clock still be right."""


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


def clock_error(client_time: int | None) -> int:
    """How far a client's clock is behind, in milliseconds, to be added to the times that it sends.

    Args:
        client_time: The client's time when it sent its request, in milliseconds since 1970, as the
            header `STATSIG-CLIENT-TIME` says; None if there is none.

    Returns:
        Zero up to ten seconds: that may be the way of the request, and events keep the times that
        they were given.
    """
    error = 0 if client_time is None else now() - client_time
    return error if abs(error) > _TRAVEL else 0


def logged_events(request: LogEventRequest, clock_error: int = 0) -> list[LoggedEvent]:
    """The events of a request.

    Args:
        request: What was sent.
        clock_error: What to add to the times of the events, in milliseconds.
    """
    received = now()
    user, statsig_metadata = request.get("user", {}), request.get("statsigMetadata", {})
    return [
        {
            "eventName": event["eventName"],
            "user": _public(event.get("user", user)),
            "value": event.get("value"),
            "metadata": event.get("metadata", {}),
            "time": _time(event, received, clock_error),
            "receivedTime": received,
            "secondaryExposures": event.get("secondaryExposures", []),
            "statsigMetadata": event.get("statsigMetadata", statsig_metadata),
        }
        for event in request["events"]
    ]


def custom_exposures(request: LogCustomExposureRequest, clock_error: int = 0) -> list[LoggedEvent]:
    """The exposures of a request, in the form of those that Statsig logs itself.

    Args:
        request: What was sent.
        clock_error: What to add to the times of the exposures, in milliseconds.
    """
    received = now()
    return [
        {
            "eventName": (
                "statsig::gate_exposure" if "gateName" in exposure else "statsig::config_exposure"
            ),
            "user": _public(exposure.get("user", request.get("user", {}))),
            "value": None,
            "metadata": _custom_metadata(exposure),
            "time": _time(exposure, received, clock_error),
            "receivedTime": received,
            "secondaryExposures": exposure.get("secondaryExposures", []),
            "statsigMetadata": request.get("statsigMetadata", {}),
        }
        for exposure in request["exposures"]
    ]


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
    if "privateAttributes" not in user:
        return user
    return {field: value for field, value in user.items() if field != "privateAttributes"}


def _text(*, value: bool) -> str:
    return "true" if value else "false"


def _time(event: StatsigEvent | CustomExposure, received: int, clock_error: int) -> int:
    if "time" not in event:
        return received
    written = event["time"]
    # One that cannot be read is no reason to lose an event, as with those of SDKs.
    try:
        moment = int(_parse(written) if isinstance(written, str) else written) + clock_error
    except (ValueError, OverflowError):
        return received
    return moment if -_LIMIT <= moment < _LIMIT else received


def _parse(text: str) -> int | float:
    if text.isdecimal():  # The old docs had milliseconds as text.
        return int(text)
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000
