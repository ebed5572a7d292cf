"""Operations of the control API for the console, and the methods of LocalControl that use them."""

import asyncio
import json
import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import httpx
import pytest
from starlette.requests import Request

from statsig_api_client import StatsigUser
from statsig_api_client.local import (
    ControlError,
    ExposureCount,
    LocalControl,
    LocalServer,
    RecordedExposure,
    UnknownName,
    UnknownNameError,
)
from statsig_api_client.local.faults import EXTENSION, ClientConnection
from statsig_api_client.local.http.event_stream import event_stream
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from statsig_api_client.local.unknown_names import MAX_NAMES, UnknownNames

from .conftest import SHOP, Api, Json
from .test_control_api import error_of, get, local


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(SHOP.read_text(encoding="utf-8"))


def test_entity_has_rules_and_overrides(api: Api) -> None:
    api.server.override_gate("staff_tools", value=True, user_id="42")
    entity = get(api, "entity", kind="gate", name="staff_tools")
    assert entity == {
        "kind": "gate",
        "name": "staff_tools",
        "idType": "userID",
        "enabled": True,
        "default": False,
        "layer": None,
        "targeting": [],
        "rules": [
            {
                "name": "staff",
                "ruleID": "staff",
                "conditions": [{"text": "in segment staff", "kind": "segment", "name": "staff"}],
                "rollout": 100,
                "value": True,
                "group": None,
                "share": None,
                "experiment": None,
            }
        ],
        "overrides": [{"kind": "gate", "name": "staff_tools", "userID": "42", "value": True}],
    }
    details = api.server.entity("gate", "staff_tools")
    assert details.rules[0].conditions[0].text == "in segment staff"
    assert details.overrides[0].unit_id == ("userID", "42")


def test_experiment_has_groups_layer_targeting(api: Api) -> None:
    details = api.server.entity("experiment", "add_to_cart_test")
    assert details.layer == "product_page"
    assert [c.text for rule in details.targeting for c in rule.conditions] == ["browser is not IE"]
    assert [(rule.name, rule.group, rule.share) for rule in details.rules] == [
        ("holdout yearly_holdout", None, None),
        ("not allocated", None, None),
        ("Control", "Control", 50),
        ("Green", "Green", 50),
    ]
    (rule,) = [rule for rule in api.server.entity("layer", "product_page").rules if rule.experiment]
    assert rule.experiment == "add_to_cart_test"


def test_unknown_entity_is_rejected(api: Api) -> None:
    with pytest.raises(UnknownNameError, match="unknown gate 'staf_tools'; did you mean"):
        api.server.entity("gate", "staf_tools")
    with pytest.raises(UnknownNameError, match="unknown config"):
        api.server.explain({}, kind="config", name="homepag")
    missing = httpx.get(local(api, "entity?kind=gate"))
    assert error_of(missing) == (400, "?: expected name, which is missing")
    with pytest.raises(ControlError, match="expected gate or config"):
        api.server.entities(cast("Any", "flag"))


def test_entities_are_objects(api: Api) -> None:
    api.server.override_gate("staff_tools", value=True)
    entities = {entity.name: entity for entity in api.server.entities("gate")}
    assert [*entities] == ["new_checkout", "staff_tools"]
    assert entities["staff_tools"].overridden
    assert entities["new_checkout"].groups == ("partners", "testers", "half of all")


def test_explanation_equals_evaluation(api: Api) -> None:
    user = StatsigUser(user_id="7", country="NO")
    explained = {each.name: each for each in api.server.explain(user)}
    wire: Json = {"userID": "7", "country": "NO"}
    assert explained["homepage"].value == api.config("homepage", wire)["value"]
    assert explained["homepage"].rules[-1].applies
    assert [c.holds for c in explained["homepage"].rules[-1].conditions] == [True, True]
    assert not explained["homepage"].rules[0].applies
    assert explained["homepage"].reason == "rule"
    assert [exposure.name for exposure in api.server.exposures()] == ["homepage"]
    (only,) = api.server.explain({"userID": "7"}, kind="gate", name="staff_tools")
    assert (only.name, only.value, only.group) == ("staff_tools", False, None)


def test_explanation_follows_override(api: Api) -> None:
    (before,) = api.server.explain({}, name="staff_tools")
    api.server.override_gate("staff_tools", value=True)
    (after,) = api.server.explain({}, name="staff_tools")
    assert (before.value, after.value, after.why) == (False, True, "override for everyone")


def test_exposures_are_counted_by_rule(api: Api) -> None:
    for user_id in ("1", "1", "2"):
        api.gate("staff_tools", {"userID": user_id, "email": "a@example.com"})
    api.gate("staff_tools", {"userID": "1"})
    assert api.server.exposure_counts("staff_tools") == [
        ExposureCount(rule_id="staff", exposures=3, users=2),
        ExposureCount(rule_id="default", exposures=1, users=1),
    ]
    assert api.server.exposure_counts("staff_tools", kind="config") == []


def test_recorded_has_events_and_exposures(api: Api) -> None:
    api.gate("staff_tools", {"userID": "1"})
    api.post("log_event", {"events": [{"eventName": "Purchase", "user": {"userID": "1"}}]})
    names = [item["eventName"] for item in get(api, "recorded", order="newest")["items"]]
    assert names == ["Purchase", "statsig::gate_exposure"]
    assert len(get(api, "recorded", contains="URCH")["items"]) == 1
    assert len(get(api, "recorded", contains="tools", kind="gate")["items"]) == 1


def test_limit_of_events_is_kept(api: Api) -> None:
    for number in range(5):
        api.gate("staff_tools", {"userID": str(number)})
    newest = api.server.exposures(order="newest", limit=2)
    assert [exposure.user["userID"] for exposure in newest] == ["4", "3"]
    assert api.server.events(limit=0) == []


def test_overrides_are_removed_by_target(api: Api) -> None:
    control = api.server
    control.override_gate("staff_tools", value=True)
    control.override_gate("staff_tools", value=True, user_id="42")
    control.override_gate("staff_tools", value=True, unit_id=("companyID", "acme"))
    control.override_experiment("logo_test", group="Square")
    control.remove_overrides("gate", "staff_tools", unit_id=("companyID", "acme"))
    assert [o.unit_id for o in control.overrides()] == [None, ("userID", "42"), None]
    control.remove_overrides("gate", "staff_tools", only_everyone=True)
    assert [o.group for o in control.overrides()] == [None, "Square"]
    control.remove_overrides(user_id="42")
    assert [o.name for o in control.overrides()] == ["logo_test"]
    control.remove_overrides(unit_id=("userID", "42"))
    control.remove_overrides()
    assert control.overrides() == []


def test_faults_are_objects(api: Api) -> None:
    api.server.fail_next(call="check_gate", status=429, retry_after=1, times=None)
    api.server.fail_next(drop=True)
    first, second = api.server.faults()
    assert (first.calls, first.status, first.times) == (frozenset({"check_gate"}), 429, None)
    assert (second.calls, second.drop) == (None, True)


def test_reset_keeps_excluded_parts(api: Api) -> None:
    api.gate("staff_tools")
    api.server.override_gate("staff_tools", value=True)
    api.server.reset(overrides=False)
    assert len(api.server.overrides()) == 1
    assert api.server.exposures() == []


def test_status_reports_unknown_names(api: Api, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        for _ in range(2):
            api.gate("staf_tools")
        api.config("homepag")
        api.layer("nothing_like_it")
        api.gate("staff_tools")
    assert [record.getMessage() for record in caplog.records] == [
        "staf_tools: unknown gate; did you mean staff_tools?",
        "homepag: unknown config; did you mean homepage?",
        "nothing_like_it: unknown layer",
    ]
    status = api.server.status()
    assert [(n.kind, n.name, n.nearest) for n in status.unknown_names] == [
        ("gate", "staf_tools", "staff_tools"),
        ("config", "homepag", "homepage"),
        ("layer", "nothing_like_it", None),
    ]
    assert status.loopback_only
    assert status.problem is None
    api.server.reset()
    assert api.server.status().unknown_names == ()


def test_unknown_names_are_limited(caplog: pytest.LogCaptureFixture) -> None:
    changes: list[int] = []
    names = UnknownNames(lambda: changes.append(1))
    with caplog.at_level(logging.WARNING):
        names.add("gate", "a\nb" * 100, [])
        for number in range(2 * MAX_NAMES):
            names.add("gate", str(number), [])
    assert len(names.items) == len(changes) == MAX_NAMES
    assert "\n" not in caplog.records[0].getMessage()
    assert names.items[1] == UnknownName(kind="gate", name="0", nearest=None)
    names.clear()
    names.clear()
    assert len(changes) == MAX_NAMES + 1


def test_stream_yields_events_as_they_arrive(api: Api) -> None:
    api.gate("staff_tools", {"userID": "before"})
    stream = api.server.stream(after=0)
    assert next(stream).user == {"userID": "before"}
    api.gate("staff_tools", {"userID": "after"})
    event = next(stream)
    assert isinstance(event, RecordedExposure)
    assert (event.name, event.user) == ("staff_tools", {"userID": "after"})


def test_stream_ends_with_server() -> None:
    server = LocalServer(SHOP)
    events: list[object] = []
    with LocalControl(server.url) as control:
        connected = threading.Event()

        def listen() -> None:
            with httpx.stream("GET", f"{server.url[:-3]}/local/stream", timeout=10) as response:
                for line in response.iter_lines():
                    connected.set()
                    events.append(line)

        thread = threading.Thread(target=listen)
        thread.start()
        assert connected.wait(10)
        server.close()
        thread.join(10)
        assert not thread.is_alive()
        assert events[0] == "event: change"
        with pytest.raises(ControlError, match="no local server"):
            next(control.stream())


def test_stream_of_closed_server_ends(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    with LocalServer(SHOP, db=db) as server, LocalControl(server.url) as control:
        api = Api(server)
        api.gate("staff_tools")
        stream = control.stream(after=0)
        assert next(stream).id == 1
        api.http.close()
        server.close()
        assert list(stream) == []


def test_stream_rejects_invalid_query(api: Api) -> None:
    with pytest.raises(ControlError, match=r"\?after: expected at least 0"):
        next(api.server.stream(after=-1))


def test_stream_resumes_after_last_event(api: Api) -> None:
    for number in range(3):
        api.gate("staff_tools", {"userID": str(number)})

    def first_id(**headers: str) -> str:
        with httpx.stream("GET", local(api, "stream"), headers=headers, timeout=10) as response:
            return next(line for line in response.iter_lines() if line.startswith("id:"))

    def first_id_of_later_call(**headers: str) -> str:
        call = threading.Timer(0.2, api.gate, ["staff_tools"])
        call.start()
        found = first_id(**headers)
        call.join()
        return found

    assert first_id(**{"last-event-id": "1"}) == "id: 2"
    # An ID of an earlier server, and one that is not an ID.
    assert first_id_of_later_call(**{"last-event-id": "99"}) == "id: 4"
    assert first_id_of_later_call(**{"last-event-id": "-"}) == "id: 5"


async def read_messages(state: ServerState) -> list[str]:
    connection = ClientConnection(transport=cast("Any", None))
    extensions = {EXTENSION: {"connection": connection}}
    request = Request({"type": "http", "headers": [], "extensions": extensions})
    response = event_stream(request, state, None, heartbeat=0.01)
    messages: list[str] = []
    async for message in response.body_iterator:
        messages.append(cast("str", message))
        if len(messages) == 2:
            state.faults.clear()
        if len(messages) == 3:
            connection.ended.set()
    return messages


def test_idle_stream_sends_comments() -> None:
    recording = Recording(None)
    state = ServerState(SHOP, recording)
    first, comment, change = asyncio.run(read_messages(state))[:3]
    state.close()
    recording.close()
    assert first.startswith("event: change\ndata: ")
    assert comment == ": idle\n\n"
    assert json.loads(change.partition("data: ")[2])["faults"] == 1


def test_changes_are_counted(tmp_path: Path) -> None:
    recording = Recording(None)
    file = tmp_path / "project.yaml"
    file.write_text("gates: {one: {}}", "utf-8")
    state = ServerState(file, recording)
    state.unknown_names.add("gate", "two", [])
    asyncio.run(state.reload())
    state.discard_recorded()
    counts = state.changes.counts
    state.close()
    recording.close()
    assert (counts["project"], counts["recorded"], counts["unknownNames"]) == (1, 1, 2)
    assert state.load_time >= counts["started"]
