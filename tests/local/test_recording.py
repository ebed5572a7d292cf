"""Recording of events and exposures."""

import contextlib
import os
import sqlite3
import stat
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest

from statsig_api_client import SecondaryExposureDict
from statsig_api_client.local import (
    LocalServer,
    RecordedEvent,
    RecordingError,
)

from .conftest import SHOP, Api, Json

ADA: Json = {"userID": "ada", "email": "ada@example.com", "privateAttributes": {"secret": 1}}
PUBLIC_ADA: Json = {"userID": "ada", "email": "ada@example.com"}

NESTED = """
    gates:
      staff: {rules: [{name: everyone here, if: {email: {ends with: "@example.com"}}}]}
      nested: {rules: [{name: staff only, if: {passes gate: staff}}]}
    configs:
      look:
        rules:
          - {name: a part, if: {passes gate: nested}, rollout: 0, value: {a: 1}}
          - {name: never, if: {country: XX}, value: {a: 2}}
      plain: {}
    experiments:
      alone: {targeting: {passes gate: staff}, groups: {Only: {value: {a: 1}}}}
      inside: {layer: page, targeting: {passes gate: staff}, groups: {Only: {value: {a: 2}}}}
    layers:
      page: {default: {a: 1}}
      empty: {default: {}}
"""


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(NESTED)


STAFF: SecondaryExposureDict = {"gate": "staff", "gateValue": "true", "ruleID": "everyone here"}


def test_check_gate_logs_exposure(api: Api) -> None:
    before = time.time() * 1000
    api.gate("staff", ADA)
    api.gate("staff")
    first, second = api.server.exposures()
    assert first.event_name == "statsig::gate_exposure"
    assert first.metadata == {"gate": "staff", "gateValue": "true", "ruleID": "everyone here"}
    assert (first.name, first.rule_id) == ("staff", "everyone here")
    assert first.user == PUBLIC_ADA
    assert first.value is None
    assert first.secondary_exposures == []
    assert before - 1 <= first.time == first.received_time <= time.time() * 1000
    assert second.metadata == {"gate": "staff", "gateValue": "false", "ruleID": "default"}
    assert second.user == {}


def test_evaluated_gates_become_secondary_exposures(api: Api) -> None:
    api.gate("nested", ADA)
    assert api.server.exposures()[0].secondary_exposures == [STAFF]


def test_check_of_several_gates_logs_each(api: Api) -> None:
    api.post("check_gate", {"gateNames": ["staff", "nested", "unknown"], "user": ADA})
    assert [(e.name, e.metadata["gateValue"], e.rule_id) for e in api.server.exposures()] == [
        ("staff", "true", "everyone here"),
        ("nested", "true", "staff only"),
        ("unknown", "false", ""),
    ]


def test_exposure_has_statsig_metadata_of_request(api: Api) -> None:
    api.post("check_gate", {"gateName": "staff", "statsigMetadata": {"sdkType": "t"}})
    assert api.server.exposures()[0].statsig_metadata == {"sdkType": "t"}


def test_config_exposure_records_rule_passed(api: Api) -> None:
    api.config("look", ADA)
    api.config("plain")
    api.config("unknown")
    first, second, third = api.server.exposures()
    assert first.event_name == "statsig::config_exposure"
    assert first.metadata == {"config": "look", "ruleID": "a part", "rulePassed": "false"}
    assert [e["gate"] for e in first.secondary_exposures] == ["staff", "nested"]
    assert second.metadata == {"config": "plain", "ruleID": "default", "rulePassed": "false"}
    assert third.metadata == {"config": "unknown", "ruleID": ""}


def test_experiment_exposure_records_targeting_gates(
    api: Api,
) -> None:
    api.config("alone", ADA)
    (exposure,) = api.server.exposures()
    assert exposure.metadata == {"config": "alone", "ruleID": "Only"}
    assert exposure.secondary_exposures == [STAFF]


def test_get_layer_logs_one_exposure(api: Api) -> None:
    api.layer("page", ADA)
    api.layer("empty")
    api.layer("unknown")
    first, second = api.server.exposures()
    assert first.event_name == "statsig::layer_exposure"
    assert first.metadata == {
        "config": "page",
        "ruleID": "Only",
        "allocatedExperiment": "inside",
    }
    assert first.secondary_exposures == [STAFF]
    assert (first.name, first.rule_id) == ("page", "Only")
    assert second.metadata == {"config": "empty", "ruleID": "default", "allocatedExperiment": ""}


@pytest.mark.parametrize(
    ("call", "body"),
    [
        ("check_gate", {"gateName": "staff"}),
        ("check_gate", {"gateNames": ["staff", "nested"]}),
        ("get_config", {"configName": "look"}),
        ("get_layer", {"layerName": "page"}),
    ],
)
def test_exposure_logging_can_be_disabled(shop_server: Api, call: str, body: Json) -> None:
    before = len(shop_server.server.exposures())
    shop_server.post(call, body | {"statsigMetadata": {"exposureLoggingDisabled": True}})
    assert len(shop_server.server.exposures()) == before


def test_events_are_stored_unchanged(api: Api) -> None:
    user: Json = {
        "userID": "42",
        "custom": {"plan": "pro", "when": None},
        "unknown": [1, {"a": 1.5}],
    }
    api.post(
        "log_event",
        {
            "events": [
                {
                    "eventName": "purchase",
                    "user": user,
                    "value": 9.99,
                    "time": 1616826986211,
                    "metadata": {"sku": "A1", "": "é"},
                    "secondaryExposures": [STAFF],
                    "statsigMetadata": {"sdkType": "of the event"},
                },
                {"eventName": "text", "value": "a text"},
                {"eventName": "null", "value": None},
            ],
            "user": ADA,
            "statsigMetadata": {"sdkType": "of the request"},
        },
    )
    first, second, third = api.server.events()
    assert first == RecordedEvent(
        id=1,
        event_name="purchase",
        user=user,
        value=9.99,
        metadata={"sku": "A1", "": "é"},
        time=1616826986211,
        received_time=first.received_time,
        secondary_exposures=[STAFF],
        statsig_metadata={"sdkType": "of the event"},
    )
    assert abs(first.received_time - time.time() * 1000) < 10_000
    assert (second.value, second.user) == ("a text", PUBLIC_ADA)
    assert second.statsig_metadata == {"sdkType": "of the request"}
    assert second.time == second.received_time
    assert third.value is None
    assert api.server.exposures() == []


def test_private_attributes_are_not_stored(serve: Callable[..., Api], tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    api = serve(NESTED, db=db)
    user: Json = {"userID": "1", "privateAttributes": {"a": "hush-hush"}}
    bodies: list[tuple[str, Json]] = [
        ("check_gate", {"gateName": "staff"}),
        ("get_config", {"configName": "look"}),
        ("get_layer", {"layerName": "page"}),
        ("log_event", {"events": [{"eventName": "e"}, {"eventName": "e", "user": user}]}),
        ("log_custom_exposure", {"exposures": [{"experimentName": "e", "ruleID": "r"}]}),
        (
            "log_custom_exposure",
            {"exposures": [{"experimentName": "e", "ruleID": "r", "user": user}]},
        ),
    ]
    for call, body in bodies:
        assert api.post(call, body | {"user": user}).status_code < 300
    recorded = [*api.server.events(), *api.server.exposures()]
    assert len(recorded) == 7
    assert all(event.user == {"userID": "1"} for event in recorded)
    assert all(b"hush-hush" not in file.read_bytes() for file in tmp_path.glob("events.db*"))


@pytest.mark.parametrize(
    ("written", "milliseconds"),
    [
        (1616826986211, 1616826986211),
        (1616826986211.0, 1616826986211),
        ("1616826986211", 1616826986211),
        ("2021-03-27T06:36:26.211Z", 1616826986211),
        ("2021-03-27T07:36:26.211+01:00", 1616826986211),
        ("2021-03-27T06:36:26.211", 1616826986211),
    ],
)
def test_event_time_accepts_several_formats(
    shop_server: Api, written: object, milliseconds: int
) -> None:
    event = {"eventName": "timed", "time": written}
    assert shop_server.post("log_event", {"events": [event]}).status_code == 202
    assert shop_server.server.events()[-1].time == milliseconds


def send(api: Api, call: str, body: Json, clock: str) -> httpx.Response:
    return api.http.post(f"/{call}", json=body, headers={"Statsig-Client-Time": clock})


def test_event_times_are_corrected_by_client_time(api: Api) -> None:
    an_hour_behind = str(int(time.time() * 1000) - 3_600_000)
    events = [{"eventName": "timed", "time": 1616826986211}, {"eventName": "now"}]
    exposure = {"experimentName": "alone", "group": "Only", "time": "2021-03-27T06:36:26.211Z"}
    send(api, "log_event", {"events": events}, an_hour_behind)
    send(api, "log_custom_exposure", {"exposures": [exposure]}, an_hour_behind)
    timed, untimed = api.server.events()
    (exposed,) = api.server.exposures()
    for recorded in (timed, exposed):
        assert abs(recorded.time - 1616826986211 - 3_600_000) < 60_000
    assert untimed.time == untimed.received_time


def test_small_clock_error_is_ignored(api: Api) -> None:
    events = [{"eventName": "timed", "time": 1616826986211}]
    for off in (-2000, 0, 2000):
        clock = str(int(time.time() * 1000) + off)
        assert send(api, "log_event", {"events": events}, clock).status_code == 202
    assert [event.time for event in api.server.events()] == [1616826986211] * 3


def test_invalid_client_time_header_is_rejected(api: Api) -> None:
    response = send(api, "log_event", {"events": [{"eventName": "e", "time": 5}]}, "noon")
    problem = "$: expected a 64-bit integer in the header statsig-client-time"
    assert (response.status_code, response.json()["message"]) == (400, problem)


def test_extreme_client_time_becomes_arrival_time(api: Api) -> None:
    event = {"eventName": "e", "time": 5}
    assert send(api, "log_event", {"events": [event]}, str(-(2**63) + 1)).status_code == 202
    (recorded,) = api.server.events()
    assert recorded.time == recorded.received_time


def test_custom_exposures_have_automatic_form(api: Api) -> None:
    api.post(
        "log_custom_exposure",
        {
            "exposures": [
                {"experimentName": "alone", "group": "Only", "user": ADA, "time": 5},
                {
                    "gateName": "staff",
                    "passes": False,
                    "ruleID": "x",
                    "secondaryExposures": [STAFF],
                },
            ],
            "user": {"userID": "shared"},
            "statsigMetadata": {"sdkType": "t"},
        },
    )
    first, second = api.server.exposures()
    assert first.event_name == "statsig::config_exposure"
    assert first.metadata == {"config": "alone", "group": "Only", "isManualExposure": "true"}
    assert (first.name, first.rule_id, first.user, first.time) == ("alone", None, PUBLIC_ADA, 5)
    assert second.event_name == "statsig::gate_exposure"
    assert second.metadata == {
        "gate": "staff",
        "gateValue": "false",
        "ruleID": "x",
        "isManualExposure": "true",
    }
    assert second.user == {"userID": "shared"}
    assert second.secondary_exposures == [STAFF]
    assert second.statsig_metadata == {"sdkType": "t"}
    assert api.server.events() == []


def test_exposure_events_count_as_exposures(api: Api) -> None:
    metadata = {"gate": "staff", "gateValue": "true", "ruleID": "r"}
    event = {"eventName": "statsig::gate_exposure", "metadata": metadata}
    api.post("log_event", {"events": [event]})
    assert api.server.exposures()[0].name == "staff"
    assert api.server.events() == []


def test_batch_with_invalid_event_is_not_stored(api: Api) -> None:
    events = [{"eventName": "good"}, {"eventName": "bad", "value": []}]
    assert api.post("log_event", {"events": events}).status_code == 400
    assert api.server.events() == []


def test_database_file_is_reused(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    for round_ in (1, 2):
        with LocalServer(SHOP, db=db) as server:
            api = Api(server)
            api.post("log_event", {"events": [{"eventName": f"round {round_}"}]})
            api.gate("staff_tools", {"userID": str(round_)})
            api.http.close()
    with LocalServer(SHOP, db=db) as server:
        assert [event.event_name for event in server.events()] == ["round 1", "round 2"]
        assert [exposure.user["userID"] for exposure in server.exposures()] == ["1", "2"]


@pytest.mark.parametrize("exists", [False, True])
def test_database_files_are_private(tmp_path: Path, *, exists: bool) -> None:
    before = os.umask(0)
    try:
        if exists:
            (tmp_path / "events.db").touch(mode=0o644)
        with LocalServer(SHOP, db=tmp_path / "events.db") as server:
            api = Api(server)
            api.gate("staff_tools")
            api.http.close()
            modes = {file.name: stat.S_IMODE(file.stat().st_mode) for file in tmp_path.iterdir()}
    finally:
        os.umask(before)
    assert modes == dict.fromkeys(("events.db", "events.db-wal", "events.db-shm"), 0o600)


def test_accepted_events_survive_kill(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    script = textwrap.dedent("""
        import os, signal, sys, urllib.request
        from statsig_api_client.local import LocalServer
        server = LocalServer(sys.argv[1], db=sys.argv[2])
        request = urllib.request.Request(
            server.url + "/log_event",
            b'{"events": [{"eventName": "last words"}]}',
            {"statsig-api-key": server.secret_key},
        )
        assert urllib.request.urlopen(request).status == 202
        os.kill(os.getpid(), signal.SIGKILL)
    """)
    command = [sys.executable, "-c", script, str(SHOP), str(db)]
    assert subprocess.run(command, check=False).returncode == -9
    with LocalServer(SHOP, db=db) as server:
        assert [event.event_name for event in server.events()] == ["last words"]


def test_locked_database_returns_503(serve: Callable[..., Api], tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    api = serve(NESTED, db=db)
    other = sqlite3.connect(db)
    other.execute("BEGIN EXCLUSIVE")
    response = api.post("log_event", {"events": [{"eventName": "e"}]})
    other.close()
    assert response.status_code == 503
    assert response.json()["success"] is False
    assert "locked" in response.json()["message"]
    assert api.post("log_event", {"events": [{"eventName": "again"}]}).status_code == 202
    assert [event.event_name for event in api.server.events()] == ["again"]


def test_file_without_database_is_rejected(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    db.write_text("not a database, and long enough to be seen as none" * 50)
    with pytest.raises(RecordingError, match=r"cannot use the database .*events\.db"):
        LocalServer(SHOP, db=db)


@pytest.mark.parametrize("statement", ["CREATE TABLE theirs (a)", "PRAGMA user_version = 99"])
def test_foreign_database_is_rejected_unchanged(tmp_path: Path, statement: str) -> None:
    db = tmp_path / "events.db"
    connection = sqlite3.connect(db)
    connection.execute(statement)
    connection.close()
    before = db.read_bytes()
    with pytest.raises(RecordingError, match="belongs to another program"):
        LocalServer(SHOP, db=db)
    assert db.read_bytes() == before


def test_database_of_other_version_is_rejected(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    LocalServer(SHOP, db=db).close()
    connection = sqlite3.connect(db)
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(RecordingError, match=r"expected format 2, got 99 of another version"):
        LocalServer(SHOP, db=db)


def test_locked_database_is_rejected_at_start(tmp_path: Path) -> None:
    db = tmp_path / "events.db"
    with contextlib.closing(sqlite3.connect(db)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with pytest.raises(RecordingError, match=r"events\.db: database is locked"):
            LocalServer(SHOP, db=db)


@pytest.mark.parametrize(
    ("db", "problem"),
    [
        ("missing/events.db", "cannot write the database .*: No such file or directory"),
        (".", "cannot open the database .*: unable to open database file"),
    ],
)
def test_read_only_database_is_rejected(tmp_path: Path, db: str, problem: str) -> None:
    with pytest.raises(RecordingError, match=problem):
        LocalServer(SHOP, db=tmp_path / db)


def test_database_is_closed_after_project_error(tmp_path: Path) -> None:
    project = tmp_path / "specs.json"
    project.write_text('{"feature_gates": {"aa": {"rules": []}}}')
    with pytest.raises(Exception, match="skips as invalid"):
        LocalServer(project, db=tmp_path / "events.db")
    with LocalServer(SHOP, db=tmp_path / "events.db") as server:
        assert server.events() == []
