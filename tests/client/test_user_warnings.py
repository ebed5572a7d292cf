"""Warnings about users, and errors of times and names, before anything is sent."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from statsig_api_client import Statsig, StatsigEvent, StatsigUser, StatsigUserWarning
from statsig_api_client._user_checks import USER_STRINGS
from tests.support.clients import ClientFactory, ScriptedResponse, on_any_library
from tests.support.spec import SCHEMAS

DELIVERED = ScriptedResponse(202, {"success": True})
GATE = ScriptedResponse(200, {"name": "staff", "value": True})
USER = StatsigUser(user_id="42")
NOW = 1_700_000_000_000


def test_string_fields_are_those_of_spec() -> None:
    properties = SCHEMAS["StatsigUser"]["properties"]
    strings = [name for name, schema in properties.items() if schema.get("type") == "string"]
    assert [*USER_STRINGS] == strings


@on_any_library
@pytest.mark.parametrize(
    ("user", "warnings"),
    [
        pytest.param(
            {"user_id": "42"},
            ["user.user_id: unknown field; did you mean userID?", "user: expected userID or"],
            id="misspelt ID",
        ),
        pytest.param(
            {"userID": "42", "private_attributes": {"a": 1}},
            ["user.private_attributes: unknown field; did you mean privateAttributes?"],
            id="misspelt field",
        ),
        pytest.param({}, ["user: expected userID or customIDs"], id="empty dict"),
        pytest.param(StatsigUser(email="a@b.c"), ["user: expected userID or"], id="model"),
        pytest.param({"userID": ""}, ["user: expected userID or customIDs"], id="empty ID"),
        pytest.param(
            StatsigUser(user_id="42", additional_properties={"appversion": "1"}),
            ["user.appversion: unknown field; did you mean appVersion?"],
            id="model with misspelt field",
        ),
    ],
)
def test_suspicious_user_warns(make: ClientFactory, user: Any, warnings: list[str]) -> None:
    statsig = make.script(GATE, DELIVERED, DELIVERED)
    with pytest.warns(StatsigUserWarning) as caught:
        statsig.check_gate(user, "staff")
    messages = [str(warning.message) for warning in caught]
    assert len(messages) == len(warnings)
    for message, start in zip(messages, warnings, strict=True):
        assert message.startswith(start)
    with pytest.warns(StatsigUserWarning, match=r"^events\[0\]\.user"):
        statsig.log_event(user, "purchase")
    exposure = {"gateName": "staff", "passes": True, "group": "On", "user": user}
    with pytest.warns(StatsigUserWarning, match=r"^exposures\[0\]\.user"):
        statsig.log_custom_exposures(
            [exposure | {"user": user.to_dict() if isinstance(user, StatsigUser) else user}]
        )
    assert len(make.sent) == 3


@on_any_library
@pytest.mark.parametrize(
    "user",
    [
        USER,
        {"customIDs": {"companyID": "c1"}},
        {"userID": "42", "os_name": "iOS", "analyticsOnlyMetadata": {}},
        {"userID": "42", "user_id": "42"},
    ],
    ids=["model", "custom ID", "unknown fields", "both spellings"],
)
def test_common_user_does_not_warn(make: ClientFactory, user: Any) -> None:
    make.script(GATE).check_gate(user, "staff")


@on_any_library
@pytest.mark.parametrize(
    ("send", "problem"),
    [
        (
            lambda it: it.log_event(USER, ""),
            r"events\[0\].eventName: expected a name, got",
        ),
        (
            lambda it: it.log_event(USER, "a", time=1_700_000_000),
            r"events\[0\].time: 1700000000 milliseconds is before the year 2000; check the unit",
        ),
        (
            lambda it: it.log_events([StatsigEvent(event_name="a", time=NOW * 1000)]),
            "is more than a day from now",
        ),
        (
            lambda it: it.log_events([{"eventName": "a", "time": "yesterday"}]),
            "expected milliseconds, or RFC 3339 with a time zone",
        ),
        (
            lambda it: it.log_custom_exposures(
                [{"gateName": "a", "passes": True, "group": "x", "time": 1}]
            ),
            r"exposures\[0\].time: 1 milliseconds is before",
        ),
        (
            lambda it: it.log_custom_exposures([{"experimentName": "", "group": "x"}]),
            r"exposures\[0\].experimentName: expected a name",
        ),
    ],
    ids=["name", "seconds", "microseconds", "string", "exposure", "experiment"],
)
def test_invalid_name_or_time_is_rejected(
    make: ClientFactory, send: Callable[[Statsig], object], problem: str
) -> None:
    statsig: Any = make.script(DELIVERED)
    with pytest.raises(ValueError, match=problem):
        send(statsig)
    assert not make.sent


@on_any_library
@pytest.mark.parametrize("when", [NOW, 946_684_800_000, "2026-01-31T12:00:00.5Z"])
def test_common_time_is_sent(make: ClientFactory, when: int | str) -> None:
    make.script(DELIVERED).log_event(USER, "a", time=when)
    assert json.loads(make.sent[0].content)["events"][0]["time"] == when
