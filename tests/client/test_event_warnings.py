"""Warnings about events that Statsig would drop or truncate silently."""

import asyncio
import inspect
import warnings
from contextlib import suppress
from typing import Any

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import AsyncStatsig, EventWarning, Statsig, StatsigEvent, StatsigUser
from statsig_api_client._event_limits import check_events
from tests.support.clients import KEY, ClientFactory, ScriptedResponse, on_any_library

USER = StatsigUser(user_id="42")
DELIVERED = ScriptedResponse(202, {"success": True})


@on_any_library
@pytest.mark.parametrize("character", list("\\[]{}<>#=;&$%|\0\n\r"))
def test_dropped_character_in_name_warns(make: ClientFactory, character: str) -> None:
    statsig = make.script(DELIVERED)
    with pytest.warns(
        EventWarning, match=r"^events\[0\]\.eventName: Statsig accepts and then drops"
    ):
        statsig.log_event(USER, f"pur{character}chase")
    assert len(make.sent) == 1


@on_any_library
@pytest.mark.parametrize(
    "name", ["purchase", "statsig::gate_exposure", "a b", "ä-🙂", "x" * 64, '"']
)
def test_valid_names_do_not_warn(make: ClientFactory, name: str) -> None:
    make.script(DELIVERED).log_event(USER, name)


@on_any_library
@pytest.mark.parametrize(
    ("event", "warning"),
    [
        ({"eventName": "x" * 65}, r"eventName: Statsig may truncate names above 64 characters"),
        ({"value": "x" * 65}, r"value: Statsig may truncate values above 64 characters"),
        ({"metadata": {"a": "x" * 5000}}, r"metadata: Statsig may drop metadata above 4096"),
        ({"metadata": {f"k{i}": "v" * 10 for i in range(400)}}, r"metadata above 4096 characters"),
        ({"metadata": {"cart.size": "1"}}, r"metadata: Statsig interprets a dot in a key"),
    ],
)
def test_truncated_fields_warn(make: ClientFactory, event: Any, warning: str) -> None:
    statsig = make.script(DELIVERED)
    with pytest.warns(EventWarning, match=warning):
        statsig.log_events([{"eventName": "purchase"} | event])
    assert len(make.sent) == 1


@on_any_library
@pytest.mark.parametrize(
    "event",
    [
        {"value": "x" * 64},
        {"value": 10**100},
        {"value": None},
        {"metadata": {"a": "x" * 4000}},
        {"metadata": {}},
    ],
)
def test_short_fields_do_not_warn(make: ClientFactory, event: Any) -> None:
    make.script(DELIVERED).log_events([{"eventName": "purchase"} | event])


@on_any_library
def test_batch_warns_once_per_problem(make: ClientFactory) -> None:
    statsig = make.script(DELIVERED)
    events = [{"eventName": name} for name in ("fine", "a=b", "also fine", "c;d", "e|f")]
    with pytest.warns(EventWarning) as caught:
        statsig.log_events(events)
    (warning,) = caught
    assert str(warning.message).startswith("events[1].eventName and 2 more: ")


@on_any_library
def test_warning_as_error_prevents_sending(make: ClientFactory) -> None:
    statsig = make.script(DELIVERED)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", category=EventWarning)
        with pytest.raises(EventWarning):
            statsig.log_events([StatsigEvent(event_name="a=b")])
    assert make.sent == []


@on_any_library
def test_exposures_do_not_warn(make: ClientFactory) -> None:
    exposure = {"gateName": "a=b", "passes": True, "ruleID": "x" * 100}
    make.script(DELIVERED).log_custom_exposures([exposure])


@given(
    st.lists(
        st.dictionaries(
            st.sampled_from(["eventName", "value", "metadata", "user"]),
            st.none()
            | st.text()
            | st.integers()
            | st.lists(st.text())
            | st.dictionaries(st.text() | st.integers() | st.none(), st.text() | st.integers()),
        )
    )
)
def test_check_accepts_any_event(events: Any) -> None:
    with warnings.catch_warnings(), suppress(ValueError):
        warnings.simplefilter("ignore")
        check_events(events, 0)


# ---- Location of the warning ----


def here() -> int:
    """Return the line number of the caller."""
    frame = inspect.currentframe()
    assert frame is not None
    assert frame.f_back is not None
    return frame.f_back.f_lineno


def delivered(request: httpx.Request) -> httpx.Response:  # noqa: ARG001
    return httpx.Response(202, json={"success": True})


def test_warning_points_to_caller() -> None:
    http_client = httpx.Client(transport=httpx.MockTransport(delivered))

    def log() -> int:
        with Statsig(KEY, http_client=http_client) as statsig:
            first = here() + 1
            statsig.log_event(USER, "a=b")
            statsig.log_events([{"eventName": "c=d"}])
            statsig.with_options(timeout=1).with_raw_response.log_events([{"eventName": "e=f"}])
        return first

    with pytest.warns(EventWarning) as caught:
        first = log()
    assert [warning.filename for warning in caught] == [__file__] * 3
    assert [warning.lineno for warning in caught] == [first, first + 1, first + 2]


def test_warning_points_to_awaiting_caller() -> None:
    async def log() -> int:
        http_client = httpx.AsyncClient(transport=httpx.MockTransport(delivered))
        async with AsyncStatsig(KEY, http_client=http_client) as statsig:
            first = here() + 1
            await statsig.log_event(USER, "a=b")
            await statsig.with_raw_response.log_events([{"eventName": "c=d"}])
            await asyncio.create_task(statsig.log_event(USER, "e=f"))
        return first

    with pytest.warns(EventWarning) as caught:
        first = asyncio.run(log())
    own = [warning for warning in caught if warning.filename == __file__]
    assert [warning.lineno for warning in own] == [first, first + 1]
    assert len(caught) == 3  # no line of the program awaits a separate task


def test_code_without_module_warns() -> None:
    with (
        Statsig(KEY, http_client=httpx.Client(transport=httpx.MockTransport(delivered))) as statsig,
        pytest.warns(EventWarning, match="eventName"),
    ):
        exec('statsig.log_event({"userID": "42"}, "a=b")', {"statsig": statsig})  # noqa: S102


def test_event_warning_is_user_warning() -> None:
    assert issubclass(EventWarning, UserWarning)
