"""Disks that are full, read-only or broken, and clocks that jump."""

import os
import random
import resource
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from statsig_api_client.events import EventQueueFullError, SpoolError
from tests.support.collector import OK, Answer, Collector, collecting

from .chance import Jumping, Late, logger

DOWN = Answer(503, b"", takes=False)


@contextmanager
def small_disk(folder: Path) -> Iterator[Path]:
    """A disk of 3 MB; where none can be mounted, a limit on the size of files."""
    disk = folder / "disk"
    disk.mkdir()
    mounted = os.geteuid() == 0 and not subprocess.call(
        ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", disk], stderr=subprocess.DEVNULL
    )
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    if mounted:
        (disk / "of others").write_bytes(bytes(2 * 2**20))
    else:
        resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, hard))

    try:
        yield disk
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        if mounted:
            subprocess.check_call(["umount", disk])


def give_room(disk: Path) -> None:
    """The disk is no longer full."""
    (disk / "of others").unlink(missing_ok=True)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def full(folder: Path, seed: int) -> str:
    """`log()` says so, and what it accepted is delivered, once."""
    dice = random.Random(seed)
    policy = dice.choice(("raise", "drop_newest"))
    is_well = False
    accepted: set[str] = set()
    with (
        small_disk(folder / str(seed) if (folder / str(seed)).mkdir() is None else folder) as disk,
        collecting(lambda *_: OK if is_well else DOWN) as server,
        logger(server.url, spool=disk / "events.db", overflow=policy) as events,
    ):
        number = 0
        refusals = 0
        while refusals < 20:
            metadata = {"n": str(number), "padding": "x" * dice.randint(1, 3000)}
            dropped = events.stats().dropped
            number += 1
            try:
                events.log({"userID": "42"}, "purchase", metadata=metadata)
            except EventQueueFullError as error:
                assert "spool" in str(error)  # noqa: PT017
                refusals += 1
            else:
                if events.stats().dropped == dropped:
                    accepted.add(metadata["n"])
                else:
                    refusals += 1
        give_room(disk)
        is_well = True
        assert events.flush(60).pending == 0
        stats = events.stats()
    assert accepted == set(server.taken)
    assert not server.doubles
    assert stats.delivered == len(accepted)
    return f"{len(accepted)} accepted, {refusals} refused"


def read_only(folder: Path, seed: int) -> str:
    """The constructor says so."""
    place = folder / f"read-only-{seed}"
    place.mkdir()
    place.chmod(0o500)
    with _nobody(folder), collecting() as server:
        try:
            with logger(server.url, spool=place / "events.db"):
                raise AssertionError("it can be written")
        except SpoolError as error:
            message = str(error)
    assert "events.db" in message
    assert "ermission" in message
    return message.partition(": ")[2][:30]


@contextmanager
def _nobody(folder: Path) -> Iterator[None]:
    """As a user for whom modes of files matter."""
    user = os.geteuid()
    if user == 0:
        for place in (folder, *folder.parents[:-1]):
            place.chmod(place.stat().st_mode | 0o111)
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def corrupt(folder: Path, seed: int) -> str:
    """A broken or foreign file is kept aside, and logging goes on."""
    dice = random.Random(seed)
    spool = folder / f"{seed}.db"
    with collecting(lambda *_: DOWN) as server, logger(server.url, spool=spool) as events:
        _log(events, "old", dice.randint(1, 300))
    how = dice.choice(("header", "page", "text", "foreign"))
    content = bytearray(spool.read_bytes())
    match how:
        case "header":
            content[:60] = dice.randbytes(60)
        case "page":
            place = 2048 * dice.randrange(1, 4)
            content[place : place + 2048] = dice.randbytes(2048)
        case "text":
            content = bytearray(b"notes of mine\n" * 300)
        case "foreign":
            spool.unlink()
            with sqlite3.connect(spool) as connection:
                connection.execute("CREATE TABLE mine (x)")
            connection.close()
            content = bytearray(spool.read_bytes())
    spool.write_bytes(content)
    with collecting() as server, logger(server.url, spool=spool) as events:
        _log(events, "new", 100)
        assert events.flush(60).pending == 0
    assert {f"new-{number}" for number in range(100)} <= set(server.taken)
    (kept,) = folder.glob(f"{seed}.db.broken-*")
    assert kept.read_bytes() == bytes(content)
    return how


def _log(events: object, name: str, count: int) -> None:
    for number in range(count):
        events.log({"userID": "42"}, "purchase", metadata={"n": f"{name}-{number}"})  # type: ignore[attr-defined]


def jumping_clock(folder: Path, seed: int) -> str:
    """Each event is delivered, once, whatever time it is."""
    dice = random.Random(seed)
    spool = folder / f"{seed}.db" if dice.random() < 0.7 else None
    with collecting(_hiccups(dice)) as server:
        with logger(server.url, Jumping(seed), spool=spool, max_batch=50) as events:
            _log(events, "a", 1000)
            assert events.flush(60).pending == 0
            stats = events.stats()
        if spool is not None:
            _after(server, spool)
    assert stats.delivered == stats.accepted == 1000, stats
    assert set(server.taken) == {f"a-{number}" for number in range(1000)}
    assert not server.doubles
    return f"{stats.retried} retried"


def _hiccups(dice: random.Random) -> "object":
    return lambda *_: DOWN if dice.random() < 0.1 else OK


def _after(server: Collector, spool: Path) -> None:
    with logger(server.url, Late(), spool=spool) as events:
        assert events.flush(60).pending == 0
