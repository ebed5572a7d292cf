"""Signal handlers and finalizers that log, or raise, while their thread is using the spool."""

from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client.events import Delivery, SpoolError
from statsig_api_client.events.options import check_options
from statsig_api_client.events.queue.database import SpoolDatabase
from statsig_api_client.events.queue.dead_letters import pending_events
from statsig_api_client.events.queue.spool import SpoolQueue
from tests.support.clock import FakeClock


class SoftLimitError(Exception):
    """What a job runner raises from a signal handler."""


@pytest.fixture
def spool(tmp_path: Path) -> Path:
    return tmp_path / "events.db"


@pytest.fixture
def queue(spool: Path, clock: FakeClock) -> SpoolQueue:
    return SpoolQueue(check_options({"spool": spool}), clock, int, path=spool, longest_attempt=1.0)


def pending(spool: Path) -> list[bytes]:
    with closing(SpoolDatabase(spool)) as database:
        return [it.event for it in pending_events(database)]


def interrupt(
    monkeypatch: pytest.MonkeyPatch, handler: Callable[[], object], statement: str, when: str
) -> None:
    """Run a handler once, before or after a statement that begins with some words."""
    run = SpoolDatabase.run
    armed = [handler]

    def interrupted(database: SpoolDatabase, text: str, values: tuple[object, ...]) -> Any:
        is_it = text.startswith(statement) and armed
        if is_it and when == "before":
            armed.pop()()
        result = run(database, text, values)
        if is_it and when == "after":
            armed.pop()()
        return result

    monkeypatch.setattr(SpoolDatabase, "run", interrupted)


OPERATIONS: dict[str, tuple[Callable[[SpoolQueue, Any], object], list[str]]] = {
    "claim": (
        lambda queue, _: queue.claim(),
        ["BEGIN", "SELECT id", "INSERT INTO leases", "COMMIT"],
    ),
    "delivered": (
        lambda queue, batch: queue.complete(batch),
        ["BEGIN", "DELETE FROM events", "COMMIT"],
    ),
    "set_aside": (
        lambda queue, batch: queue.dead_letter(batch, "rejected", "bad"),
        ["BEGIN", "INSERT OR REPLACE INTO dead_letters", "COMMIT"],
    ),
    "release": (
        lambda queue, batch: queue.release([batch], retried=1, unclear=False),
        ["BEGIN", "UPDATE counters", "COMMIT"],
    ),
    "renew": (lambda queue, batch: queue.renew(batch), ["BEGIN", "UPDATE leases", "COMMIT"]),
    "stats": (lambda queue, _: queue.stats(), ["SELECT max", "PRAGMA page_count"]),
    "mark": (lambda queue, _: queue.mark(), ["SELECT max"]),
    "reached": (lambda queue, _: queue.reached(1), ["SELECT EXISTS"]),
}
CASES = [
    pytest.param(name, statement, when, id=f"{name}-{when}-{statement.split()[0]}")
    for name, (_, statements) in OPERATIONS.items()
    for statement in statements
    for when in ("before", "after")
]


def begun(queue: SpoolQueue, clock: FakeClock, name: str) -> Any:
    """Log two events, and claim the first of them if the operation needs a batch."""
    queue.put(b"0")
    batch = None if name == "claim" else queue.claim()
    queue.put(b"1")
    clock.pass_(1.0)  # so that a lease is renewed
    return batch


@pytest.mark.parametrize(("name", "statement", "when"), CASES)
def test_event_logged_within_operation_is_kept(
    spool: Path,
    queue: SpoolQueue,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    statement: str,
    when: str,
) -> None:
    batch = begun(queue, clock, name)
    interrupt(monkeypatch, lambda: queue.put(b"handler"), statement, when)
    OPERATIONS[name][0](queue, batch)
    assert pending(spool)[-2:] == [b"1", b"handler"]
    assert queue.stats().accepted == 3
    queue.close()


@pytest.mark.parametrize(("name", "statement", "when"), CASES)
def test_event_survives_rollback_of_operation(
    spool: Path,
    queue: SpoolQueue,
    clock: FakeClock,
    monkeypatch: pytest.MonkeyPatch,
    name: str,
    statement: str,
    when: str,
) -> None:
    """An exception that follows undoes the operation, and not the event."""

    def handler() -> None:
        queue.put(b"handler")
        raise SoftLimitError

    batch = begun(queue, clock, name)
    interrupt(monkeypatch, handler, statement, when)
    with pytest.raises(SoftLimitError):
        OPERATIONS[name][0](queue, batch)
    assert pending(spool) == [b"0", b"1", b"handler"][-len(pending(spool)) :]
    assert queue.put(b"later")
    assert pending(spool)[-2:] == [b"handler", b"later"]
    assert queue.stats().accepted == 4
    queue.close()


@pytest.mark.parametrize("when", ["before", "after"])
def test_event_logged_within_group_write_is_kept(
    spool: Path, queue: SpoolQueue, monkeypatch: pytest.MonkeyPatch, when: str
) -> None:
    insert = SpoolDatabase.insert
    handlers = [lambda: queue.put(b"handler")]

    def interrupted(database: SpoolDatabase, events: list[tuple[int, bytes]]) -> int:
        handler = handlers.pop() if handlers else int
        if when == "before":
            handler()
        result = insert(database, events)
        if when == "after":
            handler()
        return result

    monkeypatch.setattr(SpoolDatabase, "insert", interrupted)
    assert queue.put(b"0")
    assert pending(spool) == [b"0", b"handler"]
    assert queue.stats().accepted == 2
    queue.close()


def test_operation_within_operation_is_rejected(
    queue: SpoolQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    def handler() -> None:
        with pytest.raises(SpoolError, match="in use by this thread"):
            queue.claim()
        assert queue.stats().pending == 1
        assert queue.mark() == 1

    queue.put(b"0")
    interrupt(monkeypatch, handler, "INSERT INTO leases", "before")
    assert queue.claim() is not None
    queue.close()


@pytest.mark.parametrize("next_operation", ["put", "claim"])
def test_transaction_left_open_is_undone(
    spool: Path, queue: SpoolQueue, monkeypatch: pytest.MonkeyPatch, next_operation: str
) -> None:
    """An exception may come between the statement and the block that would undo it."""
    queue.put(b"0")
    with monkeypatch.context() as patch:
        patch.setattr(SpoolDatabase, "_rollback", lambda _: None)
        interrupt(patch, lambda: 1 / 0, "INSERT INTO leases", "after")
        with pytest.raises(ZeroDivisionError):
            queue.claim()
    if next_operation == "put":
        assert queue.put(b"1")
        assert pending(spool) == [b"0", b"1"]
    batch = queue.claim()
    assert batch is not None
    assert batch.events[0] == b"0"
    queue.close()


def test_unwritable_event_of_handler_is_written_later(
    spool: Path,
    queue: SpoolQueue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> int:
        raise SpoolError("disk failure")

    queue.put(b"0")
    with monkeypatch.context() as patch:
        patch.setattr(SpoolDatabase, "insert", fail)
        interrupt(patch, lambda: queue.put(b"handler"), "INSERT INTO leases", "after")
        assert queue.claim() is not None
        assert "1 events wait in memory" in caplog.text
        assert (queue.stats().accepted, queue.stats().pending) == (2, 2)
    assert queue.stats().pending == 2
    assert pending(spool) == [b"0", b"handler"]
    queue.close()


def test_unwritable_event_of_handler_is_reported(
    spool: Path,
    queue: SpoolQueue,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    def fail(*_: object) -> int:
        raise SpoolError("disk failure")

    queue.put(b"0")
    monkeypatch.setattr(SpoolDatabase, "insert", fail)
    interrupt(monkeypatch, lambda: queue.put(b"handler"), "INSERT INTO leases", "after")
    assert queue.claim() is not None
    queue.close()
    assert "1 events could not be written, and are lost" in caplog.text
    assert pending(spool) == [b"0"]


def test_event_logged_by_callback_is_kept(spool: Path, clock: FakeClock) -> None:
    def log_more(_: Delivery) -> None:
        if more:
            assert queue.put(more.pop())

    more = [b"one more"]
    options = check_options(
        {
            "spool": spool,
            "max_spool_bytes": 30_000,
            "overflow": "drop_oldest",
            "on_delivery": log_more,
        }
    )
    queue = SpoolQueue(options, clock, int, path=spool, longest_attempt=1.0)
    while more:
        queue.put(b"x" * 1000)
    assert pending(spool).count(b"one more") == 1
    queue.close()


def test_endless_reentrant_events_end_put(
    spool: Path, queue: SpoolQueue, monkeypatch: pytest.MonkeyPatch
) -> None:
    insert = SpoolDatabase.insert
    logged = [b"0"]

    def interrupted(database: SpoolDatabase, events: list[tuple[int, bytes]]) -> int:
        logged.append(b"%d" % len(logged))
        assert queue.put(logged[-1])
        return insert(database, events)

    with monkeypatch.context() as patch:
        patch.setattr(SpoolDatabase, "insert", interrupted)
        assert queue.put(logged[0])
    assert queue.stats().accepted == len(logged)
    queue.claim()  # any operation writes what is left
    assert pending(spool) == logged
