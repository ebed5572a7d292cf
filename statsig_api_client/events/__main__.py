"""Looks after a spool: python -m statsig_api_client.events events.db drain."""

import argparse
import json
import re
import sqlite3
import sys
from collections import Counter
from contextlib import closing
from pathlib import Path
from typing import Final, cast

from .._client import Statsig
from .._clock import Clock
from .._errors import StatsigError
from .errors import SpoolError
from .logger import EventLogger
from .options import Settings
from .queue.recovery import children
from .queue.spool import Letter, SpoolStore

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
        _see(spool)
        if options.verb == "drain":
            return _drain(spool, options.timeout)
        verbs = {"list": _list, "export": _export, "requeue": _requeue, "discard": _discard}
        return verbs[options.verb](spool)
    except (StatsigError, OSError) as error:
        print(f"error: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _see(spool: Path) -> None:
    """See that there is a spool, since looking at it must not make one, or rename what is none."""
    if not spool.is_file():
        raise SpoolError(f"there is no spool {spool}")
    try:
        with closing(sqlite3.connect(f"{spool.as_uri()}?mode=ro", uri=True)) as connection:
            connection.execute("SELECT 1 FROM ledger, events LIMIT 1")
    except sqlite3.Error as error:
        raise SpoolError(f"{spool} is no spool: {error}") from error


def _opened(spool: Path) -> "closing[SpoolStore]":
    return closing(
        SpoolStore(Settings(spool=spool), Clock(), lambda: None, path=spool, longest_attempt=10.0)
    )


def _list(spool: Path) -> int:
    with _opened(spool) as store:
        stats = store.stats()
        letters = Counter((it.state, re.sub(_EFFORT, "", it.why)) for it in store.dead_letters())
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
    with _opened(spool) as store:
        for letter in (*store.waiting(), *store.dead_letters()):
            print(json.dumps(_line(letter), ensure_ascii=False, separators=(",", ":")))
    return 0


def _line(letter: Letter) -> dict[str, object]:
    return {
        "state": letter.state,
        "why": letter.why or None,
        "logged": letter.logged,
        "event": cast("object", json.loads(letter.event)),
    }


def _requeue(spool: Path) -> int:
    with _opened(spool) as store:
        print(f"{store.requeue():,} dead letters are queued again")
    return 0


def _discard(spool: Path) -> int:
    with _opened(spool) as store:
        print(f"{store.discard():,} dead letters are deleted")
    return 0


def _drain(spool: Path, timeout: float) -> int:
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
