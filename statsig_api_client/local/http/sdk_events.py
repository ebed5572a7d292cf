"""Events as Statsig's SDKs send them: read leniently, so that none is lost."""

import json
from collections.abc import Iterator

from ..._runtime.parsers import JsonObject, JsonValue
from ..recording import LoggedEvent, SecondaryExposure
from .event_time import event_time, now
from .exposures import public_user
from .validation import ContractError


def sdk_events(body: JsonValue, clock_error: int = 0) -> Iterator[LoggedEvent]:
    """The events of a request from an SDK.

    SDKs send more than the contract of the HTTP API allows: metadata and values of any type, null
    for what is not there, times as text. Texts are kept as they are, and what else is no text or
    number becomes one, in JSON.

    Args:
        body: What was sent.
        clock_error: What to add to the times of the events, in milliseconds.

    Raises:
        ContractError: The body does not have the form in which any SDK sends events.
    """
    received = now()
    request = _object(body, "$")
    events = request.get("events")
    if not isinstance(events, list):
        raise ContractError("$.events", "expected a list of events")
    for index, item in enumerate(events):
        event = _object(item, f"$.events[{index}]")
        name = event.get("eventName")
        if not isinstance(name, str):
            raise ContractError(f"$.events[{index}].eventName", "expected a text")
        user = _object_or_empty(event.get("user") or request.get("user"))
        yield LoggedEvent(
            eventName=name,
            user=public_user(user),
            value=_value(event.get("value")),
            metadata={
                key: _text(value)
                for key, value in _object_or_empty(event.get("metadata")).items()
                if value is not None
            },
            time=event_time(event.get("time"), received, clock_error),
            receivedTime=received,
            secondaryExposures=list(_secondary_exposures(event.get("secondaryExposures"))),
            statsigMetadata=_object_or_empty(request.get("statsigMetadata"))
            | _object_or_empty(event.get("statsigMetadata")),
        )


def _secondary_exposures(items: JsonValue) -> Iterator[SecondaryExposure]:
    for item in items if isinstance(items, list) else []:
        exposure = _object_or_empty(item)
        yield {
            "gate": _text(exposure.get("gate", "")),
            "gateValue": _text(exposure.get("gateValue", "")),
            "ruleID": _text(exposure.get("ruleID", "")),
        }


def _value(value: JsonValue) -> str | float | None:
    if value is None or (isinstance(value, str | int | float) and not isinstance(value, bool)):
        return value
    return _text(value)


def _text(value: JsonValue) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _object(value: JsonValue, path: str) -> JsonObject:
    if not isinstance(value, dict):
        raise ContractError(path, "expected an object")
    return value


def _object_or_empty(value: JsonValue) -> JsonObject:
    return value if isinstance(value, dict) else {}
