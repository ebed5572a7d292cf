"""Filters and pages of recorded events."""

import time
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from statsig_api_client.local import RecordedEvent, RecordedExposure
from statsig_api_client.local.recording import EventFilter, LoggedEventDict, Recording


@pytest.fixture
def recording() -> Iterator[Recording]:
    opened = Recording(None)
    yield opened
    opened.close()


def event(name: str, received: int = 1, **user: Any) -> LoggedEventDict:
    return {
        "eventName": name,
        "user": user,
        "value": None,
        "metadata": {},
        "time": 5,
        "receivedTime": received,
        "secondaryExposures": [],
        "statsigMetadata": {},
    }


def exposure(kind: str, name: str, rule: str, received: int = 1, **user: Any) -> LoggedEventDict:
    what = "gate" if kind == "gate" else "config"
    metadata = {what: name, "ruleID": rule}
    return {**event(f"statsig::{kind}_exposure", received, **user), "metadata": metadata}


LOGGED = [
    event("purchase", 1, userID="ada"),
    event("purchase", 2, userID="bob", customIDs={"companyID": "acme", "n": "1"}),
    event("view", 3, customIDs={"companyID": "acme"}),
    exposure("gate", "purchase", "staff", 4, userID="ada"),
    exposure("config", "look", "default", 5, userID="bob"),
    exposure("layer", "page", "staff", 6),
    event("statsig::gate_exposure", 7, userID=None, customIDs=None),
]


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (EventFilter(), [1, 2, 3, 4, 5, 6, 7]),
        (EventFilter(kind="event"), [1, 2, 3]),
        (EventFilter(kind="gate"), [4, 7]),
        (EventFilter(kind="config"), [5]),
        (EventFilter(kind="layer"), [6]),
        (EventFilter(exposures=True), [4, 5, 6, 7]),
        (EventFilter(exposures=False), [1, 2, 3]),
        (EventFilter(kind="gate", exposures=False), []),
        (EventFilter(name="purchase"), [1, 2, 4]),
        (EventFilter(name="purchase", exposures=True), [4]),
        (EventFilter(name="statsig::gate_exposure"), []),
        (EventFilter(user_id="ada"), [1, 4]),
        (EventFilter(user_id="acme"), [2, 3]),
        (EventFilter(user_id="ac"), []),
        (EventFilter(user_id=""), []),
        (EventFilter(rule_id="staff"), [4, 6]),
        (EventFilter(since=3), [3, 4, 5, 6, 7]),
        (EventFilter(until=3), [1, 2]),
        (EventFilter(since=2, until=6, user_id="bob"), [2, 5]),
    ],
    ids=str,
)
def test_filter_returns_matching_events(
    recording: Recording, query: EventFilter, found: list[int]
) -> None:
    recording.store(LOGGED)
    assert [item.id for item in recording.find(query).items] == found


def test_stored_events_are_found_unchanged(recording: Recording) -> None:
    recording.store(LOGGED)
    for number, (logged, item) in enumerate(
        zip(LOGGED, recording.find(EventFilter()).items, strict=True), 1
    ):
        assert item.to_dict() == {"id": number, **logged}
        assert type(item).from_dict(item.to_dict()) == item


def test_exposures_have_kind_name_and_rule(recording: Recording) -> None:
    recording.store(LOGGED)
    found = recording.find(EventFilter(exposures=True)).items
    assert [(e.kind, e.name, e.rule_id) for e in found if isinstance(e, RecordedExposure)] == [
        ("gate", "purchase", "staff"),
        ("config", "look", "default"),
        ("layer", "page", "staff"),
        ("gate", None, None),
    ]
    assert not any(
        isinstance(e, RecordedExposure) for e in recording.find(EventFilter(kind="event")).items
    )


@pytest.mark.parametrize("limit", [1, 2, 3, 4, 10])
def test_pages_cover_all_events(recording: Recording, limit: int) -> None:
    recording.store(LOGGED)
    found: list[RecordedEvent] = []
    page = recording.find(EventFilter(exposures=True), limit=limit)
    while page.next is not None:
        assert len(page.items) == limit
        found += page.items
        page = recording.find(EventFilter(exposures=True), page.next, limit)
    assert [item.id for item in (*found, *page.items)] == [4, 5, 6, 7]


@pytest.mark.parametrize("limit", [1, 3, 10])
def test_pages_newest_first_cover_all_events(recording: Recording, limit: int) -> None:
    recording.store(LOGGED)
    found: list[int] = []
    page = recording.find(EventFilter(exposures=True), limit=limit, newest_first=True)
    found += [item.id for item in page.items]
    while page.next is not None:
        page = recording.find(EventFilter(exposures=True), page.next, limit, newest_first=True)
        found += [item.id for item in page.items]
    assert found == [7, 6, 5, 4]


def test_ids_continue_after_reset(recording: Recording) -> None:
    recording.store(LOGGED)
    recording.reset()
    assert recording.find(EventFilter()).items == []
    recording.reset()
    recording.store(LOGGED[:2])
    assert [item.id for item in recording.find(EventFilter(), after=7).items] == [8, 9]


IDS = st.text(st.sampled_from('a"\\,\n\0é'), max_size=3)
USERS = st.fixed_dictionaries(
    {}, optional={"userID": IDS, "customIDs": st.dictionaries(st.just("x"), IDS)}
)


@given(users=st.lists(USERS, max_size=8), wanted=IDS)
def test_users_are_found_by_complete_ids(users: list[dict[str, Any]], wanted: str) -> None:
    recording = Recording(None)
    recording.store([event(str(n), **user) for n, user in enumerate(users)])
    found = [item.event_name for item in recording.find(EventFilter(user_id=wanted)).items]
    recording.close()
    assert found == [
        str(n)
        for n, user in enumerate(users)
        if wanted in (user.get("userID"), *user.get("customIDs", {}).values())
    ]


def test_large_recording_is_searched_quickly(recording: Recording) -> None:
    batch = [event("purchase", userID=f"user {n}") for n in range(1000)]
    for _ in range(100):
        recording.store(batch)
    recording.store([exposure("gate", "rare", "rule", userID="rare")])
    start = time.process_time()
    for query in (
        EventFilter(exposures=True),
        EventFilter(name="rare"),
        EventFilter(user_id="rare"),
    ):
        assert len(recording.find(query).items) == 1
    # Together they take 0.02 s; reading the documents would take ten times as long.
    assert time.process_time() - start < 0.15
