"""Conversion of requests to recorded events."""

import json
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from itertools import chain
from typing import Final, cast

from ..._runtime.parsers import JsonObject, JsonValue, SchemaError
from ...generated.typed_dicts import (
    LogCustomExposureRequestDict,
    LogEventRequestDict,
    SecondaryExposureDict,
)
from ..config_specs.evaluator import Evaluation
from ..recording import LoggedEventDict

_TIME_LIMIT: Final = 2**63
"""The limit of times that the database can store, in milliseconds."""

_NAMES: Final = frozenset(("gate", "config", "allocatedExperiment"))
"""The fields of exposures that contain names of entities."""

_MAX_TRAVEL_TIME: Final = 10_000
"""Milliseconds that a request may take to arrive without a correction of the client's clock."""


def now() -> int:
    """Return the time, in milliseconds since 1970."""
    return time.time_ns() // 1_000_000


def clock_error(client_time: int | None) -> int:
    """Return the milliseconds by which a client's clock is behind.

    Args:
        client_time: The client's time when it sent the request, in milliseconds since 1970, from
            the header `STATSIG-CLIENT-TIME`; None without that header.

    Returns:
        Zero for up to ten seconds, which may be the travel time of the request.
    """
    error = 0 if client_time is None else now() - client_time
    return error if abs(error) > _MAX_TRAVEL_TIME else 0


def gate_exposure(user: JsonObject, name: str, gate: Evaluation | None) -> LoggedEventDict:
    """Return the exposure of a user to a gate; `gate` is None if the gate does not exist."""
    metadata = {
        "gate": name,
        "gateValue": _boolean(value=gate is not None and gate.value is True),
        "ruleID": "" if gate is None else gate.rule_id,
    }
    return _exposure("statsig::gate_exposure", user, metadata, gate)


def config_exposure(user: JsonObject, name: str, config: Evaluation | None) -> LoggedEventDict:
    """Return the exposure of a user to a config or experiment; see `gate_exposure`."""
    metadata = {"config": name, "ruleID": "" if config is None else config.rule_id}
    if config is not None and config.passed is not None:
        metadata["rulePassed"] = _boolean(value=config.passed)
    return _exposure("statsig::config_exposure", user, metadata, config)


def layer_exposure(user: JsonObject, name: str, layer: Evaluation) -> LoggedEventDict:
    """Return the exposure of a user to a layer; SDKs log one for each parameter instead."""
    metadata = {
        "config": name,
        "ruleID": layer.rule_id,
        "allocatedExperiment": layer.allocated_experiment or "",
    }
    return _exposure("statsig::layer_exposure", user, metadata, layer)


def as_documented(body: JsonValue) -> JsonValue:
    """Convert a body that follows the examples in Statsig's guides to the form of its schema.

    The examples have `experimentName`, numbers in the metadata of events, and, from PHP, `[]` as
    empty private attributes.
    """
    if not isinstance(body, dict):
        return body
    if "experimentName" in body and "configName" not in body:
        body["configName"] = body.pop("experimentName")
    lists = (items for key in ("events", "exposures") if isinstance(items := body.get(key), list))
    for item in (body, *chain.from_iterable(lists)):
        holder = _object_or_empty(item)
        metadata = _object_or_empty(holder.get("metadata"))
        for key, value in metadata.items():
            if isinstance(value, int | float):
                metadata[key] = _string(value)
        user = _object_or_empty(holder.get("user"))
        if user.get("privateAttributes") == []:
            del user["privateAttributes"]
    return body


def logged_events(request: LogEventRequestDict, clock_error: int = 0) -> list[LoggedEventDict]:
    """Return the events of a request to `log_event`.

    Args:
        request: The validated body.
        clock_error: Milliseconds to add to the times of the events.
    """
    received = now()
    user, statsig_metadata = request.get("user", {}), request.get("statsigMetadata", {})
    return [
        {
            "eventName": event["eventName"],
            "user": _public_user(event.get("user", user)),
            "value": event.get("value"),
            "metadata": event.get("metadata", {}),
            "time": _event_time(event.get("time"), received, clock_error),
            "receivedTime": received,
            "secondaryExposures": event.get("secondaryExposures", []),
            "statsigMetadata": cast("JsonObject", event.get("statsigMetadata", statsig_metadata)),
        }
        for event in request["events"]
    ]


def custom_exposures(
    request: LogCustomExposureRequestDict, clock_error: int = 0
) -> list[LoggedEventDict]:
    """Return the exposures of a request, in the form of automatic exposures.

    Args:
        request: The validated body.
        clock_error: Milliseconds to add to the times of the exposures.
    """
    received = now()
    return [
        {
            "eventName": (
                "statsig::gate_exposure" if "gateName" in exposure else "statsig::config_exposure"
            ),
            "user": _public_user(exposure.get("user", request.get("user", {}))),
            "value": None,
            "metadata": _custom_metadata(cast("JsonObject", exposure)),
            "time": _event_time(exposure.get("time"), received, clock_error),
            "receivedTime": received,
            "secondaryExposures": exposure.get("secondaryExposures", []),
            "statsigMetadata": cast("JsonObject", request.get("statsigMetadata", {})),
        }
        for exposure in request["exposures"]
    ]


def sdk_events(
    body: JsonValue, names: Mapping[str, str], clock_error: int = 0
) -> Iterator[LoggedEventDict]:
    """Yield the events of a request from an SDK, parsed leniently so that none is lost.

    SDKs send more than the schema of the HTTP API allows: metadata and values of any type, null for
    absent fields, times as strings. Values other than strings and numbers are recorded as JSON.

    Args:
        body: The parsed body.
        names: The names of entities by the hashes that client SDKs send in exposures.
        clock_error: Milliseconds to add to the times of the events.

    Raises:
        SchemaError: No SDK sends events in this form.
    """
    received = now()
    request = _object(body, "$")
    events = request.get("events")
    if not isinstance(events, list):
        raise SchemaError("$.events", "expected an array of events")
    for index, item in enumerate(events):
        event = _object(item, f"$.events[{index}]")
        name = event.get("eventName")
        if not isinstance(name, str):
            raise SchemaError(f"$.events[{index}].eventName", "expected a string")
        yield LoggedEventDict(
            eventName=name,
            user=_public_user(_object_or_empty(event.get("user") or request.get("user"))),
            value=_value(event.get("value")),
            metadata={
                key: _known_name(key, _string(value), names)
                for key, value in _object_or_empty(event.get("metadata")).items()
                if value is not None
            },
            time=_event_time(event.get("time"), received, clock_error),
            receivedTime=received,
            secondaryExposures=list(_secondary_exposures(event.get("secondaryExposures"), names)),
            statsigMetadata=_object_or_empty(request.get("statsigMetadata"))
            | _object_or_empty(event.get("statsigMetadata")),
        )


def _exposure(
    event_name: str, user: JsonObject, metadata: dict[str, str], evaluation: Evaluation | None
) -> LoggedEventDict:
    received = now()
    return LoggedEventDict(
        eventName=event_name,
        user=_public_user(user),
        value=None,
        metadata=metadata,
        time=received,
        receivedTime=received,
        secondaryExposures=[] if evaluation is None else evaluation.secondary_exposures,
        statsigMetadata={},
    )


def _event_time(value: object, received: int, clock_error: int) -> int:
    # Keep the event even if its time cannot be parsed.
    if not isinstance(value, str | int | float):
        return received
    try:
        moment = int(_milliseconds(value)) + clock_error
    except (ValueError, OverflowError):
        return received
    return moment if 0 < moment < _TIME_LIMIT else received


def _milliseconds(value: str | float) -> float:
    try:
        return float(value) if isinstance(value, str) else value
    except ValueError:
        moment = datetime.fromisoformat(str(value))
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() * 1000


def _custom_metadata(exposure: JsonObject) -> dict[str, str]:
    passes = exposure.get("passes")
    metadata = {
        "config": exposure.get("experimentName"),
        "gate": exposure.get("gateName"),
        "gateValue": _boolean(value=passes) if isinstance(passes, bool) else None,
        "group": exposure.get("group"),
        "ruleID": exposure.get("ruleID"),
        "isManualExposure": "true",
    }
    return {name: value for name, value in metadata.items() if isinstance(value, str)}


def _public_user(user: object) -> JsonObject:
    """Return a user without the attributes that are only for evaluation."""
    fields = cast("JsonObject", user)
    return {field: fields[field] for field in fields if field != "privateAttributes"}


def _known_name(key: str, value: str, names: Mapping[str, str]) -> str:
    return names.get(value, value) if key in _NAMES else value


def _secondary_exposures(
    items: JsonValue, names: Mapping[str, str]
) -> Iterator[SecondaryExposureDict]:
    for item in items if isinstance(items, list) else []:
        exposure = _object_or_empty(item)
        yield cast(
            "SecondaryExposureDict",
            {
                key: _known_name(key, _string(exposure.get(key, "")), names)
                for key in ("gate", "gateValue", "ruleID")
            },
        )


def _value(value: JsonValue) -> str | float | None:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return _string(value)


def _string(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _boolean(*, value: bool) -> str:
    return "true" if value else "false"


def _object(value: JsonValue, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise SchemaError(path, "expected an object")
    return value


def _object_or_empty(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
