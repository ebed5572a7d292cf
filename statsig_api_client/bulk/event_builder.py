"""Conversion of lines and rows into serialized, valid events."""

import time
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Final, cast

from .._event_limits import DAY, MAX_METADATA, MAX_TEXT, MIN_TIME, SAFE_NAME, time_problem
from .._request import add_environment, remove_private_attributes
from .._runtime.parsers import SchemaError
from .._user_checks import USER_STRINGS
from ..events.options import MAX_REQUEST
from ..generated import StatsigEvent
from .errors import RowError, SourceError
from .mapping.entries import Constant
from .mapping.exact_json import is_exact, parse, parse_exactly, serialize
from .mapping.fields import EventMapping
from .mapping.rows import RowMapper
from .options import ImportOptions

_MAX_USER: Final = 4096
_MAX_USER_ID: Final = 128
"""Maximum characters. Statsig's Node SDK warns that longer IDs may be truncated or removed."""
_CONTENT_ERRORS: Final = (
    *(ArithmeticError, AttributeError, LookupError, RecursionError, TypeError, ValueError),
)
"""Errors that the content of a row can cause. They reject the row but never stop an import."""

_UNSAFE_NAME: Final = r"eventName: Statsig drops names with a line break or one of \[]{}<>#=;&$%|"

Event = dict[str, object]


class EventBuilder:
    """Conversion of lines and rows into serialized, checked events.

    Common events are checked here; the generated models check all others. A line that already is
    an event is sent unchanged.

    Args:
        options: Options of the import.
        environment: Environment of users without one.
        mapper: Conversion of rows; None for lines that already are events.
    """

    def __init__(
        self, options: ImportOptions, environment: str | None, mapper: RowMapper | None
    ) -> None:
        self._allow_truncation = options.allow_truncation
        self._allow_missing_time = options.allow_missing_time
        self._environment = None if environment is None else {"tier": environment}
        self._mapper = mapper
        self._max_bytes = min(options.max_batch_bytes, MAX_REQUEST)
        self._now = int(time.time() * 1000)

    def __call__(self, content: bytes | Mapping[str, object]) -> bytes:
        """Return the serialized event of a line of JSON, or of a row.

        Raises:
            RowError: It cannot be sent, or Statsig would drop a part of it.
        """
        try:
            event, serialized = self._convert(content)
            if not self._allow_truncation and (user := event.get("user")):
                _check_user_size(cast("Event", user), len(serialized))
        except _CONTENT_ERRORS as error:
            raise RowError(f"cannot be converted: {error!r}") from error
        if len(serialized) > self._max_bytes:
            raise RowError(
                f"event: expected at most {self._max_bytes:,} bytes, got {len(serialized):,}"
            )
        return serialized

    def _convert(self, content: bytes | Mapping[str, object]) -> tuple[Event, bytes]:
        if self._mapper is not None:
            row = parse_object(content, parse_exactly) if isinstance(content, bytes) else content
            event = self._mapper.event(row)
            self._check(event)
            self._complete(event)
            return event, _serialized(event)
        assert isinstance(content, bytes)
        event = parse_object(content)
        self._check(event)
        if not self._complete(event):
            return event, content
        if not is_exact(content):
            event = parse_object(content, parse_exactly)
            self._complete(event)
        return event, _serialized(event)

    def _check(self, event: Event) -> None:
        when, value = event.get("time"), event.get("value")
        if not (type(when) is int and MIN_TIME <= when <= self._now + DAY):
            self._check_time(when)
        name = event.get("eventName")
        if type(name) is not str or not name:
            raise RowError("eventName: expected a non-empty string")
        if SAFE_NAME.fullmatch(name) is None:
            raise RowError(_UNSAFE_NAME)
        metadata = event.get("metadata")
        if not _is_common(event, value, metadata):
            _check_by_model(event)
        if metadata is not None:
            self._check_metadata(cast("dict[str, object]", metadata))
        if self._allow_truncation:
            return
        if len(name) > MAX_TEXT:
            raise RowError(f"eventName: Statsig may truncate names above {MAX_TEXT} characters")
        if type(value) is str and len(value) > MAX_TEXT:
            raise RowError(f"value: Statsig may truncate strings above {MAX_TEXT} characters")

    def _check_metadata(self, metadata: dict[str, object]) -> None:
        size = 1
        for key, text in metadata.items():
            if type(text) is not str:
                raise RowError(f"metadata.{key}: expected a string, got {type(text).__name__}")
            if "." in key and not self._allow_truncation:
                raise RowError(_dotted(key))
            size += len(key) + len(text) + 6
        if size > MAX_METADATA and not self._allow_truncation:
            raise RowError(f"metadata: Statsig may drop metadata above {MAX_METADATA} characters")

    def _check_time(self, when: object) -> None:
        if when is None:
            if not self._allow_missing_time:
                raise RowError("time: missing; Statsig would use the time of arrival")
        elif problem := time_problem(when, self._now):
            raise RowError(f"time: {problem}")

    def _complete(self, event: Event) -> bool:
        """Remove private attributes, add the environment, and return whether the event changed."""
        user = cast("Event | None", event.get("user"))
        if user is None:
            return False
        # Both are called in any case.
        return remove_private_attributes(user) | add_environment(user, self._environment)


def check_mapping(mapping: EventMapping, options: ImportOptions) -> None:
    """Check the parts of a mapping that are the same for all rows.

    Raises:
        SourceError: The mapping would cause the rejection of every row.
    """
    time = mapping.fields.get("time")
    if time in (None, Constant(None)) and not options.allow_missing_time:
        raise SourceError(
            "mapping: time is missing, so Statsig would use the time of arrival; map a column to "
            "time, or allow missing times"
        )
    name = mapping.fields["eventName"]
    if isinstance(name, Constant):
        if name.value in (None, ""):
            raise SourceError("mapping: eventName: expected a name, got an empty constant")
        if not SAFE_NAME.fullmatch(str(name.value)):
            raise SourceError(f"mapping: {_UNSAFE_NAME}")
    for target in mapping.fields:
        section, _, key = target.partition(".")
        if section == "metadata" and "." in key.removesuffix(".*") and not options.allow_truncation:
            raise SourceError(f"mapping: {_dotted(key)}")


def parse_object(line: bytes, parser: Callable[[bytes], object] = parse) -> Event:
    """Parse a line of JSON.

    Raises:
        RowError: The line is not a JSON object.
    """
    try:
        data = parser(line)
    except ValueError as error:
        raise RowError(f"not JSON in UTF-8: {error}") from None
    if type(data) is not dict:
        raise RowError("expected a JSON object")
    return cast("Event", data)


def _dotted(key: str) -> str:
    return f"metadata: Statsig reads the dot in the key {key!r} as a path"


def _is_common(event: Event, value: object, metadata: object) -> bool:
    """Return whether a quick look shows that all types are correct."""
    return (
        _is_common_user(event.get("user"))
        and (value is None or type(value) in (int, float, str, Decimal))
        and (metadata is None or type(metadata) is dict)
        and "secondaryExposures" not in event
        and "statsigMetadata" not in event
    )


def _is_common_user(user: object) -> bool:
    if type(user) is not dict:
        return False
    for key, value in cast("Event", user).items():
        if not (type(value) is str and key in USER_STRINGS):
            return False
    return True


def _check_by_model(event: Event) -> None:
    if type(event.get("value")) is Decimal:  # a number; models do not know Decimal
        event = {**event, "value": 0}
    try:
        StatsigEvent.from_dict(event, "event")
    except SchemaError as error:
        raise RowError(str(error).removeprefix("event.")) from None


def _check_user_size(user: Event, event_bytes: int) -> None:
    """Check the size of a user, given the size of its event."""
    user_id = user.get("userID")
    if type(user_id) is str and len(user_id) > _MAX_USER_ID:
        raise RowError(f"user.userID: Statsig may truncate IDs above {_MAX_USER_ID} characters")
    if event_bytes > _MAX_USER and len(_serialized(user).decode()) > _MAX_USER:
        raise RowError(f"user: Statsig may remove fields above {_MAX_USER:,} characters")


def _serialized(event: Event) -> bytes:
    try:
        return serialize(event)
    except TypeError as error:
        raise RowError(f"cannot be represented in JSON: {error}") from None
