"""Counters of a spool: accepted events, and events per final state."""

from ..stats import EventStats
from .database import SpoolDatabase
from .schema import LAST_ID


def count(database: SpoolDatabase, column: str, events: int) -> None:
    """Add events to a counter."""
    database.execute(f"UPDATE counters SET {column} = {column} + ?", events)  # noqa: S608


def remove_events(database: SpoolDatabase, first: int, last: int) -> None:
    """Delete events, and remember the last ID so that no event is given it again."""
    database.execute("DELETE FROM events WHERE id BETWEEN ? AND ?", first, last)
    database.execute("UPDATE counters SET removed_to = max(removed_to, ?)", last)


def last_id(database: SpoolDatabase) -> int:
    """Return the ID of the youngest event; 0 if there never was one."""
    return database.row(f"SELECT {LAST_ID} FROM counters")[0]  # noqa: S608


def read_stats(database: SpoolDatabase, now: float) -> tuple[EventStats, int]:
    """Return the account of a spool at a time in seconds since 1970, and its youngest event's ID.

    Events are not counted one by one, since that would read all of them: IDs have no gaps, and the
    counters know all events that left.
    """
    # One statement reads one moment.
    youngest, oldest, delivered, rejected, ambiguous, dropped, retried, resent, moved = (
        database.row(
            f"SELECT {LAST_ID}, coalesce((SELECT logged FROM events ORDER BY id LIMIT 1), 0),"  # noqa: S608
            " delivered, rejected, ambiguous, dropped, retried, resent_ambiguous, moved"
            " FROM counters"
        )
    )
    # Dead letters that became pending again have two IDs, and events that moved to another spool
    # are counted there.
    accepted = youngest - moved
    pending = accepted - delivered - rejected - ambiguous - dropped
    stats = EventStats(
        accepted=accepted,
        delivered=delivered,
        rejected=rejected,
        ambiguous=ambiguous,
        dropped=dropped,
        pending=pending,
        retried=retried,
        resent_ambiguous=resent,
        spooled_bytes=database.size().used,
        oldest_age=max(0.0, now - oldest / 1000) if pending else 0.0,
    )
    return stats, youngest
