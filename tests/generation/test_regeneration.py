"""Code generated from an edited spec: it works and is typed."""

import importlib
import json
import pickle
import re
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

import generate
from statsig_api_client import ResponseValidationError, SchemaError, Statsig

from .next_spec import TYPICAL, UNUSUAL
from .spec_edits import Json, edited, write


@pytest.fixture(scope="session")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A directory with a package `next_api`, generated from the edited spec."""
    directory = tmp_path_factory.mktemp("regenerated")
    spec = write(directory / "next.yaml", edited(*TYPICAL, *UNUSUAL))
    assert generate.main(["--spec", str(spec), "--output", str(directory / "next_api")]) == 0
    return directory


@pytest.fixture(scope="session")
def next_api(directory: Path) -> Iterator[Any]:
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory)
        yield importlib.import_module("next_api")


class Server(ThreadingHTTPServer):
    """A server with a fixed response that keeps its requests."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.response: Json = None
        self.requests: list[tuple[str, Json]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}/v1"


class Handler(BaseHTTPRequestHandler):
    server: Server
    protocol_version = "HTTP/1.1"

    def do_POST(self) -> None:
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.requests.append((self.path, json.loads(body)))
        response = json.dumps(self.server.response).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(response)))
        self.end_headers()
        self.wfile.write(response)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        yield server
        server.shutdown()
        thread.join()


@pytest.fixture
def statsig(next_api: Any, server: Server) -> Iterator[Any]:
    """The real client with the methods of the edited spec."""

    class NextStatsig(next_api.Operations, Statsig):  # type: ignore[misc, name-defined]
        pass

    with NextStatsig("secret-next", base_url=server.url, max_retries=0) as client:
        yield client


def test_new_method_calls_new_operation(next_api: Any, statsig: Any, server: Server) -> None:
    server.response = {"name": "beta", "value": True, "kind": "rule", "ruleID": None, "later": 1}
    device = next_api.Device(model="tablet")
    user = next_api.StatsigUser(user_id="42", phone="+64 4 1234567", device=device)

    segment = statsig.get_segment(user, "beta", 3, exact=False)

    assert server.requests == [
        (
            "/v1/get_segment",
            {
                "user": {
                    "userID": "42",
                    "phone": "+64 4 1234567",
                    "device": {"model": "tablet"},
                },
                "segmentName": "beta",
                "depth": 3,
                "exact": False,
            },
        )
    ]
    assert isinstance(segment, next_api.Segment)
    assert segment
    assert (segment.name, segment.kind, segment.rule_id) == ("beta", "rule", None)
    assert segment.additional_properties == {"later": 1}


def test_new_method_validates_arguments_and_response(statsig: Any, server: Server) -> None:
    server.response = {"name": "beta", "value": "yes"}
    with pytest.raises(ResponseValidationError, match=r"\$\.value: expected boolean, got string"):
        statsig.get_segment({"userID": "42", "phone": "1"}, "beta", 1, exact=True)
    with pytest.raises(TypeError, match="string_: expected integer, got string"):
        statsig.get_segment({"userID": "42"}, "beta", "1", exact=True)
    with pytest.raises(ValueError, match="users: expected 1 or more items, got 0"):
        statsig.get_roster([])
    assert [path for path, _ in server.requests] == ["/v1/get_segment"]


def test_new_fallback_is_returned(statsig: Any, server: Server) -> None:
    server.response = []
    segment = statsig.with_options(on_error="fallback").get_segment({}, "beta", 1, exact=True)
    assert not segment
    assert segment.name == "beta"
    assert isinstance(segment.error, ResponseValidationError)


def test_new_enum_value_is_accepted(next_api: Any) -> None:
    exposure = next_api.SecondaryExposure(gate="g", gate_value="unknown", rule_id="r")
    assert exposure.to_dict() == {"gate": "g", "gateValue": "unknown", "ruleID": "r"}
    with pytest.raises(TypeError, match="gate_value: expected one of 'true', 'false', 'unknown'"):
        next_api.SecondaryExposure(gate="g", gate_value="maybe", rule_id="r")


def test_all_types_round_trip(next_api: Any) -> None:
    user = {
        "devices": {"a": {"model": "x"}},
        "lists": [[{"model": "x"}], []],
        "agent": {"serial": "7"},
        "spare": None,
        "names": ["a", None],
        "class": "first",
        "string": "text",
        'it"s\\': "odd",
        "unknown": [1],
    }
    read = next_api.StatsigUser.from_dict(user)
    assert read.to_dict() == user
    assert (read.class_, read.string_) == ("first", "text")
    assert pickle.loads(pickle.dumps(read)) == read  # noqa: S301

    roster = {
        "members": {"a": {"name": "a"}},
        "rows": [[{"name": "a", "weight": 0.5}]],
        "owner": {"name": "a"},
        "leader": None,
        "guest": {"size": "2"},
        "number": 1.5,
    }
    read = next_api.Roster.from_dict(roster)
    assert read.members["a"].name == "a"
    assert read.rows[0][0].weight == 0.5
    assert isinstance(read.guest, next_api.Team)
    assert read.to_dict() == roster | {"leader": None}
    with pytest.raises(SchemaError, match=r"\$\.rows\[0\]\[1\]: missing field"):
        next_api.Roster.from_dict(roster | {"rows": [[{"name": "a"}, {}]]})


def test_nested_models_and_dicts_are_accepted(next_api: Any) -> None:
    device = next_api.Device(model="x")
    user = next_api.StatsigUser(
        devices={"a": device, "b": {"model": "y"}},
        lists=[[device], [{"model": "y"}]],
        agent=next_api.Robot(serial="7"),
        spare=None,
    )
    assert user.to_dict() == {
        "devices": {"a": {"model": "x"}, "b": {"model": "y"}},
        "lists": [[{"model": "x"}], [{"model": "y"}]],
        "agent": {"serial": "7"},
        "spare": None,
    }
    with pytest.raises(TypeError, match=r"StatsigUser.devices.a: expected Device or object"):
        next_api.StatsigUser(devices={"a": "x"})


# ---- Type checkers ----

USES = """
from typing import Literal, assert_type

from next_api import (
    AsyncOperations, Device, Operations, RawOperations, Roster, SecondaryExposure,
    SecondaryExposureGateValue, Segment, StatsigUser, StatsigUserDict,
)
from statsig_api_client import APIResponse


def use(statsig: Operations, raw: RawOperations) -> None:
    user = StatsigUser(user_id="42", phone="1", device=Device(model="x"), devices={"a": {}})
    assert_type(user.phone, str | None)
    segment = statsig.get_segment(user, "beta", 3, True)
    assert_type(segment, Segment)
    assert_type(segment.rule_id, str | None)
    assert_type(raw.get_segment(user, "beta", 3, True), APIResponse[Segment])
    plain: StatsigUserDict = {"userID": "42", "phone": "1", "device": {"model": "x"}}
    statsig.get_segment(plain, segment_name="beta", string_=3, exact=False)
    roster = statsig.get_roster([user, plain])
    assert_type(roster, Roster)
    assert_type([member.weight for row in roster.rows for member in row], list[float | None])
    exposure = SecondaryExposure(gate="g", gate_value="unknown", rule_id="r")
    value: Literal["true", "false", "unknown"] = exposure.gate_value
    alias: SecondaryExposureGateValue = value
    print(alias)


async def use_async(statsig: AsyncOperations) -> None:
    assert_type(await statsig.get_segment({"userID": "42"}, "beta", 3, True), Segment)
"""
MISUSES = """
from next_api import AsyncOperations, Device, Operations, SecondaryExposure, StatsigUser


def misuse(statsig: Operations, user: StatsigUser) -> None:
    statsig.get_segments(user, "beta", 3, True)  # wrong
    statsig.get_segment(user, "beta")  # wrong
    statsig.get_segment("beta", user, 3, True)  # wrong
    statsig.get_segment(user, "beta", "3", True)  # wrong
    statsig.get_segment({"phone": 1}, "beta", 3, True)  # wrong
    statsig.get_segment({"fone": "1"}, "beta", 3, True)  # wrong
    statsig.get_segment(user, "beta", 3, True).rule_id.upper()  # wrong
    statsig.get_roster(user)  # wrong
    StatsigUser(phone=1)  # wrong
    StatsigUser(device=Device(modell="x"))  # wrong
    StatsigUser(devices={"a": "x"})  # wrong
    SecondaryExposure(gate="g", gate_value="maybe", rule_id="r")  # wrong


async def misuse_async(statsig: AsyncOperations) -> None:
    (await statsig.get_segment({}, "beta", 3, True)).kind + 1  # wrong
"""


@pytest.fixture(scope="session")
def programs(directory: Path) -> Path:
    (directory / "uses.py").write_text(USES)
    (directory / "misuses.py").write_text(MISUSES)
    return directory


def test_mypy_accepts_uses_and_rejects_misuses(programs: Path) -> None:
    checked = checker(
        "mypy", "--strict", "--no-error-summary", "next_api", "uses.py", "misuses.py", cwd=programs
    )
    wrong = {
        (file, int(line))
        for file, line in re.findall(r"^(\S+?):(\d+): error", checked, re.MULTILINE)
    }
    assert wrong == {("misuses.py", line) for line in misused()}, checked


def test_pyright_accepts_uses_and_rejects_misuses(
    programs: Path,
) -> None:
    strict = {"typeCheckingMode": "strict", "include": ["next_api", "uses.py", "misuses.py"]}
    (programs / "pyrightconfig.json").write_text(json.dumps(strict))
    checked = checker("pyright", "--outputjson", "--pythonpath", sys.executable, cwd=programs)
    found = json.loads(checked)["generalDiagnostics"]
    wrong = {
        (Path(problem["file"]).name, problem["range"]["start"]["line"] + 1)
        for problem in found
        if problem["severity"] == "error"
    }
    assert wrong == {("misuses.py", line) for line in misused()}, checked


def misused() -> list[int]:
    return [line for line, text in enumerate(MISUSES.splitlines(), 1) if text.endswith("# wrong")]


def checker(name: str, *arguments: str, cwd: Path) -> str:
    command = [sys.executable, "-m", name, *arguments]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False).stdout
