"""What is recorded of a request: its events, and the exposures that Statsig logs for it."""

from ..._runtime.parsers import JsonObject
from ..config_specs.evaluator import Evaluation
from ..recording import LoggedEvent
from .event_time import event_time, now
from .validation import (
    CustomExposure,
    LogCustomExposureRequest,
    LogEventRequest,
)


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
            "user": public_user(event.get("user", user)),
            "value": event.get("value"),
            "metadata": event.get("metadata", {}),
            "time": event_time(event.get("time"), received, clock_error),
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
            "user": public_user(exposure.get("user", request.get("user", {}))),
            "value": None,
            "metadata": _custom_metadata(exposure),
            "time": event_time(exposure.get("time"), received, clock_error),
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
        user=public_user(user),
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


def public_user(user: JsonObject) -> JsonObject:
    """A user without what is only for evaluation."""
    if "privateAttributes" not in user:
        return user
    return {field: value for field, value in user.items() if field != "privateAttributes"}


def _text(*, value: bool) -> str:
    return "true" if value else "false"
