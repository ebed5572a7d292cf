"""From the arguments of `log()` to an event's bytes, or to what is wrong with them."""

import itertools
import os
import re
from collections.abc import Mapping
from typing import Final, cast

from .._clock import Clock
from .._event_limits import MAX_METADATA, MAX_TEXT, check_events
from .._json import serialize_request
from .._runtime.parsers import UNSET, JsonObject
from ..events.options import Settings
from ..generated import StatsigEvent, StatsigUser, StatsigUserDict

_PLAIN_NAME: Final = re.compile(r"[^\\\[\]{}<>#=;&$%|\0\n\r]{1,64}")
"""Of such names there is nothing to warn."""
_USER_TEXTS: Final = frozenset(
    ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
)
_USER_MAPS: Final = frozenset(("custom", "privateAttributes"))
_NUMBERS: Final = (float, int, type(None))
_ROOM: Final = len(b'{"events":[]}')


class EventEncoder:
    """Encodes events, each once: what `log()` accepts can be sent.

    What is usual goes a short way. All else is left to the models, which are thorough, and know
    how to say what is wrong and where.
    """

    def __init__(self, settings: Settings, environment: str | None, clock: Clock) -> None:
        self._environment = None if environment is None else {"tier": environment}
        self._id_key = settings.event_id_key
        self._most = settings.max_batch_bytes - _ROOM
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
        """One event as it goes over the wire.

        Raises:
            TypeError: An argument is of another type than its own.
            ValueError: An argument cannot be written as JSON, or the event is too large.
        """
        if time is None:
            time = int(self._clock.time() * 1000)
        known = _is_usual(event_name, value, metadata, time)
        plain = _plain_user(user) if known else None
        if plain is not None:
            event: JsonObject = {"eventName": event_name, "user": plain, "time": time}
            if value is not None:
                event["value"] = value
            if metadata is not None:
                event["metadata"] = metadata
        else:
            event = _thorough(user, event_name, value, metadata, time)
        self._complete(event)
        # A copy, since what orjson returns keeps a buffer of 4 KB for as long as it is kept.
        encoded = bytes(memoryview(serialize_request(event)))
        if len(encoded) > self._most:
            raise ValueError(
                f"the event has {len(encoded)} bytes, more than max_batch_bytes allows"
            )
        if not known:
            check_events([event])
        return encoded

    def _complete(self, event: JsonObject) -> None:
        """Do what a delivery does to an event before it leaves the process."""
        user = event.get("user")
        if not isinstance(user, dict):  # an event need not have one, but what is logged here has
            raise TypeError("StatsigEvent.user: expected StatsigUser or object, got null")
        user.pop("privateAttributes", None)
        if self._environment is not None and user.get("statsigEnvironment") is None:
            user["statsigEnvironment"] = self._environment
        if self._id_key is not None:
            metadata = event.get("metadata") or {}
            assert isinstance(metadata, Mapping)  # noqa: S101
            event["metadata"] = {**metadata, self._id_key: self._new_id()}

    def _new_id(self) -> str:
        # The process is part of it: a child counts on from where its parent was.
        process, origin = self._origin
        if process != os.getpid():
            origin = os.urandom(9).hex()
            self._origin = (os.getpid(), origin)
        return f"{origin}-{next(self._numbers)}"


def _plain_user(user: object) -> JsonObject | None:
    """The wire form of a user, to be changed at will; None when that needs a closer look."""
    if type(user) is StatsigUser:
        return user.to_dict()
    if type(user) is not dict:
        return None
    fields = cast("JsonObject", user)
    for key, value in fields.items():
        kind = type(value)
        if not ((kind is str and key in _USER_TEXTS) or (kind is dict and key in _USER_MAPS)):
            return None
    return dict(fields)


def _is_usual(name: object, value: object, metadata: object, time: object) -> bool:
    """Whether all is of the right type, and there is nothing to warn of."""
    if type(name) is not str or _PLAIN_NAME.fullmatch(name) is None or type(time) is not int:
        return False
    if type(value) not in _NUMBERS and not (type(value) is str and len(value) <= MAX_TEXT):
        return False
    return metadata is None or _is_usual_metadata(metadata)


def _is_usual_metadata(metadata: object) -> bool:
    if type(metadata) is not dict:  # another mapping may be slow, or odd
        return False
    metadata = cast("dict[object, object]", metadata)
    size = 1
    for key, text in metadata.items():
        if type(key) is not str or type(text) is not str or "." in key:
            return False
        size += len(key) + len(text) + 6
    return size <= MAX_METADATA


def _thorough(
    user: StatsigUser | StatsigUserDict,
    event_name: str,
    value: str | float | None,
    metadata: Mapping[str, str] | None,
    time: int | str,
) -> JsonObject:
    if isinstance(user, Mapping):
        # A batch must not fail for a user whom a type checker would have refused.
        user = StatsigUser.from_dict(user, "user")
    event = StatsigEvent(
        event_name=event_name,
        user=user,
        value=UNSET if value is None else value,
        metadata=metadata,
        time=time,
    )
    return event.to_dict()
