"""Events and exposures in SQLite: stored before a request is answered, and read back."""

import json
import sqlite3
import threading
from collections.abc import Iterable
from pathlib import Path
from typing import Final, Literal, TypeAlias, TypedDict, TypeVar, cast

from attrs import frozen

from .wire import JsonObject

_EXPOSURES: Final = {
    "statsig::gate_exposure": "gate",
    "statsig::config_exposure": "config",
    "statsig::layer_exposure": "config",
}
"""The names of exposure events, and the metadata that say what the user was exposed to."""

_VERSION: Final = 1
_SCHEMA: Final = f"""
BEGIN;
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    event_name TEXT NOT NULL,
    user TEXT NOT NULL,
    value TEXT NOT NULL,
    metadata TEXT NOT NULL,
    time INTEGER NOT NULL,
    received_time INTEGER NOT NULL,
    secondary_exposures TEXT NOT NULL,
    statsig_metadata TEXT NOT NULL
);
PRAGMA user_version = {_VERSION};
COMMIT;
"""
_COLUMNS: Final = (
    "event_name, user, value, metadata, time, received_time, secondary_exposures, statsig_metadata"
)

_Row: TypeAlias = tuple[str, str, str, str, int, int, str, str]


class RecordingError(Exception):
    """A database that cannot be used; the message says which and why."""


class SecondaryExposure(TypedDict):
    """A gate that was asked on the way to an evaluation."""

    gate: str
    gateValue: str
    ruleID: str


@frozen(kw_only=True)
class RecordedEvent:
    """An event that the server received, or that it logged itself."""

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


@frozen(kw_only=True)
class RecordedExposure(RecordedEvent):
    """That a user was exposed to a gate, config, experiment or layer."""

    @property
    def name(self) -> str | None:
        """The name of what the user was exposed to."""
        return self.metadata.get(_EXPOSURES[self.event_name])

    @property
    def rule_id(self) -> str | None:
        """The rule that decided."""
        return self.metadata.get("ruleID")


E = TypeVar("E", bound=RecordedEvent)


class Recording:
    """A database of events. It may be used from several threads.

    Args:
        db: The file, made if need be, and readable by its owner only; None for memory.

    Raises:
        RecordingError: The file is no database, one of another version, or cannot be written.
    """

    def __init__(self, db: Path | None) -> None:
        self._lock = threading.Lock()
        try:
            if db is not None:
                db.touch(mode=0o600)
            self._db = sqlite3.connect(db or ":memory:", timeout=1, check_same_thread=False)
        except (OSError, sqlite3.Error) as error:
            raise RecordingError(f"cannot open the database {db}: {error}") from None
        try:
            # What is committed survives the end of the process; only the end of the machine can
            # take the last moments of it, which is no reason to wait for the disk.
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute("PRAGMA synchronous = NORMAL")
            self._make_tables(db)
        except sqlite3.Error as error:
            self.close()
            raise RecordingError(f"cannot use the database {db}: {error}") from None

    def _make_tables(self, db: Path | None) -> None:
        ((version,),) = self._db.execute("PRAGMA user_version")
        ((tables,),) = self._db.execute("SELECT count(*) FROM sqlite_master")
        if version == 0 and tables == 0:
            self._db.executescript(_SCHEMA)
        elif version != _VERSION:
            self.close()
            raise RecordingError(f"{db} is not a database of this version of the local server")

    def store(self, events: Iterable[RecordedEvent]) -> None:
        """Store events, all or none, before it returns.

        Raises:
            sqlite3.Error: They could not be stored.
        """
        rows = [_row(event) for event in events]
        with self._lock, self._db:
            self._db.executemany(
                f"INSERT INTO events ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",  # noqa: S608
                rows,
            )

    def events(self) -> list[RecordedEvent]:
        """All events but exposures, in the order in which they arrived."""
        return self._read(RecordedEvent, "NOT IN")

    def exposures(self) -> list[RecordedExposure]:
        """All exposures, in the order in which they arrived."""
        return self._read(RecordedExposure, "IN")

    def close(self) -> None:
        """Close the database."""
        with self._lock:
            self._db.close()

    def _read(self, kind: type[E], membership: Literal["IN", "NOT IN"]) -> list[E]:
        marks = ", ".join("?" * len(_EXPOSURES))
        query = f"SELECT {_COLUMNS} FROM events WHERE event_name {membership} ({marks}) ORDER BY id"  # noqa: S608
        with self._lock:
            rows = cast("list[_Row]", self._db.execute(query, tuple(_EXPOSURES)).fetchall())
        return [
            kind(
                event_name=event_name,
                user=json.loads(user),
                value=json.loads(value),
                metadata=json.loads(metadata),
                time=time,
                received_time=received_time,
                secondary_exposures=json.loads(secondary_exposures),
                statsig_metadata=json.loads(statsig_metadata),
            )
            for (
                event_name,
                user,
                value,
                metadata,
                time,
                received_time,
                secondary_exposures,
                statsig_metadata,
            ) in rows
        ]


def _row(event: RecordedEvent) -> _Row:
    return (
        event.event_name,
        json.dumps(event.user),
        json.dumps(event.value),
        json.dumps(event.metadata),
        event.time,
        event.received_time,
        json.dumps(event.secondary_exposures),
        json.dumps(event.statsig_metadata),
    )
