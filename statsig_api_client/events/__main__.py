"""Looks after a spool: python -m statsig_api_client.events events.db drain."""

import argparse
import json
import re
import sys
from collections import Counter
from contextlib import closing
from itertools import chain
from pathlib import Path
from typing import Final, cast

from .._client import Statsig
from .._clock import Clock
from .._errors import StatsigError
from .logger import EventLogger
from .queue.counters import read_stats
from .queue.database import SpoolDatabase
from .queue.dead_letters import (
    SpooledEvent,
    dead_letters,
    discard_dead_letters,
    pending_events,
    retry_dead_letters,
)
from .queue.recovery import children

_VERBS: Final = """\
  list      what is in the spool, and what became of all else
  export    all that is in it as lines of JSON: what waits, and the dead letters
  requeue   queue the dead letters once more
  discard   delete the dead letters, which take room
  drain     send what waits; the API key is in STATSIG_API_KEY, the server, if it is not
            Statsig's, in STATSIG_BASE_URL
"""

_EFFORT: Final = r" from \S+ after \d+ attempts? in \S+ s"
"""What makes two errors differ that are the same."""


def main(
    arguments: list[str] | None = None, *, name: str = "python -m statsig_api_client.events"
) -> int:
    """Run the command, which may have another name; the exit status."""
    parser = argparse.ArgumentParser(
        prog=name,
        description="Looks after a spool of events.",
        epilog=_VERBS,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("spool", type=Path, help="the file")
    parser.add_argument(
        "verb", nargs="?", choices=("list", "export", "requeue", "discard", "drain"), default="list"
    )
    parser.add_argument(
        "--timeout",
        type=float,
        default=60.0,
        help="the most seconds that drain may take (default 60; what a process that died was "
        "sending can be sent again about 20 seconds after its death)",
    )
    options = parser.parse_args(arguments)
    spool: Path = options.spool.absolute()
    try:
        if options.verb == "drain":
            return _drain(spool, options.timeout)
        verbs = {"list": _list, "export": _export, "requeue": _requeue, "discard": _discard}
        return verbs[options.verb](spool)
    except (StatsigError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _opened(spool: Path) -> "closing[SpoolDatabase]":
    """Open a spool; looking at it must not make one, or rename what is not one."""
    return closing(SpoolDatabase(spool, must_exist=True))


def _list(spool: Path) -> int:
    with _opened(spool) as database:
        stats = read_stats(database, Clock().time())
        letters = Counter((it.state, re.sub(_EFFORT, "", it.why)) for it in dead_letters(database))
    for name in ("accepted", "delivered", "rejected", "ambiguous", "dropped", "pending"):
        print(f"{name:10} {getattr(stats, name):10,}")
    print(f"{'bytes':10} {stats.spooled_bytes:10,}")
    if stats.pending:
        print(f"the oldest waits for {stats.oldest_age:,.0f} s")
    for (state, why), count in letters.most_common():
        print(f"{count:,} {state}: {why}")
    for child in children(spool):
        print(f"a forked process left {child.name}; drain moves it into this spool")
    return 0


def _export(spool: Path) -> int:
    with _opened(spool) as database:
        for event in chain(pending_events(database), dead_letters(database)):
            print(json.dumps(_line(event), ensure_ascii=False, separators=(",", ":")))
    return 0


def _line(event: SpooledEvent) -> dict[str, object]:
    return {
        "state": event.state,
        "why": event.why or None,
        "logged": event.logged,
        "event": cast("object", json.loads(event.event)),
    }


def _requeue(spool: Path) -> int:
    with _opened(spool) as database:
        print(f"{retry_dead_letters(database):,} dead letters are queued again")
    return 0


def _discard(spool: Path) -> int:
    with _opened(spool) as database:
        print(f"{discard_dead_letters(database):,} dead letters are deleted")
    return 0


def _drain(spool: Path, timeout: float) -> int:
    with _opened(spool):
        pass
    with Statsig() as statsig:
        events = EventLogger(statsig, spool=spool)
        try:
            result = events.flush(timeout)
        finally:
            events.close(0)
    print(
        f"{result.delivered:,} delivered, {result.rejected:,} rejected, {result.pending:,} pending"
    )
    return 1 if result.pending else 0


if __name__ == "__main__":
    sys.exit(main())
