"""Recorded events and exposures, in SQLite."""

import sqlite3
import threading
from collections.abc import Generator, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, TypedDict, cast

from attrs import asdict, frozen

from .._runtime.parsers import JsonObject
from ..generated.typed_dicts import SecondaryExposureDict
from .strict_json import read_json, write_json

EventKind: TypeAlias = Literal["event", "gate", "config", "layer"]
"""The kind of a recorded event: an ordinary event, or an exposure to a kind of entity."""

_EXPOSURES: Final[Mapping[str, tuple[EventKind, str]]] = {
    "statsig::gate_exposure": ("gate", "gate"),
    "statsig::config_exposure": ("config", "config"),
    "statsig::layer_exposure": ("layer", "config"),
}
"""The kind of each exposure event, and the metadata key with the name of the entity."""

_APPLICATION: Final = 0x53744C53
"""SQLite's application ID of the local server's databases."""

_VERSION: Final = 2

_MAX_ID: Final = 2**63 - 1

_BATCH: Final = 1000

# The searchable columns are apart from the documents, in append-only rows of about 40 bytes. A
# search reads all of them, which takes 0.1 s for a million; an index of users made storing eight
# times slower.
_SCHEMA: Final = (
    """CREATE TABLE events (
        id INTEGER PRIMARY KEY,
        received_time INTEGER NOT NULL,
        kind TEXT NOT NULL,
        name TEXT,
        rule_id TEXT,
        unit_ids TEXT NOT NULL
    )""",
    "CREATE TABLE documents (id INTEGER PRIMARY KEY, event TEXT NOT NULL)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)

_CONDITIONS: Final = {
    "kind": "kind = ?",
    "exposures": "(kind <> 'event') = ?",
    "name": "name = ?",
    "contains": "instr(lower(name), lower(?))",
    "user_id": "instr(unit_ids, ?)",
    "rule_id": "rule_id = ?",
    "since": "received_time >= ?",
    "until": "received_time < ?",
}

_EventRow: TypeAlias = tuple[int, int, EventKind, str | None, str | None, str]


class RecordingError(Exception):
    """Unusable database; the message contains its path and the reason."""


class LoggedEventDict(TypedDict):
    """An event to record, in its JSON form."""

    eventName: str
    user: JsonObject
    value: str | float | None
    metadata: Mapping[str, str]
    time: int
    receivedTime: int
    secondaryExposures: Sequence[SecondaryExposureDict]
    statsigMetadata: JsonObject


class RecordedEventDict(LoggedEventDict):
    """A recorded event, in its JSON form."""

    id: int


@frozen(kw_only=True)
class RecordedEvent:
    """An event that the server received or logged itself."""

    id: int
    """The ID of the event; IDs increase in the order of arrival."""
    event_name: str
    user: JsonObject
    """The user in its JSON form, without `privateAttributes`."""
    value: str | float | None
    metadata: Mapping[str, str]
    time: int
    """The time of the event, in milliseconds since 1970."""
    received_time: int
    """The time of its arrival, in milliseconds since 1970."""
    secondary_exposures: Sequence[SecondaryExposureDict]
    statsig_metadata: JsonObject

    @classmethod
    def from_dict(cls, event: RecordedEventDict) -> Self:
        """Create an event from its JSON form."""
        return cls(
            id=event["id"],
            event_name=event["eventName"],
            user=event["user"],
            value=event["value"],
            metadata=event["metadata"],
            time=event["time"],
            received_time=event["receivedTime"],
            secondary_exposures=event["secondaryExposures"],
            statsig_metadata=event["statsigMetadata"],
        )

    def to_dict(self) -> RecordedEventDict:
        """Return the event in its JSON form."""
        return {
            "id": self.id,
            "eventName": self.event_name,
            "user": self.user,
            "value": self.value,
            "metadata": self.metadata,
            "time": self.time,
            "receivedTime": self.received_time,
            "secondaryExposures": self.secondary_exposures,
            "statsigMetadata": self.statsig_metadata,
        }


@frozen(kw_only=True)
class RecordedExposure(RecordedEvent):
    """An exposure of a user to a gate, config, experiment or layer."""

    @property
    def kind(self) -> EventKind:
        """The kind of entity that the user was exposed to; an experiment is a config."""
        return _EXPOSURES[self.event_name][0]

    @property
    def name(self) -> str | None:
        """The name of the gate, config, experiment or layer."""
        return self.metadata.get(_EXPOSURES[self.event_name][1])

    @property
    def rule_id(self) -> str | None:
        """The ID of the rule that decided."""
        return self.metadata.get("ruleID")


@frozen(kw_only=True)
class EventFilter:
    """Conditions that events must meet; None does not restrict them."""

    kind: EventKind | None = None
    exposures: bool | None = None
    """Only exposures, or only other events."""
    name: str | None = None
    """The name of an event, or of the entity of an exposure."""
    contains: str | None = None
    """A part of that name, ignoring case."""
    user_id: str | None = None
    """The `userID` of the user, or one of the `customIDs`."""
    rule_id: str | None = None
    since: int | None = None
    """The earliest time of arrival, in milliseconds since 1970."""
    until: int | None = None
    """The time before which events arrived, in milliseconds since 1970."""


@frozen(kw_only=True)
class EventPage:
    """A page of events."""

    items: list[RecordedEvent]
    next: int | None
    """The value of `after` for the next page; None for the last page."""


@frozen(kw_only=True)
class ExposureCount:
    """The exposures that a rule decided."""

    rule_id: str | None
    """The ID of the rule; None for exposures without one."""
    exposures: int
    users: int
    """The number of distinct users, by all of their IDs."""


class Recording:
    """A thread-safe database of events.

    Args:
        db: The file, created if it does not exist, and readable only by its owner; None for a
            temporary database.

    Raises:
        RecordingError: The file is not a database, belongs to another program or version, is
            locked, or cannot be written.
    """

    def __init__(self, db: Path | None) -> None:
        self._lock = threading.Lock()
        self._forgotten = 0
        try:
            if db is not None:
                db.touch(mode=0o600)  # SQLite creates its two other files with the same mode.
                db.chmod(0o600)  # even an existing file: events contain users
            self._db = sqlite3.connect(
                db or "", timeout=1, isolation_level=None, check_same_thread=False
            )
        except OSError as error:
            raise RecordingError(f"cannot write the database {db}: {error.strerror}") from None
        except sqlite3.Error as error:
            raise RecordingError(f"cannot open the database {db}: {error}") from None
        try:
            with self._transaction():
                self._prepare()
            # Commits survive a crash of the process; only a crash of the machine can lose the last
            # ones, which does not justify waiting for the disk.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        except (RecordingError, sqlite3.Error) as error:
            self.close()
            raise RecordingError(f"cannot use the database {db}: {error}") from None

    def store(self, events: Sequence[LoggedEventDict]) -> None:
        """Store all events in one transaction.

        Raises:
            sqlite3.Error: The events could not be stored.
        """
        documents = [write_json(event) for event in events]
        with self._transaction():
            first = self._newest() + 1
            ids = range(first, first + len(events))
            self._db.executemany(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?)", map(_row, ids, events)
            )
            self._db.executemany(
                "INSERT INTO documents VALUES (?, ?)", zip(ids, documents, strict=True)
            )

    def find(
        self,
        condition: EventFilter,
        after: int | None = None,
        limit: int = 1000,
        *,
        newest_first: bool = False,
    ) -> EventPage:
        """Return a page of events in the order of their arrival.

        Args:
            condition: The conditions that the events must meet.
            after: The ID that precedes the page, such as `next` of the previous page; None for the
                first page.
            limit: The maximum number of events, at least one.
            newest_first: Reverse the order.
        """
        conditions, values = _where(condition)
        if after is None:
            after = _MAX_ID if newest_first else 0
        order = "id < ? ORDER BY id DESC" if newest_first else "id > ? ORDER BY id"
        # SQLite keeps the order of a cross join, so that it reads only the documents it needs.
        with self._lock:
            found = self._db.execute(
                "SELECT id, event FROM events CROSS JOIN documents USING (id) "  # noqa: S608
                f"WHERE {conditions} AND {order} LIMIT ?",
                (*values, after, limit + 1),
            )
            rows = cast("list[tuple[int, str]]", found.fetchall())
        items = [_recorded(event_id, document) for event_id, document in rows[:limit]]
        return EventPage(items=items, next=items[-1].id if len(rows) > limit else None)

    def exposure_counts(self, condition: EventFilter) -> list[ExposureCount]:
        """Return the numbers of exposures by rule, in descending order.

        Args:
            condition: The conditions that the exposures must meet.
        """
        conditions, values = _where(condition)
        with self._lock:
            found = self._db.execute(
                "SELECT rule_id, count(*) AS exposures, count(DISTINCT unit_ids) "  # noqa: S608
                f"FROM events WHERE {conditions} GROUP BY rule_id ORDER BY exposures DESC, rule_id",
                values,
            )
            rows = cast("list[tuple[str | None, int, int]]", found.fetchall())
        return [
            ExposureCount(rule_id=rule_id, exposures=exposures, users=users)
            for rule_id, exposures, users in rows
        ]

    def count(self, maximum: int) -> int:
        """Return the number of events, or `maximum` if there are more."""
        with self._lock:
            ((count,),) = self._db.execute(
                "SELECT count(*) FROM (SELECT 1 FROM events LIMIT ?)", (maximum,)
            )
        return cast("int", count)

    def documents(self) -> Iterator[list[bytes]]:
        """Yield the JSON documents of all events, in batches."""
        last = 0
        while True:
            with self._lock:  # Not for all at once: the server stores events meanwhile.
                found = self._db.execute(
                    "SELECT id, CAST(event AS BLOB) FROM documents "
                    "WHERE id > ? ORDER BY id LIMIT ?",
                    (last, _BATCH),
                )
                rows = cast("list[tuple[int, bytes]]", found.fetchall())
            if not rows:
                return
            last = rows[-1][0]
            yield [document for _, document in rows]

    def reset(self) -> None:
        """Delete all events. IDs continue, so that `after` keeps its meaning."""
        with self._transaction():
            self._forgotten = self._newest()
            self._db.execute("DELETE FROM events")
            self._db.execute("DELETE FROM documents")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    @contextmanager
    def _transaction(self) -> Generator[None]:
        with self._lock, self._db:
            self._db.execute("BEGIN IMMEDIATE")
            yield

    def _newest(self) -> int:
        # Another process may write to the same file.
        ((newest,),) = self._db.execute("SELECT max(id) FROM events")
        return max(newest or 0, self._forgotten)

    def _prepare(self) -> None:
        ((application,),) = self._db.execute("PRAGMA application_id")
        ((version,),) = self._db.execute("PRAGMA user_version")
        ((tables,),) = self._db.execute("SELECT count(*) FROM sqlite_master")
        if (application, version, tables) == (0, 0, 0):
            for statement in _SCHEMA:
                self._db.execute(statement)
        elif application != _APPLICATION:
            raise RecordingError("it belongs to another program or to an older local server")
        elif version != _VERSION:
            raise RecordingError(
                f"expected format {_VERSION}, got {version} of another version of the local server"
            )


def _row(event_id: int, event: LoggedEventDict) -> _EventRow:
    exposure = _EXPOSURES.get(event["eventName"])
    received, unit_ids = event["receivedTime"], _unit_ids(event["user"])
    if exposure is None:
        return event_id, received, "event", event["eventName"], None, unit_ids
    kind, what = exposure
    metadata = event["metadata"]
    return event_id, received, kind, metadata.get(what), metadata.get("ruleID"), unit_ids


def _unit_ids(user: JsonObject) -> str:
    custom_ids = user.get("customIDs")
    ids = [user.get("userID"), *(custom_ids.values() if isinstance(custom_ids, dict) else ())]
    # SDKs accept numbers as IDs and send them as numbers.
    strings = (str(unit_id) for unit_id in ids if type(unit_id) in {str, int, float})
    return "".join(map(_delimited, strings))


def _delimited(unit_id: str) -> str:
    # JSON contains no line breaks, so that a part of an ID never matches.
    return f"\n{write_json(unit_id)}\n"


def _where(condition: EventFilter) -> tuple[str, list[object]]:
    fields = {field: value for field, value in asdict(condition).items() if value is not None}
    if condition.user_id is not None:
        fields["user_id"] = _delimited(condition.user_id)
    return " AND ".join(["TRUE", *(_CONDITIONS[field] for field in fields)]), [*fields.values()]


def recorded_event(event: RecordedEventDict) -> RecordedEvent:
    """Return an event, or an exposure, from its JSON form."""
    kind = RecordedExposure if event["eventName"] in _EXPOSURES else RecordedEvent
    return kind.from_dict(event)


def _recorded(event_id: int, document: str) -> RecordedEvent:
    fields = cast("JsonObject", read_json(document.encode()))
    return recorded_event(cast("RecordedEventDict", {"id": event_id, **fields}))
