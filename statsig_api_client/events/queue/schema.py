"""Tables of a spool, their versions, and the queries that several modules share.

* `events`: pending events in the order in which they were logged; no ID is used twice.
* `leases`: ranges of event IDs that a process is sending, each with the time of its expiry.
* `dead_letters`: events that the server rejected, or whose delivery is ambiguous.
* `counters`: one row, how many events left the table `events`, and why.
"""

import sqlite3
from typing import Final

APPLICATION_ID: Final = 0x53744576
"""Marks a spool in the header of the file: `StEv`."""
PAGE_SIZE: Final = 2048
"""Bytes. Each logged event writes two pages, so smaller pages are faster."""

_MIGRATIONS: Final = (
    """
CREATE TABLE events (
    id INTEGER PRIMARY KEY,
    logged INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE leases (
    token INTEGER PRIMARY KEY,
    first INTEGER NOT NULL,
    last INTEGER NOT NULL,
    expires REAL NOT NULL
);
CREATE TABLE dead_letters (
    id INTEGER PRIMARY KEY,
    logged INTEGER NOT NULL,
    data BLOB NOT NULL,
    state TEXT NOT NULL,
    why TEXT NOT NULL
);
CREATE TABLE counters (
    delivered INTEGER NOT NULL DEFAULT 0,
    rejected INTEGER NOT NULL DEFAULT 0,
    ambiguous INTEGER NOT NULL DEFAULT 0,
    dropped INTEGER NOT NULL DEFAULT 0,
    retried INTEGER NOT NULL DEFAULT 0,
    resent_ambiguous INTEGER NOT NULL DEFAULT 0,
    moved INTEGER NOT NULL DEFAULT 0,
    removed_to INTEGER NOT NULL DEFAULT 0
);
INSERT INTO counters DEFAULT VALUES;
""",
)
"""Statements that lead from one version of the tables to the next; `user_version` counts them."""

LAST_ID: Final = "max(removed_to, coalesce((SELECT max(id) FROM events), 0))"
"""Expression over the table `counters`: the ID of the youngest event. AUTOINCREMENT would keep it
in a separate table, and write one more page for each event.
"""
INSERT_EVENT: Final = (
    f"INSERT INTO events (id, logged, data) VALUES ((SELECT {LAST_ID} + 1 FROM counters), ?, ?)"  # noqa: S608
)


class NotASpoolError(Exception):
    """The file is not a spool, or it is broken."""


class NewerSpoolError(Exception):
    """A newer version of this package wrote the file."""


def migrate(connection: sqlite3.Connection) -> None:
    """Create the tables, or bring them to the newest version."""
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version > len(_MIGRATIONS):
        raise NewerSpoolError("a newer version of this package wrote it")
    # Opening an up-to-date spool must not write: the disk may be full.
    if version == len(_MIGRATIONS):
        return
    connection.execute("BEGIN IMMEDIATE")  # closing the connection undoes a half-done migration
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    for migration in _MIGRATIONS[version:]:
        for statement in migration.strip().split(";\n"):
            connection.execute(statement)
    connection.execute(f"PRAGMA user_version = {len(_MIGRATIONS)}")
    connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
    connection.execute("COMMIT")
