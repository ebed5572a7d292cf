"""Retry rules, one test each."""

from email.utils import formatdate
from typing import Any

import pytest

from statsig_api_client import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    InternalServerError,
    RateLimitError,
    StatsigUser,
)
from tests.support.clients import ClientFactory, ScriptedError, ScriptedResponse, on_any_library
from tests.support.clock import FakeClock

pytestmark = on_any_library

USER = StatsigUser(user_id="42")
DELIVERED = ScriptedResponse(202, {"success": True})
NEVER_SENT = ["ConnectError", "ConnectTimeout", "PoolTimeout", "ProxyError"]
LOST = ["ReadTimeout", "ReadError", "WriteError", "RemoteProtocolError"]


def evaluate(statsig: Any) -> Any:
    return statsig.check_gate(USER, "a_gate")


def deliver(statsig: Any) -> Any:
    return statsig.log_events([{"eventName": "purchase"}])


# ---- Evaluations ----


@pytest.mark.parametrize("error", NEVER_SENT + LOST)
def test_evaluation_retries_connection_errors(make: ClientFactory, error: str) -> None:
    statsig = make.script(ScriptedError(error), ScriptedError(error), ScriptedResponse())
    assert evaluate(statsig)
    assert len(make.sent) == 3


@pytest.mark.parametrize("status", [408, 429, 500, 502, 503, 504, 520, 522, 524, 599])
def test_evaluation_retries_transient_statuses(make: ClientFactory, status: int) -> None:
    statsig = make.script(ScriptedResponse(status), ScriptedResponse())
    assert evaluate(statsig)
    assert len(make.sent) == 2


@pytest.mark.parametrize("status", [300, 301, 400, 401, 403, 404, 409, 413, 422, 600, 999])
def test_permanent_statuses_are_not_retried(make: ClientFactory, status: int) -> None:
    statsig = make.script(ScriptedResponse(status))
    with pytest.raises(APIStatusError):
        evaluate(statsig)
    assert len(make.sent) == 1


@pytest.mark.parametrize("retries", [0, 1, 2, 5])
def test_max_retries_limits_attempts(make: ClientFactory, retries: int) -> None:
    statsig = make.script(ScriptedResponse(500), max_retries=retries, deadline=1000)
    with pytest.raises(InternalServerError) as raised:
        evaluate(statsig)
    assert len(make.sent) == raised.value.attempts == retries + 1


def test_attempts_differ_in_time_only(make: ClientFactory, clock: FakeClock) -> None:
    evaluate(make.script(ScriptedResponse(500), ScriptedResponse()))
    first, second = make.sent
    assert first.content == second.content
    assert first.headers["statsig-client-time"] == "1700000000000"
    assert second.headers["statsig-client-time"] == f"1700000000{int(clock.slept[0] * 1000)}"


def test_last_error_is_raised(make: ClientFactory) -> None:
    statsig = make.script(
        ScriptedError("ConnectError"), ScriptedResponse(500), ScriptedResponse(429)
    )
    with pytest.raises(RateLimitError):
        evaluate(statsig)


# ---- Deliveries ----


@pytest.mark.parametrize("error", NEVER_SENT)
def test_unsent_delivery_is_retried(make: ClientFactory, error: str) -> None:
    assert deliver(make.script(ScriptedError(error), DELIVERED)).success
    assert len(make.sent) == 2


@pytest.mark.parametrize("status", [429, 503])
def test_rejected_delivery_is_retried(make: ClientFactory, status: int) -> None:
    assert deliver(make.script(ScriptedResponse(status), DELIVERED)).success
    assert len(make.sent) == 2


@pytest.mark.parametrize("error", LOST)
def test_lost_response_is_not_retried(make: ClientFactory, error: str) -> None:
    statsig = make.script(ScriptedError(error))
    with pytest.raises(
        APIConnectionError, match="may or may not have accepted the events"
    ) as raised:
        deliver(statsig)
    assert raised.value.ambiguous
    assert len(make.sent) == 1


@pytest.mark.parametrize("status", [408, 500, 502, 504, 522, 599, 600])
def test_ambiguous_status_is_not_retried(make: ClientFactory, status: int) -> None:
    statsig = make.script(ScriptedResponse(status))
    with pytest.raises(APIStatusError, match="may or may not have accepted the events") as raised:
        deliver(statsig)
    assert raised.value.ambiguous
    assert len(make.sent) == 1


@pytest.mark.parametrize("status", [301, 400, 401, 403, 404, 413, 429, 503])
def test_rejected_delivery_is_not_ambiguous(make: ClientFactory, status: int) -> None:
    statsig = make.script(ScriptedResponse(status), max_retries=0)
    with pytest.raises(APIStatusError) as raised:
        deliver(statsig)
    assert not raised.value.ambiguous
    assert "may or may not" not in str(raised.value)


def test_unsent_delivery_is_not_ambiguous(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ConnectError"))
    with pytest.raises(APIConnectionError) as raised:
        deliver(statsig)
    assert not raised.value.ambiguous


@pytest.mark.parametrize(
    "outcome", [ScriptedError("ReadTimeout"), ScriptedResponse(500), ScriptedResponse(408)]
)
def test_retry_ambiguous_retries_deliveries(
    make: ClientFactory, outcome: ScriptedResponse | ScriptedError
) -> None:
    assert deliver(make.script(outcome, DELIVERED, retry_ambiguous=True)).success
    assert len(make.sent) == 2


def test_ambiguity_survives_later_attempts(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ReadError"), ScriptedResponse(429), retry_ambiguous=True)
    with pytest.raises(RateLimitError, match="may or may not have accepted") as raised:
        deliver(statsig)
    assert raised.value.ambiguous


def test_exposures_retry_like_events(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ReadError"))
    exposure = {"gateName": "a_gate", "passes": True, "ruleID": "r1"}
    with pytest.raises(APIConnectionError, match="may or may not have accepted the exposures"):
        statsig.log_custom_exposures([exposure])
    assert len(make.sent) == 1


def test_evaluation_is_never_ambiguous(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ReadError"))
    with pytest.raises(APIConnectionError) as raised:
        evaluate(statsig)
    assert not raised.value.ambiguous


# ---- Delays ----


def test_backoff_doubles_up_to_eight_seconds(make: ClientFactory, clock: FakeClock) -> None:
    statsig = make.script(ScriptedResponse(500), max_retries=8, deadline=1000)
    with pytest.raises(InternalServerError):
        evaluate(statsig)
    assert clock.slept == [0.5, 1, 2, 4, 8, 8, 8, 8]


@pytest.mark.parametrize("chance", [0.0, 0.25, 0.999])
def test_backoff_uses_full_jitter(make: ClientFactory, clock: FakeClock, chance: float) -> None:
    clock.chance = chance
    evaluate(make.script(ScriptedResponse(500), ScriptedResponse(500), ScriptedResponse()))
    assert clock.slept == [0.5 * chance, 1.0 * chance]


def test_many_retries_do_not_overflow(make: ClientFactory, clock: FakeClock) -> None:
    clock.chance = 0.0
    statsig = make.script(ScriptedResponse(500), max_retries=2000)
    with pytest.raises(InternalServerError):
        evaluate(statsig)
    assert len(make.sent) == 2001


def test_retry_after_seconds_are_minimum(make: ClientFactory, clock: FakeClock) -> None:
    evaluate(make.script(ScriptedResponse(429, headers={"Retry-After": "7"}), ScriptedResponse()))
    assert clock.slept == [7]


def test_retry_after_does_not_shorten_delay(make: ClientFactory, clock: FakeClock) -> None:
    evaluate(make.script(ScriptedResponse(503, headers={"Retry-After": "0"}), ScriptedResponse()))
    assert clock.slept == [0.5]


def test_retry_after_date_is_minimum(make: ClientFactory, clock: FakeClock) -> None:
    date = formatdate(clock.wall + 5, usegmt=True)
    evaluate(make.script(ScriptedResponse(429, headers={"Retry-After": date}), ScriptedResponse()))
    assert clock.slept == [5]


def test_past_retry_after_date_is_ignored(make: ClientFactory, clock: FakeClock) -> None:
    date = formatdate(clock.wall - 3600, usegmt=True)
    evaluate(make.script(ScriptedResponse(429, headers={"Retry-After": date}), ScriptedResponse()))
    assert clock.slept == [0.5]


@pytest.mark.parametrize(
    "value",
    [
        *("", "soon", "-5", "1.5", "7, 9", "1e3", "٣", "9" * 30, "Mon, 99 Foo 2020 00:00:00 GMT"),
        *("GMT", "Fri, 31 Dec 99999 23:59:59 GMT"),
    ],
)
def test_invalid_retry_after_is_ignored(make: ClientFactory, clock: FakeClock, value: str) -> None:
    headers = {"Retry-After": value.encode().decode("latin-1")}
    evaluate(make.script(ScriptedResponse(429, headers=headers), ScriptedResponse()))
    assert clock.slept == [0.5]


def test_error_has_retry_after(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(429, headers={"Retry-After": "9"}), max_retries=0)
    with pytest.raises(RateLimitError) as raised:
        evaluate(statsig)
    assert raised.value.retry_after == 9


# ---- The deadline ----


def test_retry_after_beyond_deadline_ends_call(make: ClientFactory, clock: FakeClock) -> None:
    statsig = make.script(ScriptedResponse(429, headers={"Retry-After": "31"}))
    with pytest.raises(RateLimitError) as raised:
        evaluate(statsig)
    assert (raised.value.attempts, clock.slept) == (1, [])


def test_delay_beyond_deadline_ends_call(make: ClientFactory, clock: FakeClock) -> None:
    statsig = make.script(ScriptedResponse(500, after=0.6), deadline=1.0)
    with pytest.raises(InternalServerError):
        evaluate(statsig)
    assert clock.slept == []


def test_attempt_timeout_is_remaining_time(make: ClientFactory) -> None:
    statsig = make.script(
        ScriptedError("ConnectError", after=8), ScriptedResponse(), deadline=10.0, max_retries=1
    )
    evaluate(statsig)
    granted = [request.extensions["timeout"] for request in make.sent]
    if make.is_async:  # the complete attempt is limited from outside
        assert all(waits["read"] is None for waits in granted)
    else:
        assert [waits["read"] for waits in granted] == [10.0, 1.5]


def test_deadline_prevents_further_attempts(make: ClientFactory, clock: FakeClock) -> None:
    statsig = make.script(ScriptedResponse(500, after=3), deadline=20, max_retries=100)
    with pytest.raises(InternalServerError) as raised:
        evaluate(statsig)
    assert clock.now - 1000 <= 20 + 3  # the script exceeds the remaining time
    assert raised.value.elapsed == clock.now - 1000


def test_timeout_error_names_duration(make: ClientFactory) -> None:
    statsig = make.script(ScriptedError("ReadTimeout", after=10), max_retries=0)
    with pytest.raises(
        APITimeoutError,
        match=r"^check_gate: no response from api\.statsig\.com after 1 attempt in 10 s: the",
    ):
        evaluate(statsig)
