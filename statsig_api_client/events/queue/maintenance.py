"""Operations on a spool for people; no logger needs them."""

from collections import Counter
from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Self

from ..._clock import Clock
from ..stats import EventStats
from .accounting import read_stats
from .database import SpoolDatabase
from .dead_letters import (
    SpooledEvent,
    dead_letters,
    discard_dead_letters,
    pending_events,
    retry_dead_letters,
)
from .recovery import children


class SpoolMaintenance:
    """A spool that a person looks at; loggers may use it at the same time.

    Args:
        path: The file. If it is not a spool, it is left alone.

    Raises:
        SpoolError: The file is not a spool, or cannot be read. All methods raise it, too.
    """

    def __init__(self, path: Path) -> None:
        self._database = SpoolDatabase(path.absolute(), must_exist=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._database.close()

    def stats(self) -> EventStats:
        """Return the account of the spool."""
        return read_stats(self._database, Clock().time())[0]

    def events(self) -> Iterator[SpooledEvent]:
        """Yield the pending events, then the dead letters, each from the oldest."""
        return chain(pending_events(self._database), dead_letters(self._database))

    def reasons(self) -> Counter[tuple[str, str]]:
        """Count the dead letters by their state and reason."""
        rows = self._database.rows("SELECT state, why, count(*) FROM dead_letters GROUP BY 1, 2")
        return Counter({(str(state), str(why)): int(str(events)) for state, why, events in rows})

    def retry(self) -> int:
        """Make all dead letters pending again, and return their number."""
        return retry_dead_letters(self._database)

    def discard(self) -> int:
        """Delete all dead letters, and return their number."""
        return discard_dead_letters(self._database)

    def children(self) -> list[Path]:
        """Return the spools that forked processes left beside this one."""
        return list(children(self._database.path))
