"""Lenient parsing of events of SDKs."""

import gzip
import json
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client import Statsig
from statsig_api_client.local.http.events import now, sdk_events

from .conftest import SHOP, Api

SDK = {"statsig-sdk-type": "an-sdk"}
NOT_THE_CONTRACT: dict[str, Any] = {
    "events": [
        {
            "eventName": "purchase",
            "user": {"userID": "a", "age": None, "privateAttributes": {"b": 1}},
            "value": True,
            "metadata": {"sku": "A1", "price": 9.5, "size": {"w": 4}, "gift": False, "none": None},
            "time": "1700000000000",
            "secondaryExposures": [{"gate": "g", "gateValue": True}, "no exposure"],
            "statsigMetadata": {"currentPage": "/"},
        },
        {"eventName": "plain", "user": None, "value": None, "metadata": None, "time": None},
    ],
    "user": {"userID": "shared"},
    "statsigMetadata": {"sdkType": "an-sdk", "sessionID": "s"},
}


@pytest.fixture
def api(serve: Callable[..., Api]) -> Iterator[Api]:
    return serve(SHOP.read_text())


@pytest.mark.parametrize("call", ["log_event", "rgstr", "log_event_beacon"])
def test_sdk_events_are_parsed_leniently(api: Api, call: str) -> None:
    api.http.headers.update(SDK)
    response = api.post(call, NOT_THE_CONTRACT)
    assert (response.status_code, response.json()) == (202, {"success": True})
    first, second = api.server.events()
    assert (first.event_name, first.value, first.time) == ("purchase", "true", 1700000000000)
    assert first.user == {"userID": "a", "age": None}
    assert first.metadata == {
        "sku": "A1",
        "price": "9.5",
        "size": '{"w": 4}',
        "gift": "false",
    }
    assert first.secondary_exposures == [
        {"gate": "g", "gateValue": "true", "ruleID": ""},
        {"gate": "", "gateValue": "", "ruleID": ""},
    ]
    assert first.statsig_metadata == {"sdkType": "an-sdk", "sessionID": "s", "currentPage": "/"}
    assert (second.event_name, second.value, second.metadata) == ("plain", None, {})
    assert second.user == {"userID": "shared"}
    assert second.time == second.received_time


def test_other_clients_are_validated(api: Api) -> None:
    assert api.post("log_event", NOT_THE_CONTRACT).status_code == 400
    api.http.headers["statsig-sdk-type"] = "py-http-api"  # This package's own client.
    assert api.post("log_event", NOT_THE_CONTRACT).status_code == 400
    assert api.server.events() == []
    with Statsig(api.server.secret_key, base_url=api.server.url) as statsig:
        statsig.log_event({"userID": "a"}, "own", 1.5, {"sku": "A1"})
    assert api.server.events()[0].metadata == {"sku": "A1"}


def test_browser_beacon_is_accepted(api: Api) -> None:
    response = api.http.post(
        "/rgstr?k=client-local&st=javascript-client&gz=1",
        content=gzip.compress(json.dumps(NOT_THE_CONTRACT).encode()),
        headers={"statsig-api-key": "", "content-type": "text/plain;charset=UTF-8"},
    )
    assert response.status_code == 202
    assert len(api.server.events()) == 2


@pytest.mark.parametrize(
    ("written", "time"),
    [
        (1700000000000, 1700000000000),
        (1700000000000.75, 1700000000000),
        ("1700000000000", 1700000000000),
        ("2023-11-14T22:13:20Z", 1700000000000),
        ("2023-11-14T22:13:20", 1700000000000),
        ("2023-11-14T23:13:20.5+01:00", 1700000000500),
    ],
)
def test_event_time_formats_are_parsed(written: Any, time: int) -> None:
    (event,) = sdk_events({"events": [{"eventName": "e", "time": written}]}, {})
    assert event["time"] == time


def test_numeric_ids_are_found_as_strings(api: Api) -> None:
    user = {"userID": 42, "customIDs": {"companyID": 7}}
    api.post("rgstr", {"events": [{"eventName": "seen", "user": user}]})
    for unit_id in ("42", "7"):
        assert [event.user for event in api.server.events(user_id=unit_id)] == [user]
    assert api.server.events(user_id="4") == []


def test_integers_beyond_64_bits_keep_digits(api: Api) -> None:
    users = [
        {"userID": number, "customIDs": {"companyID": -number}} for number in (2**64, 2**64 + 1)
    ]
    events = [{"eventName": "seen", "user": user, "value": user["userID"]} for user in users]
    api.post("rgstr", {"events": events})
    for user in users:
        (event,) = api.server.events(user_id=str(user["userID"]))
        assert (event.user, event.value) == (user, user["userID"])
    assert [event.user for event in api.server.events("seen")] == users


def test_clock_error_of_client_is_corrected(api: Api) -> None:
    sent = now() - 3_600_000
    headers = {"statsig-sdk-type": "js-client", "statsig-client-time": str(sent)}
    body = {"events": [{"eventName": "late", "time": sent - 5}]}
    assert api.http.post("/log_event", json=body, headers=headers).status_code == 202
    (event,) = api.server.events("late")
    assert 0 <= event.received_time - event.time < 10_000


@pytest.mark.parametrize("sent", ["", "soon", "-1", "9" * 5000])
def test_invalid_client_time_is_ignored(api: Api, sent: str) -> None:
    headers = {"statsig-sdk-type": "js-client", "statsig-client-time": sent}
    body = {"events": [{"eventName": "timed", "time": 1700000000000}]}
    assert api.http.post("/log_event", json=body, headers=headers).status_code == 202
    (event,) = api.server.events("timed")
    assert event.time == 1700000000000


@pytest.mark.parametrize("written", [None, "soon", "nan", "inf", -1, 0, 2**63, [], {}])
def test_impossible_event_time_becomes_arrival_time(written: Any) -> None:
    (event,) = sdk_events({"events": [{"eventName": "e", "time": written}]}, {})
    assert event["time"] == event["receivedTime"]


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ([], "$"),
        ({}, "$.events"),
        ({"events": {}}, "$.events"),
        ({"events": [{"eventName": "e"}, 5]}, "$.events[1]"),
        ({"events": [{"eventName": "e"}, {"eventName": None}]}, "$.events[1].eventName"),
    ],
)
def test_invalid_sdk_batch_is_not_stored(api: Api, body: Any, path: str) -> None:
    response = api.post("rgstr", body)
    assert (response.status_code, response.json()["path"]) == (400, path)
    assert api.server.events() == []


JSON: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
OTHERS = dict.fromkeys(
    ("user", "value", "metadata", "time", "secondaryExposures", "statsigMetadata"), JSON
)
EVENTS = st.fixed_dictionaries({"eventName": st.text()}, optional=OTHERS)


@given(events=st.lists(EVENTS), user=JSON, metadata=JSON)
def test_any_event_with_name_is_parsed(events: list[Any], user: Any, metadata: Any) -> None:
    body = {"events": events, "user": user, "statsigMetadata": metadata}
    read = list(sdk_events(body, {}))
    assert [event["eventName"] for event in read] == [event["eventName"] for event in events]
    assert all(0 < event["time"] < 2**63 for event in read)
    assert all(isinstance(text, str) for event in read for text in event["metadata"].values())
