"""Tracking by the event logger."""

import logging
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails

from statsig_api_client import Statsig
from statsig_api_client.events import EventLogger
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider
from tests.chaos.chance import Late, logger
from tests.support.collector import Collector, collecting
from tests.support.programs import run

USER = EvaluationContext("42", {"email": "ada@example.com", "privateAttributes": {"age": 36}})


@pytest.fixture
def provider(shop: LocalServer) -> Iterator[StatsigProvider]:
    shop.reset()
    made = StatsigProvider(shop.secret_key, base_url=shop.url)
    api.set_provider_and_wait(made)
    yield made
    made.shutdown()


def test_tracked_event_has_value_and_metadata(provider: StatsigProvider, shop: LocalServer) -> None:
    details = TrackingEventDetails(
        9.99,
        {
            "sku": "A1",
            "quantity": 2,
            "gift": True,
            "tags": ["a", "ä"],
            "at": datetime(2026, 1, 1, tzinfo=UTC),
        },
    )
    api.get_client().track("purchase", USER, details)
    provider.shutdown()
    (event,) = shop.events()
    assert (event.event_name, event.value) == ("purchase", 9.99)
    assert event.user == {"userID": "42", "email": "ada@example.com"}
    assert event.metadata == {
        "sku": "A1",
        "quantity": "2",
        "gift": "true",
        "tags": '["a", "ä"]',
        "at": "2026-01-01T00:00:00Z",
    }


def test_event_needs_neither_context_nor_details(
    provider: StatsigProvider, shop: LocalServer
) -> None:
    provider.track("page_view")
    provider.shutdown()
    (event,) = shop.events()
    assert (event.event_name, event.user, event.value, event.metadata) == (
        "page_view",
        {},
        None,
        {},
    )


def test_contexts_are_merged(provider: StatsigProvider, shop: LocalServer) -> None:
    client = api.get_client()
    client.context = EvaluationContext("42", {"plan": "free"})
    client.track("purchase", EvaluationContext(None, {"plan": "pro"}))
    provider.shutdown()
    assert shop.events()[0].user == {"userID": "42", "custom": {"plan": "pro"}}


@pytest.mark.parametrize(
    ("name", "context", "details", "problem"),
    [
        pytest.param(
            *("a", EvaluationContext("42", {"custom": 1}), None),
            "context.custom: expected an object, got integer",
            id="context",
        ),
        pytest.param(
            *("a", USER, TrackingEventDetails(1.0, {"a": {1: 2}})),  # type: ignore[dict-item]
            "attributes.a: expected strings as keys, got integer",
            id="attribute",
        ),
        pytest.param("a", USER, TrackingEventDetails(True), "boolean", id="value"),  # noqa: FBT003
        pytest.param(1, USER, None, "expected string", id="name"),
    ],
)
def test_invalid_event_is_warning(
    provider: StatsigProvider,
    shop: LocalServer,
    caplog: pytest.LogCaptureFixture,
    name: Any,
    context: EvaluationContext,
    details: TrackingEventDetails | None,
    problem: str,
) -> None:
    provider.track(name, context, details)
    provider.shutdown()
    assert shop.events() == []
    (record,) = [record for record in caplog.records if record.levelno == logging.WARNING]
    assert problem in record.getMessage()


@pytest.mark.parametrize("is_used", [True, False])
def test_event_after_shutdown_is_warning(
    provider: StatsigProvider, caplog: pytest.LogCaptureFixture, *, is_used: bool
) -> None:
    if is_used:
        provider.track("purchase", USER)
    provider.shutdown()
    provider.track("purchase", USER)
    assert "track: the event 'purchase' was not logged" in caplog.text


def test_shutdown_flushes_given_logger(shop: LocalServer) -> None:
    shop.reset()
    with (
        Statsig(shop.secret_key, base_url=shop.url) as statsig,
        EventLogger(statsig, flush_interval=3600) as events,
    ):
        provider = StatsigProvider(statsig=statsig, events=events)
        provider.track("purchase", USER)
        provider.shutdown()
        assert [event.event_name for event in shop.events()] == ["purchase"]
        assert events.stats().pending == 0


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.mark.slow
def test_thousand_tracked_events_survive_kill(collector: Collector, tmp_path: Path) -> None:
    program = """
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails
from statsig_api_client.openfeature import StatsigProvider
events = statsig.events(spool=sys.argv[1], flush_interval=3600)
api.set_provider_and_wait(StatsigProvider(statsig=statsig, events=events, check_key=False))
client = api.get_client()
for n in range(1000):
    details = TrackingEventDetails(1.0, {"n": str(n)})
    client.track("purchase", EvaluationContext("42"), details)
print("ready", flush=True)
time.sleep(60)
"""
    spool = tmp_path / "events.db"
    process = run(program, collector, spool)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=60)
    assert process.returncode == -signal.SIGKILL
    with logger(collector.url, Late(), spool=spool) as events:
        assert events.flush(60).pending == 0
    assert set(collector.accepted) == {str(n) for n in range(1000)}
