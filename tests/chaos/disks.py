"""Disks that are full, read-only or broken, and clocks that jump."""

import os
import random
import resource
import shutil
import sqlite3
import subprocess
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from statsig_api_client.events import EventQueueFullError, SpoolError
from tests.support.collector import OK, Collector, Response, collecting

from .chance import Jumping, Late, logger

DOWN = Response(503, b"", accepts=False)
BAD = Response(400, b"bad", accepts=False)


def can_mount(directory: Path) -> bool:
    """Return whether this user may mount a disk."""
    if os.geteuid() != 0 or not _mount(directory, 2**20):
        return False
    subprocess.check_call(["umount", "--lazy", directory])
    return True


def _mount(directory: Path, size: int) -> bool:
    command = ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", directory]
    return not subprocess.call(command, stderr=subprocess.DEVNULL)


@contextmanager
def small_disk(directory: Path, size: int = 3 * 2**20) -> Iterator[Path]:
    """Mount a disk of some bytes."""
    disk = directory / "disk"
    disk.mkdir(parents=True)
    assert _mount(disk, size)
    try:
        yield disk
    finally:
        subprocess.check_call(["umount", "--lazy", disk])


@contextmanager
def limited_files(directory: Path, size: int = 2**20) -> Iterator[Path]:
    """Limit the size of the files that this process writes."""
    limited = directory / "limited"
    limited.mkdir(parents=True)
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield limited
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def little_room(directory: Path) -> AbstractContextManager[Path]:
    """Mount a small disk; where that is not allowed, limit the size of files."""
    directory.mkdir()
    return small_disk(directory) if can_mount(directory) else limited_files(directory)


def fill_disk(disk: Path) -> None:
    """Fill the disk with a file of another program."""
    if os.path.ismount(disk):
        with (disk / "of others").open("ab", buffering=0) as file, suppress(OSError):
            while True:
                file.write(bytes(4096))
        assert shutil.disk_usage(disk).free == 0


def free_disk(disk: Path) -> None:
    """Make room on a small disk, or take the limit away."""
    (disk / "of others").unlink(missing_ok=True)
    _, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (hard, hard))


def full(directory: Path, seed: int) -> str:
    """Check that a full disk is reported, and that accepted events are delivered once from it."""
    dice = random.Random(seed)
    policy = dice.choice(("raise", "drop_newest"))
    is_well = False
    accepted: set[str] = set()
    with (
        little_room(directory / str(seed)) as disk,
        collecting(lambda *_: OK if is_well else DOWN) as server,
        logger(server.url, spool=disk / "events.db", overflow=policy) as events,
    ):
        number = 0
        rejections = 0
        while rejections < 20:
            metadata = {"n": str(number), "padding": "x" * dice.randint(1, 3000)}
            dropped = events.stats().dropped
            number += 1
            try:
                events.log({"userID": "42"}, "purchase", metadata=metadata)
            except EventQueueFullError as error:
                assert "spool" in str(error)  # noqa: PT017
                rejections += 1
            else:
                if events.stats().dropped == dropped:
                    accepted.add(metadata["n"])
                else:
                    rejections += 1
        fill_disk(disk)
        is_well = True
        assert events.flush(60).pending == 0
        stats = events.stats()
    assert accepted == set(server.accepted)
    assert not server.doubles
    assert stats.delivered == len(accepted)
    return f"{len(accepted)} accepted, {rejections} rejected"


def dead_letters(directory: Path, seed: int) -> str:
    """Check that later events do not write many dead letters again."""
    spool = directory / f"{seed}.db"
    with collecting(lambda *_: BAD) as server, logger(server.url, spool=spool) as events:
        for number in range(5000):
            metadata = {"n": str(number), "padding": "x" * 4000}
            events.log({"userID": "42"}, "purchase", metadata=metadata)
        assert events.flush(60).pending == 0
        server.plan = lambda *_: OK
        before = _written_bytes()
        for number in range(100):
            events.log({"userID": "42"}, "purchase", metadata={"n": f"new-{number}"})
            assert events.flush(60).pending == 0
        written = _written_bytes() - before
    assert written < 2 * 20_000_000, written  # 100 times the size of the spool once
    return f"{written // 1000:,} KB written"


def _written_bytes() -> int:
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(dict(line.split(": ") for line in lines)["wchar"])


def read_only(directory: Path, seed: int) -> str:
    """Check that the constructor reports a read-only directory."""
    place = directory / f"read-only-{seed}"
    place.mkdir()
    place.chmod(0o500)
    with _unprivileged(directory), collecting() as server:
        try:
            with logger(server.url, spool=place / "events.db"):
                raise AssertionError("the directory is writable")
        except SpoolError as error:
            message = str(error)
    assert "events.db" in message
    assert "ermission" in message
    return message.partition(": ")[2][:30]


@contextmanager
def _unprivileged(directory: Path) -> Iterator[None]:
    """Become a user whom file modes restrict."""
    user = os.geteuid()
    if user == 0:
        for place in (directory, *directory.parents[:-1]):
            place.chmod(place.stat().st_mode | 0o111)
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(user)


def corrupt(directory: Path, seed: int) -> str:
    """Check that a broken or foreign file is quarantined, and that logging continues."""
    dice = random.Random(seed)
    spool = directory / f"{seed}.db"
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
    assert {f"new-{number}" for number in range(100)} <= set(server.accepted)
    (kept,) = directory.glob(f"{seed}.db.broken-*")
    assert kept.read_bytes() == bytes(content)
    return how


def _log(events: object, name: str, count: int) -> None:
    for number in range(count):
        events.log({"userID": "42"}, "purchase", metadata={"n": f"{name}-{number}"})  # type: ignore[attr-defined]


def jumping_clock(directory: Path, seed: int) -> str:
    """Check that each event is delivered once while the system's clock jumps."""
    dice = random.Random(seed)
    spool = directory / f"{seed}.db" if dice.random() < 0.7 else None
    with collecting(_hiccups(dice)) as server:
        with logger(server.url, Jumping(seed), spool=spool, max_batch=50) as events:
            _log(events, "a", 1000)
            assert events.flush(60).pending == 0
            stats = events.stats()
        if spool is not None:
            _after(server, spool)
    assert stats.delivered == stats.accepted == 1000, stats
    assert set(server.accepted) == {f"a-{number}" for number in range(1000)}
    assert not server.doubles
    return f"{stats.retried} retried"


def _hiccups(dice: random.Random) -> "object":
    return lambda *_: DOWN if dice.random() < 0.1 else OK


def _after(server: Collector, spool: Path) -> None:
    with logger(server.url, Late(), spool=spool) as events:
        assert events.flush(60).pending == 0
