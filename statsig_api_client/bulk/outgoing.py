"""From a line or a row to an event's bytes, or to why Statsig would not take or keep it."""

import re
import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, cast

from .._event_limits import MAX_METADATA, MAX_TEXT
from .._runtime.parsers import SchemaError
from ..generated import StatsigEvent
from .errors import Fault
from .exact_json import dump, is_exact, parse, parse_exactly
from .mapping import RowReader
from .settings import MAX_EVENT, Settings

_PLAIN_NAME: Final = re.compile(r"[^\\\[\]{}<>#=;&$%|\0\n\r]+")
_ZONED: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)")
_EARLIEST: Final = 946_684_800_000
"""Milliseconds: what is before the year 2000 has another unit than it should."""
_DAY: Final = 86_400_000
_MAX_USER: Final = 4096
_MAX_USER_ID: Final = 128
"""Characters. Statsig's SDK for Node warns of what is above: it may be trimmed or stripped."""
_USER_TEXTS: Final = frozenset(
    ("userID", "email", "ip", "userAgent", "country", "locale", "appVersion")
)

_IN_A_ROW: Final = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""Errors that come from the content of a row: the row is rejected, and the import continues."""

Event = dict[str, object]


class Outgoing:
    """Makes the bytes of events, each checked: what it gives can be sent.

    What is usual goes a short way; a line that is an event already is sent as it is.
    """

    def __init__(
        self, settings: Settings, environment: str | None, reader: RowReader | None
    ) -> None:
        self._allow_cut = settings.allow_cut
        self._allow_no_time = settings.allow_no_time
        self._tier = None if environment is None else {"tier": environment}
        self._reader = reader
        self._most = min(settings.max_batch_bytes, MAX_EVENT)
        self._latest = int(time.time() * 1000) + _DAY

    def __call__(self, content: bytes | Mapping[str, object]) -> bytes:
        """The bytes of one event.

        Args:
            content: A line of JSON, or a row.

        Raises:
            Fault: It cannot be sent, or Statsig would lose something of it.
        """
        try:
            return self._encoded_event(content)
        except _IN_A_ROW as error:
            raise Fault(f"cannot be converted: {error!r}") from error

    def _encoded_event(self, content: bytes | Mapping[str, object]) -> bytes:
        if self._reader is not None:
            row = decoded_exactly(content) if isinstance(content, bytes) else content
            event = self._reader.event(row)
            self._check(event)
            self._complete(event)
            encoded = _encoded(event)
        else:
            assert isinstance(content, bytes)  # noqa: S101  (tables have a reader)
            encoded, event = content, decoded(content)
            self._check(event)
            if self._complete(event):
                if not is_exact(encoded):
                    event = decoded_exactly(encoded)
                    self._complete(event)
                encoded = _encoded(event)
        if not self._allow_cut and (user := event.get("user")):
            _check_lengths(cast("Event", user), len(encoded))
        if len(encoded) > self._most:
            raise Fault(f"the event has {len(encoded):,} bytes, more than {self._most:,}")
        return encoded

    def _check(self, event: Event) -> None:
        when, value = event.get("time"), event.get("value")
        if not (type(when) is int and _EARLIEST <= when <= self._latest):
            self._check_time(when)
        name = event.get("eventName")
        if type(name) is not str or not name:
            raise Fault("eventName: is missing, or is no text")
        if _PLAIN_NAME.fullmatch(name) is None:
            raise Fault(
                r"eventName: Statsig drops names with a line break or one of \[]{}<>#=;&$%|"
            )
        metadata = event.get("metadata")
        if not _is_usual(event, value, metadata):
            _check_by_model(event)
        if metadata is not None:
            self._check_metadata(cast("dict[str, object]", metadata))
        if self._allow_cut:
            return
        if len(name) > MAX_TEXT:
            raise Fault(f"eventName: Statsig may cut names above {MAX_TEXT} characters")
        if type(value) is str and len(value) > MAX_TEXT:
            raise Fault(f"value: Statsig may cut texts above {MAX_TEXT} characters")

    def _check_metadata(self, metadata: dict[str, object]) -> None:
        size = 1
        for key, text in metadata.items():
            if type(text) is not str:
                raise Fault(f"metadata.{key}: expected a text")
            if "." in key and not self._allow_cut:
                raise Fault(f"metadata: Statsig reads the dot in the key {key!r} as a path")
            size += len(key) + len(text) + 6
        if size > MAX_METADATA and not self._allow_cut:
            raise Fault(f"metadata: Statsig may drop what is above {MAX_METADATA} characters")

    def _check_time(self, when: object) -> None:
        if when is None:
            if not self._allow_no_time:
                raise Fault("time: is missing; Statsig would take the time at which it arrives")
        elif type(when) is str:
            if not _ZONED.fullmatch(when):
                raise Fault("time: expected milliseconds, or RFC 3339 with a zone")
        elif type(when) is int:
            near = "before the year 2000" if when < _EARLIEST else "more than a day from now"
            raise Fault(f"time: {when} milliseconds are {near}; is the unit another one?")
        else:
            raise Fault("time: expected whole milliseconds, or text of RFC 3339")

    def _complete(self, event: Event) -> bool:
        """Do what a delivery does to an event before it leaves; whether that changed it."""
        user = cast("Event | None", event.get("user"))
        changed = False
        if user is not None and "privateAttributes" in user:
            del user["privateAttributes"]
            changed = True
        if self._tier is not None and user is not None and not user.get("statsigEnvironment"):
            user["statsigEnvironment"] = self._tier
            changed = True
        return changed


def _is_usual(event: Event, value: object, metadata: object) -> bool:
    """Whether the types are right; what is not usual is left to the model."""
    return (
        _is_usual_user(event.get("user"))
        and (value is None or type(value) in (int, float, str, Decimal))
        and (metadata is None or type(metadata) is dict)
        and "secondaryExposures" not in event
        and "statsigMetadata" not in event
    )


def _check_by_model(event: Event) -> None:
    if type(event.get("value")) is Decimal:  # a number; models know no Decimal
        event = {**event, "value": 0}
    try:
        StatsigEvent.from_dict(event, "event")
    except SchemaError as error:
        raise Fault(str(error).removeprefix("event.")) from None


def _is_usual_user(user: object) -> bool:
    if type(user) is not dict:
        return False
    for key, value in cast("Event", user).items():
        if not (type(value) is str and key in _USER_TEXTS):
            return False
    return True


def _check_lengths(user: Event, most: int) -> None:
    """See whether Statsig may cut something of a user, who has at most so many characters."""
    name = user.get("userID")
    if type(name) is str and len(name) > _MAX_USER_ID:
        raise Fault(f"user.userID: Statsig may cut IDs above {_MAX_USER_ID} characters")
    if most > _MAX_USER and len(_encoded(user).decode()) > _MAX_USER:
        raise Fault(f"user: Statsig may strip what is above {_MAX_USER:,} characters")


def decoded(line: bytes) -> Event:
    """Return the object in a line of JSON; its numbers may be rounded.

    Raises:
        Fault: It is not a JSON object.
    """
    return _object_in(line, parse)


def decoded_exactly(line: bytes) -> Event:
    """Return the object in a line of JSON.

    Raises:
        Fault: It is not a JSON object.
    """
    return _object_in(line, parse_exactly)


def _object_in(line: bytes, read: Callable[[bytes], object]) -> Event:
    try:
        data = read(line)
    except ValueError as error:
        raise Fault(f"not JSON in UTF-8: {error}") from None
    if type(data) is not dict:
        raise Fault("expected a JSON object")
    return cast("Event", data)


def _encoded(event: Event) -> bytes:
    try:
        return dump(event)
    except TypeError as error:
        raise Fault(f"cannot be written as JSON: {error}") from None
