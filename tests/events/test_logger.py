"""Behaviour of every event logger: accept events, send them, and account for them."""

import gzip
import logging
import math
import time
from pathlib import Path
from typing import Any

import pytest

from statsig_api_client import (
    AsyncStatsig,
    ConfigurationError,
    EventWarning,
    Statsig,
    StatsigUser,
)
from statsig_api_client.events import (
    AsyncEventLogger,
    Delivery,
    EventLogger,
    EventQueueFullError,
    EventStats,
    FlushResult,
)
from tests.support.collector import Collector, Response, first

from .conftest import LoggerMaker

USER = StatsigUser(user_id="42", email="ada@example.com", private_attributes={"secret": 1})
DOWN = Response(503, b'{"success": false}', accepts=False)


def always(response: Response) -> Any:
    return lambda *_: response


def log(events: Any, count: int, start: int = 0) -> None:
    for number in range(start, start + count):
        events.log(USER, "purchase", metadata={"n": str(number)})


def test_logged_events_are_delivered(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger()
    events.log(USER, "purchase", 9.99, {"sku": "A1"}, 1_700_000_000_000)
    events.log({"userID": "7"}, "visit", "home")
    assert events.flush(30) == FlushResult(delivered=2, pending=0, rejected=0, ambiguous=0)
    bought, visited = collector.events
    assert bought == {
        "eventName": "purchase",
        "user": {"userID": "42", "email": "ada@example.com"},
        "value": 9.99,
        "metadata": {"sku": "A1"},
        "time": 1_700_000_000_000,
    }
    assert visited.pop("time") == pytest.approx(time.time() * 1000, abs=60_000)
    assert visited == {"eventName": "visit", "user": {"userID": "7"}, "value": "home"}


def test_full_batch_is_sent(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(max_batch=10, flush_interval=3600)
    log(events, 25)
    wait_until(events, lambda: events.stats().delivered == 20)
    assert [len(batch) for batch in collector.batches] == [10, 10]
    assert events.stats().pending == 5


def test_full_batch_in_spool_is_sent(
    make_logger: LoggerMaker, collector: Collector, tmp_path: Path
) -> None:
    events = make_logger(spool=tmp_path / "events.db", max_batch=10, flush_interval=3600)
    log(events, 10)
    wait_until(events, lambda: collector.accepted.total() == 10)


def test_batch_of_many_bytes_is_sent(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(max_batch_bytes=5000, compress=False, flush_interval=3600)
    for number in range(10):
        events.log(USER, "purchase", metadata={"n": str(number), "padding": "x" * 900})
    wait_until(events, lambda: collector.accepted.total() >= 8)
    assert all(size <= 5000 for size in collector.sizes)


def test_old_batch_is_sent(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(flush_interval=0.2)
    log(events, 3)
    wait_until(events, lambda: collector.accepted.total() == 3)


def wait_until(events: Any, condition: Any) -> None:
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline
        getattr(events, "pause", time.sleep)(0.01)


def test_order_is_kept(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = first(DOWN, DOWN)
    events = make_logger(max_batch=7, max_concurrency=1)
    log(events, 50)
    assert events.flush(30).pending == 0
    assert collector.concurrency == [1] * len(collector.requests)
    assert [name for batch in collector.batches for name in batch] == [str(n) for n in range(50)]


def test_requests_are_compressed_by_default(make_logger: LoggerMaker, collector: Collector) -> None:
    for compress in (True, False):
        events = make_logger(compress=compress)
        log(events, 200)
        events.flush(30)
    assert collector.sizes[0] * 4 < collector.sizes[-1]
    assert collector.accepted.total() == 400
    assert len(gzip.compress(b"x" * 1000, 1)) < 100


def test_users_get_environment_of_client(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(environment="staging")
    events.log(USER, "a")
    events.log({"userID": "1", "statsigEnvironment": {"tier": "mine"}}, "b")
    events.flush(30)
    tiers = [event["user"]["statsigEnvironment"]["tier"] for event in collector.events]
    assert tiers == ["staging", "mine"]


def test_events_can_have_ids(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(event_id_key="event_id")
    events.log(USER, "a", metadata={"sku": "A1"})
    events.log(USER, "b")
    events.flush(30)
    ids = [event["metadata"]["event_id"] for event in collector.events]
    assert len(set(ids)) == 2
    assert collector.events[0]["metadata"]["sku"] == "A1"


def test_resent_event_keeps_id(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = first(Response(500, b"oops"))
    events = make_logger(event_id_key="event_id")
    events.log(USER, "a")
    assert events.flush(30).delivered == 1
    one, other = (event["metadata"]["event_id"] for event in collector.events)
    assert one == other
    assert events.stats().resent_ambiguous == 1


@pytest.mark.parametrize(
    ("arguments", "error", "place"),
    [
        (({"userID": 7}, "a"), TypeError, "user.userID: expected string, got integer"),
        (({"customIDs": {"a": 1}}, "a"), TypeError, "user.customIDs.a"),
        ((USER, ""), ValueError, "eventName: expected a name, got an empty string"),
        ((USER, "a", None, None, 1_700_000_000), ValueError, "is before the year 2000; check the"),
        ((USER, "a", None, None, "yesterday"), ValueError, "or RFC 3339 with a time zone"),
        ((7, "a"), TypeError, "StatsigEvent.user"),
        ((None, "a"), TypeError, "StatsigEvent.user: expected StatsigUser or object, got null"),
        ((USER, 7), TypeError, "StatsigEvent.event_name"),
        ((USER, "a", [1]), TypeError, "StatsigEvent.value"),
        ((USER, "a", True), TypeError, "StatsigEvent.value"),
        ((USER, "a", float("nan")), ValueError, "value: NaN is not JSON"),
        ((USER, "a", None, {"sku": 1}), TypeError, "StatsigEvent.metadata.sku"),
        ((USER, "a", None, ["sku"]), TypeError, "StatsigEvent.metadata"),
        ((USER, "a", None, None, 1.5), TypeError, "StatsigEvent.time"),
        (
            (StatsigUser(user_id="1", custom={"x": {1}}), "a"),
            TypeError,
            "user.custom.x: set is not JSON",
        ),  # type: ignore[dict-item]
        ((USER, "a", None, {"sku": "x" * 3_000}), ValueError, "max_batch_bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_invalid_event_raises(
    make_logger: LoggerMaker, arguments: Any, error: type[Exception], place: str
) -> None:
    events = make_logger(max_batch_bytes=2_000)
    with pytest.raises(error) as caught:
        events.log(*arguments)
    assert place in str(caught.value)
    assert events.stats().accepted == 0


@pytest.mark.parametrize(
    ("name", "value", "metadata"),
    [
        ("bad[name]", None, None),
        ("x" * 65, None, None),
        ("a", "x" * 65, None),
        ("a", None, {"with.dot": "1"}),
        ("a", None, {"key": "x" * 4096}),
    ],
    ids=["name", "long name", "long value", "dot", "metadata"],
)
def test_event_beyond_limits_warns_at_once(
    make_logger: LoggerMaker, name: str, value: Any, metadata: Any
) -> None:
    events = make_logger()
    with pytest.warns(EventWarning):
        events.log(USER, name, value, metadata)


def test_other_mappings_and_time_strings_are_accepted(
    make_logger: LoggerMaker, collector: Collector
) -> None:
    from types import MappingProxyType

    events = make_logger()
    events.log(
        MappingProxyType({"userID": "42", "custom": {"level": 3}}),
        "a",
        metadata=MappingProxyType({"n": "1"}),
        time="2026-01-01T00:00:00Z",
    )
    events.flush(30)
    (event,) = collector.events
    assert event["user"] == {"userID": "42", "custom": {"level": 3}}
    assert (event["metadata"], event["time"]) == ({"n": "1"}, "2026-01-01T00:00:00Z")


def test_user_is_unchanged(make_logger: LoggerMaker) -> None:
    user = {"userID": "42", "privateAttributes": {"secret": 1}}
    events = make_logger(environment="staging")
    events.log(user, "a")
    assert user == {"userID": "42", "privateAttributes": {"secret": 1}}


@pytest.mark.parametrize("where", ["memory", "spool"])
def test_private_attributes_never_leave(
    make_logger: LoggerMaker, collector: Collector, tmp_path: Path, where: str
) -> None:
    spool = tmp_path / "events.db" if where == "spool" else None
    events = make_logger(spool=spool, compress=False)
    events.log({"userID": "1", "privateAttributes": {"a": "PRIVATE"}}, "a")
    events.log(StatsigUser(user_id="1", private_attributes={"a": "PRIVATE"}), "a")
    on_disk = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert b"PRIVATE" not in on_disk
    events.flush(30)
    assert "PRIVATE" not in repr(collector.events)
    assert len(collector.events) == 2


def test_full_queue_drops_newest(make_logger: LoggerMaker) -> None:
    reported: list[Delivery] = []
    events = make_logger(
        max_pending=5, overflow="drop_newest", flush_interval=3600, on_delivery=reported.append
    )
    log(events, 8)
    stats = events.stats()
    assert (stats.accepted, stats.dropped, stats.pending) == (8, 3, 5)
    assert events.flush(30).delivered == 5
    dropped = [event["metadata"] for it in reported if it.state == "dropped" for event in it.events]
    assert dropped == [{"n": "5"}, {"n": "6"}, {"n": "7"}]


def test_full_queue_drops_oldest(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger(max_pending=5, max_batch=3, overflow="drop_oldest", flush_interval=3600)
    collector.plan = always(Response(503, b"", {"Retry-After": "3600"}, accepts=False))
    log(events, 9)
    events.flush(0.3)
    log(events, 9, start=9)
    stats = events.stats()
    assert stats.accepted == 18
    assert stats.dropped + stats.pending == 18
    assert stats.pending <= 5 + 3  # what is being sent cannot be given up


def test_full_queue_raises(make_logger: LoggerMaker) -> None:
    events = make_logger(max_pending=5, overflow="raise", flush_interval=3600)
    log(events, 5)
    with pytest.raises(EventQueueFullError, match="max_pending"):
        log(events, 1)
    assert events.stats().accepted == 5


def test_full_queue_blocks_log(make_logger: LoggerMaker, collector: Collector) -> None:
    def slowly(number: int, _: list[dict[str, Any]]) -> Response:
        time.sleep(0.3 if number == 0 else 0)  # time enough for more events than there is room
        return Response()

    collector.plan = slowly
    events = make_logger(max_pending=20, max_batch=10)
    log(events, 300)
    assert events.flush(30).pending == 0
    assert collector.accepted.total() == 300
    assert not collector.doubles


def test_poisonous_event_is_isolated(make_logger: LoggerMaker, collector: Collector) -> None:
    reported: list[Delivery] = []

    def plan(_: int, events: list[dict[str, Any]]) -> Response:
        bad = any(event["metadata"]["n"] == "13" for event in events)
        rejection = Response(413 if len(events) > 9 else 400, b"bad", accepts=False)
        return rejection if bad else Response()

    collector.plan = plan
    events = make_logger(on_delivery=reported.append)
    log(events, 100)
    result = events.flush(30)
    assert (result.delivered, result.rejected, result.pending) == (99, 1, 0)
    (rejected,) = [it for it in reported if it.state == "rejected"]
    assert rejected.events[0]["metadata"] == {"n": "13"}
    assert "status 400" in str(rejected.error)


def test_ambiguous_batch_becomes_dead_letters(
    make_logger: LoggerMaker, collector: Collector
) -> None:
    reported: list[Delivery] = []
    collector.plan = first(Response(500, b"oops"))
    events = make_logger(resend_ambiguous=False, max_batch=5, on_delivery=reported.append)
    log(events, 8)
    result = events.flush(30)
    assert (result.ambiguous, result.delivered) == (5, 3)
    assert events.stats() == EventStats(accepted=8, delivered=3, ambiguous=5)
    assert [it.state for it in reported] == ["ambiguous", "delivered"]
    assert not collector.doubles


def test_rejected_key_loses_no_events(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = first(Response(401, b"", accepts=False), Response(403, b"", accepts=False))
    events = make_logger()
    log(events, 3)
    assert events.flush(30).delivered == 3


def test_unsuccessful_response_is_retried(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = first(Response(202, b'{"success": false}', accepts=False))
    events = make_logger()
    log(events, 3)
    assert events.flush(30).delivered == 3
    assert events.stats().retried == 3


def test_flush_is_bounded(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = always(Response(503, b"", {"Retry-After": "60"}, accepts=False))
    events = make_logger()
    log(events, 3)
    begun = time.monotonic()
    result = events.flush(0.2)
    assert time.monotonic() - begun < 5
    assert result.pending == 3
    assert len(collector.requests) == 1  # what the server asked for is obeyed


def test_closed_logger_rejects_events(make_logger: LoggerMaker, collector: Collector) -> None:
    events = make_logger()
    log(events, 3)
    assert events.close() == FlushResult(delivered=3, pending=0, rejected=0, ambiguous=0)
    with pytest.raises(ConfigurationError, match="closed"):
        log(events, 1)
    assert (
        events.close()
        == events.flush()
        == FlushResult(delivered=0, pending=0, rejected=0, ambiguous=0)
    )
    assert events.stats().delivered == 3
    assert collector.accepted.total() == 3


def test_close_reports_unsent_events(
    make_logger: LoggerMaker, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    collector.plan = always(Response(503, b"", {"Retry-After": "60"}, accepts=False))
    events = make_logger()
    log(events, 3)
    with caplog.at_level(logging.ERROR):
        assert events.close(0.2).pending == 3
    assert "3 events were not delivered" in caplog.text


def test_close_makes_one_more_attempt(make_logger: LoggerMaker, collector: Collector) -> None:
    from statsig_api_client._clock import Clock

    class Unlucky(Clock):
        def random(self) -> float:
            return 1.0

    collector.plan = first(*[DOWN] * 1)
    events = make_logger(Unlucky(), flush_interval=0.05)
    log(events, 3)
    wait_until(events, lambda: events.stats().retried == 3)
    begun = time.monotonic()
    assert events.close(20).delivered == 3
    assert time.monotonic() - begun < 0.9  # without the second that chance has chosen


def test_end_without_timeout_waits_for_delivery(
    make_logger: LoggerMaker, collector: Collector
) -> None:
    for timeout in (None, math.inf):
        collector.plan = first(DOWN)
        events = make_logger()
        log(events, 3)
        assert events.close(timeout).pending == 0


def test_failing_callback_is_logged(
    make_logger: LoggerMaker, collector: Collector, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(_: Delivery) -> None:
        raise RuntimeError("my mistake")

    events = make_logger(max_batch=2, on_delivery=fail)
    with caplog.at_level(logging.ERROR):
        log(events, 6)
        assert events.flush(30).delivered == 6
    assert "on_delivery failed" in caplog.text
    assert collector.accepted.total() == 6


def test_stats_have_ages(make_logger: LoggerMaker, collector: Collector) -> None:
    collector.plan = always(DOWN)
    events = make_logger(flush_interval=3600)
    assert events.stats().oldest_age == 0
    log(events, 1)
    getattr(events, "pause", time.sleep)(0.05)
    assert 0.04 < events.stats().oldest_age < 20


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"max_batch": 0}, ConfigurationError),
        ({"max_batch": "many"}, TypeError),
        ({"max_batch": True}, TypeError),
        ({"max_batch_bytes": 10 * 1024 * 1024}, ConfigurationError),
        ({"flush_interval": 0}, ConfigurationError),
        ({"flush_interval": "soon"}, TypeError),
        ({"overflow": "panic"}, ConfigurationError),
        ({"durability": "eternal"}, ConfigurationError),
        ({"spool": 7}, TypeError),
        ({"on_delivery": 7}, TypeError),
        ({"compress": 1}, TypeError),
        ({"event_id_key": 1}, TypeError),
        ({"event_id_key": ""}, ConfigurationError),
        ({"max_patience": 1}, TypeError),
    ],
    ids=str,
)
def test_invalid_option_is_named(make_logger: LoggerMaker, options: Any, error: Any) -> None:
    with pytest.raises(error, match=next(iter(options))):
        make_logger(**options)


def test_logger_requires_client_of_its_kind() -> None:
    with pytest.raises(TypeError, match="expected a Statsig"):
        EventLogger("secret-abc")  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="expected an AsyncStatsig"):
        AsyncEventLogger("secret-abc")  # type: ignore[arg-type]


def test_loggers_show_where_they_send_and_no_key(make_logger: LoggerMaker) -> None:
    events = make_logger()
    target = getattr(events, "target", events)
    assert "127.0.0.1" in repr(target)
    assert "CanYouKeepIt" not in repr(target)
    with pytest.raises(TypeError, match="cannot be pickled"):
        target.__reduce__()


async def _short_way(url: str) -> FlushResult:
    async with AsyncStatsig("secret-abc", base_url=url) as statsig:  # noqa: SIM117
        async with statsig.events(max_batch=10) as events:
            await events.log(USER, "purchase")
            return await events.flush(30)


def test_client_makes_loggers(collector: Collector) -> None:
    import asyncio

    with Statsig("secret-abc", base_url=collector.url) as statsig:  # noqa: SIM117
        with statsig.events(max_batch=10) as events:
            events.log(USER, "purchase")
    assert asyncio.run(_short_way(collector.url)).delivered == 1
    assert len(collector.events) == 2
