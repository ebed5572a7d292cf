"""Encoding of events: from the arguments of `log()` to bytes."""

import itertools
import os
from collections.abc import Mapping
from typing import Final, cast

from .._clock import Clock
from .._event_limits import MAX_METADATA, MAX_TEXT, SAFE_NAME, check_events, time_problem
from .._json import codec, serialize
from .._request import add_environment, remove_private_attributes
from .._runtime.parsers import UNSET, JsonInputObject
from .._user_checks import USER_STRINGS, check_user
from ..generated import StatsigEvent, StatsigUser, StatsigUserDict

_USER_MAPS: Final = frozenset(("custom", "privateAttributes"))
_NUMBERS: Final = (float, int, type(None))
_MANY: Final = 1000
"""Number of events for which orjson is imported at once: a logger encodes many."""
_ENVELOPE: Final = len(b'{"events":[]}')


class EventEncoder:
    """Encoder of events: everything that `log()` accepts can be sent.

    Common arguments take a fast path. All others go through the models, which report what is
    invalid and where.

    Args:
        environment: The environment for users without one.
        id_key: The key in the metadata for the event's ID; None for no IDs.
        max_batch_bytes: The maximum size of a request with one event.
        clock: The clock.
    """

    def __init__(
        self, environment: str | None, id_key: str | None, max_batch_bytes: int, clock: Clock
    ) -> None:
        codec(_MANY)
        self._environment = None if environment is None else {"tier": environment}
        self._id_key = id_key
        self._max_bytes = max_batch_bytes - _ENVELOPE
        self._clock = clock
        self._numbers = itertools.count(1)
        self._origin = (0, "")

    def __call__(
        self,
        user: StatsigUser | StatsigUserDict,
        event_name: str,
        value: str | float | None,
        metadata: Mapping[str, str] | None,
        time: int | str | None,
    ) -> bytes:
        """Return an event in its wire form.

        Raises:
            TypeError: An argument has the wrong type.
            ValueError: An argument cannot be serialized as JSON, or the event is too large.
        """
        now = int(self._clock.time() * 1000)
        is_now = time is None
        if time is None:
            time = now
        is_common = _is_common(event_name, value, metadata) and (
            is_now or (type(time) is int and time_problem(time, now) is None)
        )
        plain = _plain_user(user) if is_common else None
        if plain is not None:
            event: JsonInputObject = {"eventName": event_name, "user": plain, "time": time}
            if value is not None:
                event["value"] = value
            if metadata is not None:
                event["metadata"] = metadata
        else:
            event = _checked(user, event_name, value, metadata, time)
        self._complete(event)
        # A copy: the bytes that orjson returns keep a buffer of 4 KB alive.
        encoded = bytes(memoryview(serialize(event)))
        if len(encoded) > self._max_bytes:
            raise ValueError(
                f"the event has {len(encoded)} bytes, more than max_batch_bytes allows"
            )
        if not is_common:
            check_events([event], None if is_now else now)
        return encoded

    def _complete(self, event: JsonInputObject) -> None:
        """Prepare the user, and add an ID."""
        user = event.get("user")
        if not isinstance(user, dict):  # optional in the API, but not in `log()`
            raise TypeError("StatsigEvent.user: expected StatsigUser or object, got null")
        check_user("user", user)
        remove_private_attributes(user)
        add_environment(user, self._environment)
        if self._id_key is not None:
            metadata = event.get("metadata") or {}
            assert isinstance(metadata, Mapping)
            event["metadata"] = {**metadata, self._id_key: self._new_id()}

    def _new_id(self) -> str:
        # A forked child continues its parent's numbers, so the origin differs by process.
        process, origin = self._origin
        if process != os.getpid():
            origin = os.urandom(9).hex()
            self._origin = (os.getpid(), origin)
        return f"{origin}-{next(self._numbers)}"


def _plain_user(user: object) -> JsonInputObject | None:
    """Return a copy of a user's wire form; None if the models have to check it."""
    if type(user) is StatsigUser:
        return user.to_dict()
    if type(user) is not dict:
        return None
    fields = cast("JsonInputObject", user)
    for key, value in fields.items():
        kind = type(value)
        if not ((kind is str and key in USER_STRINGS) or (kind is dict and key in _USER_MAPS)):
            return None
    return dict(fields)


def _is_common(name: object, value: object, metadata: object) -> bool:
    """Return whether all types are right and nothing needs a warning."""
    if type(name) is not str or not 0 < len(name) <= MAX_TEXT:
        return False
    if SAFE_NAME.fullmatch(name) is None:
        return False
    if type(value) not in _NUMBERS and not (type(value) is str and len(value) <= MAX_TEXT):
        return False
    return metadata is None or _is_common_metadata(metadata)


def _is_common_metadata(metadata: object) -> bool:
    if type(metadata) is not dict:  # other mappings may return anything
        return False
    metadata = cast("dict[object, object]", metadata)
    size = 1
    for key, text in metadata.items():
        if type(key) is not str or type(text) is not str or "." in key:
            return False
        size += len(key) + len(text) + 6
    return size <= MAX_METADATA


def _checked(
    user: StatsigUser | StatsigUserDict,
    event_name: str,
    value: str | float | None,
    metadata: Mapping[str, str] | None,
    time: int | str,
) -> JsonInputObject:
    event = StatsigEvent(
        event_name=event_name,
        user=user,
        value=UNSET if value is None else value,
        metadata=metadata,
        time=time,
    )
    return event.to_dict()
