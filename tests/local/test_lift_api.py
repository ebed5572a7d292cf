"""Lift in the control API: results, errors, and limits."""

import asyncio
import json
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from time import time_ns
from typing import Any, cast

import httpx
import pytest
from starlette.exceptions import HTTPException
from starlette.requests import ClientDisconnect, Request

from statsig_api_client.lift import Experiment, LiftOptions, LocalServerEvents, Sum, Users, analyze
from statsig_api_client.local.faults import EXTENSION, ClientConnection
from statsig_api_client.local.http.control_api import control_document
from statsig_api_client.local.http.control_requests import ControlRequests
from statsig_api_client.local.http.lift_api import LiftApi, LiftRequestDict
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from tests.lift.test_experiment import specs

from .conftest import SHOP, Api, Json
from .test_control_api import error_of, local

METRICS = ["purchase:users", "purchase:sum"]


@pytest.fixture
def api(serve: Callable[..., Api]) -> Api:
    return serve(SHOP.read_text(encoding="utf-8"))


def expose(api: Api, units: int = 60, **user: object) -> None:
    events: list[Json] = []
    for number in range(units):
        found: Json = {"userID": f"shopper-{number}", **user}
        assert api.config("logo_test", found)["value"]
        if number % 3 == 0:
            events.append({"eventName": "purchase", "user": found, "value": number})
    assert api.post("log_event", {"events": events}).is_success


def lift(api: Api, **body: Any) -> httpx.Response:
    body = {"experiment": "logo_test", "metrics": METRICS, **body}
    return httpx.post(local(api, "lift"), json=body, timeout=30)


def test_report_equals_analysis(api: Api) -> None:
    expose(api)
    response = lift(api)
    assert response.status_code == 200, response.text
    experiment = Experiment.from_project(SHOP, "logo_test")
    metrics = [Users("purchase"), Sum("purchase")]
    expected = analyze(LocalServerEvents(api.server.url), experiment, metrics).to_dict()
    assert response.json() == expected
    assert response.json()["days"] == []
    assert response.json()["health"]["account"]["events"] == 20


def test_days_equal_analysis(api: Api) -> None:
    expose(api)
    early: Json = {"user": {"userID": "early"}, "time": time_ns() // 10**6 - 2 * 86_400_000}
    exposure = {**early, "experimentName": "logo_test", "group": "Square"}
    assert api.post("log_custom_exposure", {"exposures": [exposure]}).is_success
    found = lift(api, byDay=True).json()
    experiment = Experiment.from_project(SHOP, "logo_test")
    metrics = [Users("purchase"), Sum("purchase")]
    options = LiftOptions(by_day=True)
    report = analyze(LocalServerEvents(api.server.url), experiment, metrics, options)
    assert found == report.to_dict()
    assert len(found["days"]) == 3
    assert found["days"][-1]["results"] == found["results"]


def test_planned_units_end_sequential_test(api: Api) -> None:
    expose(api)
    assert lift(api, plannedUnits=60).json()["results"][0]["is_complete"]
    assert not lift(api, plannedUnits=61).json()["results"][0]["is_complete"]


def test_other_environment_is_analyzed(api: Api) -> None:
    expose(api, statsigEnvironment={"tier": "staging"})
    status, message = error_of(lift(api))
    assert status == 409
    assert "got 60 exposures that do not count: 80 other_environment" in message
    for environment in ("staging", None):
        assert lift(api, environment=environment).json()["health"]["account"]["exposures"] == 60


@pytest.mark.parametrize(
    ("body", "status", "message"),
    [
        ({}, 409, "experiment logo_test: expected exposures, got none"),
        (
            {"experiment": "logo_tst"},
            404,
            "unknown experiment 'logo_tst'; did you mean 'logo_test'?",
        ),
        (
            {"experiment": "homepage"},
            404,
            "unknown experiment 'homepage'; expected one of add_to_cart_test, logo_test",
        ),
        (
            {"metrics": ["purchase:sum", "purchase[sku]:sum"]},
            400,
            "$.metrics[1]: where: expected FIELD=VALUE, got 'sku'",
        ),
        ({"metrics": ["purchase:sum"] * 2}, 400, "$.metrics: expected different items"),
        ({"metrics": []}, 400, "$.metrics: expected at least 1 items, got 0"),
        ({"plannedUnits": 0}, 400, "$.plannedUnits: expected at least 1"),
    ],
)
def test_invalid_request_is_rejected(api: Api, body: Json, status: int, message: str) -> None:
    assert error_of(lift(api, **body)) == (status, message)


def test_inactive_experiment_has_no_result(serve: Callable[..., Api], tmp_path: Path) -> None:
    api = serve(specs(tmp_path, []).read_text(encoding="utf-8"), "served.json")
    message = "experiment logo_test: has no groups; it has not started"
    assert error_of(lift(api)) == (409, message)


def test_missing_extra_is_reported(api: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in sys.modules if name.startswith("statsig_api_client.lift")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "scipy", None)
    message = "lift needs scipy: pip install 'statsig-api-client[lift]'"
    assert error_of(lift(api)) == (501, message)


class SlowRecording(Recording):
    """Recorded events that are read once the test allows it."""

    def __init__(self) -> None:
        super().__init__(None)
        self.released = threading.Event()

    def documents(self) -> Iterator[list[bytes]]:
        self.released.wait(30)
        return super().documents()


@pytest.fixture
def recording() -> Iterator[SlowRecording]:
    recording = SlowRecording()
    yield recording
    recording.released.set()
    recording.close()


@pytest.fixture
def state(recording: Recording) -> Iterator[ServerState]:
    state = ServerState(SHOP, recording)
    yield state
    state.close()


def call(state: ServerState, *, has_client: bool = True, **limits: Any) -> None:
    """Call the operation in an event loop."""

    async def receive() -> Json:
        body = {"experiment": "logo_test", "metrics": METRICS}
        return {"type": "http.request", "body": json.dumps(body).encode()}

    async def run() -> None:
        connection = ClientConnection(transport=cast("Any", None))
        if not has_client:
            connection.ended.set()
        scope = {
            "type": "http",
            "headers": [(b"content-type", b"application/json")],
            "extensions": {EXTENSION: {"connection": connection}},
        }
        requests = ControlRequests(control_document(), LiftRequestDict)
        await LiftApi(state, requests, **limits).lift(Request(scope, receive))

    asyncio.run(run())


def test_too_many_events_are_rejected(state: ServerState) -> None:
    event: Any = {"eventName": "purchase", "user": {}, "receivedTime": 0}
    state.recording.store([event] * 3)
    with pytest.raises(HTTPException, match="expected at most 2 recorded events") as caught:
        call(state, max_events=2)
    assert caught.value.status_code == 413


def test_long_analysis_is_stopped(state: ServerState) -> None:
    with pytest.raises(HTTPException, match=r"expected a result within 0.05 s; serve") as caught:
        call(state, max_seconds=0.05)
    assert caught.value.status_code == 503


def test_analysis_stops_without_client(state: ServerState) -> None:
    with pytest.raises(ClientDisconnect):
        call(state, has_client=False)


def test_documents_are_read_in_batches(recording: SlowRecording) -> None:
    recording.released.set()
    event: Any = {"eventName": "purchase", "user": {}, "receivedTime": 0}
    events: list[Any] = [{**event, "value": number} for number in range(1001)]
    recording.store(events)
    first, second = recording.documents()
    assert (len(first), len(second)) == (1000, 1)
    assert json.loads(second[0])["value"] == 1000
    assert (recording.count(7), recording.count(2000)) == (7, 1001)
