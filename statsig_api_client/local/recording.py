"""Events and exposures in SQLite: stored before a request is answered, and read back."""

import sqlite3
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Literal, Self, TypeAlias, TypedDict, cast

from attrs import asdict, frozen

from .._runtime.parsers import JsonObject
from .strict_json import read_json, write_json

Kind: TypeAlias = Literal["event", "gate", "config", "layer"]
"""What was recorded: an event, or an exposure to one of the others (experiments are configs)."""

_EXPOSURES: Final[Mapping[str, tuple[Kind, str]]] = {
    "statsig::gate_exposure": ("gate", "gate"),
    "statsig::config_exposure": ("config", "config"),
    "statsig::layer_exposure": ("layer", "config"),
}
"""Exposure events by name: to what kind of thing, and the metadata that name the thing."""

_APPLICATION: Final = 0x53744C53
"""Marks databases of the local server, as SQLite provides for."""

_VERSION: Final = 2

# What can be asked for stands apart from the events themselves, in rows of some 40 bytes that are
# only ever appended: a search reads all of them, which takes 0.1 s for a million, while an index
# of users, whose pages are rewritten in all places, made storing eight times slower.
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
    "user_id": "instr(unit_ids, ?)",
    "rule_id": "rule_id = ?",
    "since": "received_time >= ?",
    "until": "received_time < ?",
}

_EventRow: TypeAlias = tuple[int, int, Kind, str | None, str | None, str]


class RecordingError(Exception):
    """A database that cannot be used; the message says which and why."""


class SecondaryExposure(TypedDict):
    """A gate that was asked on the way to an evaluation."""

    gate: str
    gateValue: str
    ruleID: str


class LoggedEvent(TypedDict):
    """An event as it is to be recorded, spelled as it travels."""

    eventName: str
    user: JsonObject
    value: str | float | None
    metadata: dict[str, str]
    time: int
    receivedTime: int
    secondaryExposures: list[SecondaryExposure]
    statsigMetadata: JsonObject


class RecordedJson(LoggedEvent):
    """A recorded event, spelled as it travels."""

    id: int


@frozen(kw_only=True)
class RecordedEvent:
    """An event that the server received, or that it logged itself."""

    id: int
    """Its number, by order of arrival."""
    event_name: str
    user: JsonObject
    """The user in the form of the wire, without `privateAttributes`."""
    value: str | float | None
    metadata: dict[str, str]
    time: int
    """When it happened, in milliseconds since 1970."""
    received_time: int
    """When the server received it, in milliseconds since 1970."""
    secondary_exposures: list[SecondaryExposure]
    statsig_metadata: JsonObject

    @classmethod
    def from_dict(cls, event: RecordedJson) -> Self:
        """Make it from the form in which it travels."""
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

    def to_dict(self) -> RecordedJson:
        """Give it the form in which it travels."""
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
    """That a user was exposed to a gate, config, experiment or layer."""

    @property
    def kind(self) -> Kind:
        """What the user was exposed to; an experiment is a config."""
        return _EXPOSURES[self.event_name][0]

    @property
    def name(self) -> str | None:
        """The name of what the user was exposed to."""
        return self.metadata.get(_EXPOSURES[self.event_name][1])

    @property
    def rule_id(self) -> str | None:
        """The rule that decided."""
        return self.metadata.get("ruleID")


@frozen(kw_only=True)
class Query:
    """Which events are wanted: those that meet every condition that is not None."""

    kind: Kind | None = None
    exposures: bool | None = None
    """Only exposures, or only what is none."""
    name: str | None = None
    """The name of an event, or of what a user was exposed to."""
    user_id: str | None = None
    """The `userID` of the user, or any of the `customIDs`."""
    rule_id: str | None = None
    since: int | None = None
    """Received at this time or later, in milliseconds since 1970."""
    until: int | None = None
    """Received before this time, in milliseconds since 1970."""


@frozen(kw_only=True)
class Page:
    """Some of the events that a query finds."""

    items: list[RecordedEvent]
    next: int | None
    """What the next page comes after; None if this is the last one."""


class Recording:
    """A database of events. It may be used from several threads.

    Args:
        db: The file, made if need be, and readable by its owner only; None for a file without a
            name that is gone when the recording is closed.

    Raises:
        RecordingError: The file is no database, one of another program or version, in use, or
            cannot be written.
    """

    def __init__(self, db: Path | None) -> None:
        self._lock = threading.Lock()
        self._forgotten = 0
        try:
            if db is not None:
                db.touch(mode=0o600)  # SQLite gives the two files that it adds the same mode.
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
            # What is committed survives the end of the process; only the end of the machine can
            # take the last moments of it, which is no reason to wait for the disk.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
        except (RecordingError, sqlite3.Error) as error:
            self.close()
            raise RecordingError(f"cannot use the database {db}: {error}") from None

    def store(self, events: Sequence[LoggedEvent]) -> None:
        """Store events, all or none, before it returns.

        Raises:
            sqlite3.Error: They could not be stored.
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

    def find(self, query: Query, after: int = 0, limit: int = 1000) -> Page:
        """Read events in the order in which they arrived.

        Args:
            query: Which events.
            after: Only what has a higher ID, such as `next` of the page before.
            limit: How many at most, at least one.
        """
        conditions, values = _where(query)
        # A cross join is one whose order SQLite keeps: it must not read documents in vain.
        with self._lock:
            found = self._db.execute(
                "SELECT id, event FROM events CROSS JOIN documents USING (id) "  # noqa: S608
                f"WHERE {conditions} AND id > ? ORDER BY id LIMIT ?",
                (*values, after, limit + 1),
            )
            rows = cast("list[tuple[int, str]]", found.fetchall())
        items = [_recorded(event_id, document) for event_id, document in rows[:limit]]
        return Page(items=items, next=items[-1].id if len(rows) > limit else None)

    def reset(self) -> None:
        """Forget all events. IDs go on from where they were, and so `after` keeps its meaning."""
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
        # Asked each time, because another process may write to the same file.
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
            raise RecordingError("it belongs to another program, or to an older local server")
        elif version != _VERSION:
            raise RecordingError(
                f"its format is {version}, and this version of the local server reads {_VERSION}"
            )


def _row(event_id: int, event: LoggedEvent) -> _EventRow:
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
    # SDKs take numbers for IDs too, and send them as such.
    texts = (str(unit_id) for unit_id in ids if type(unit_id) in {str, int, float})
    return "".join(map(_marked, texts))


def _marked(unit_id: str) -> str:
    # As JSON, which has no line breaks, so that no part of an ID is taken for one.
    return f"\n{write_json(unit_id)}\n"


def _where(query: Query) -> tuple[str, list[object]]:
    wanted = {field: value for field, value in asdict(query).items() if value is not None}
    if query.user_id is not None:
        wanted["user_id"] = _marked(query.user_id)
    return " AND ".join(["TRUE", *(_CONDITIONS[field] for field in wanted)]), [*wanted.values()]


def _recorded(event_id: int, document: str) -> RecordedEvent:
    event = cast(
        "RecordedJson", {"id": event_id, **cast("JsonObject", read_json(document.encode()))}
    )
    kind = RecordedExposure if event["eventName"] in _EXPOSURES else RecordedEvent
    return kind.from_dict(event)
