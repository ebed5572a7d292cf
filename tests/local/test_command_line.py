"""Command `statsig-api serve`, and start and stop of LocalServer."""

import importlib
import json
import os
import re
import signal
import socket
import subprocess
import sys
import textwrap
import threading
import time
from collections.abc import Callable
from pathlib import Path

import httpx
import jsonschema
import pytest
import yaml

import statsig_api_client.local
from statsig_api_client.cli.main import main
from statsig_api_client.local import LocalServer

from .conftest import SHOP


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: int = taken.getsockname()[1]
    return port


def stop_soon(number: signal.Signals = signal.SIGTERM) -> None:
    """Send this process a signal once the server in it waits for one."""
    threading.Timer(0.5, os.kill, (os.getpid(), number)).start()


def test_serve_prints_greeting_and_stops_on_sigint(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "statsig_api_client.cli", "serve", str(SHOP)]
    options = ["--port", "0", "--db", str(tmp_path / "events.db")]
    with subprocess.Popen(
        command + options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        address = re.fullmatch(r"Local Statsig server: (http://127\.0\.0\.1:\d+)/v1\n", line)
        assert address
        rest = [process.stdout.readline() for _ in range(10)]
        settings = dict(line.removeprefix("  export ").strip().split("=") for line in rest[6:8])
        response = httpx.post(
            f"{settings['STATSIG_BASE_URL']}/check_gate",
            headers={"statsig-api-key": settings["STATSIG_API_KEY"]},
            json={"gateName": "staff_tools", "user": {"email": "a@example.com"}},
        )
        assert response.json()["value"] is True
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert (
        "".join(rest)
        == f"""\
  secret key   secret-local
  client key   client-local
  project      {SHOP}: 2 gates, 1 config, 2 experiments, 1 layer
  console      {address[1]}/

For programs that use statsig_api_client:
  export STATSIG_BASE_URL={address[1]}/v1
  export STATSIG_API_KEY=secret-local

Press Ctrl-C to stop.
"""
    )
    with LocalServer(SHOP, db=tmp_path / "events.db") as server:
        assert [exposure.name for exposure in server.exposures()] == ["staff_tools"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_signal_exits_with_0(number: signal.Signals, capsys: pytest.CaptureFixture[str]) -> None:
    before = signal.getsignal(number)
    stop_soon(number)
    assert main(["serve", str(SHOP), "--port", "0"]) == 0
    assert signal.getsignal(number) is before
    out, err = capsys.readouterr()
    assert out.startswith("Local Statsig server: http://127.0.0.1:")
    assert err == ""


@pytest.mark.parametrize("host", ["127.0.0.2", "localhost"])
def test_loopback_address_does_not_warn(host: str, capsys: pytest.CaptureFixture[str]) -> None:
    stop_soon()
    assert main(["serve", str(SHOP), "--port", "0", "--host", host]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(("host", "shown"), [("0.0.0.0", "0.0.0.0"), ("", "this machine")])  # noqa: S104
def test_public_address_warns(host: str, shown: str, capsys: pytest.CaptureFixture[str]) -> None:
    stop_soon()
    assert main(["serve", str(SHOP), "--port", "0", "--host", host]) == 0
    out, err = capsys.readouterr()
    assert err == f"warning: other machines can reach {shown}, without encryption\n"
    assert out.startswith("Local Statsig server: http://127.0.0.1:")


def test_invalid_project_exits_with_2_and_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project.yaml"
    project.write_text("gates:\n  staff: {rule: []}\n")
    assert main(["serve", str(project)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (
        f"error: {project}:2: gates.staff.rule: unknown key 'rule'; did you mean 'rules'?\n"
    )


def test_serve_runs_as_module(
    tmp_path: Path, run_module: Callable[..., object], capsys: pytest.CaptureFixture[str]
) -> None:
    missing = str(tmp_path / "missing.yaml")
    assert run_module("statsig_api_client.cli", "serve", missing) == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err


def test_unreadable_specs_exit_with_one_line(tmp_path: Path) -> None:
    project = tmp_path / "specs.json"
    project.write_text('{"feature_gates": [], "company_id": 5}')
    command = [sys.executable, "-m", "statsig_api_client.cli", "serve", str(project)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r".*specs\.json: config specs that .* cannot read: .*\n", ended.stderr)


def test_unusable_database_exits_with_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", str(SHOP), "--port", "0", "--db", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"error: cannot open the database {tmp_path}: ")


def test_used_port_exits_with_hint(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main(["serve", str(SHOP), "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"error: cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "choose another with --port, or 0 for a free port\n"
    )


def test_file_without_database_exits_with_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "events.db"
    db.write_text("no database " * 100)
    assert main(["serve", str(SHOP), "--port", "0", "--db", str(db)]) == 2
    assert (
        capsys.readouterr().err == f"error: cannot use the database {db}: file is not a database\n"
    )


def test_foreign_address_exits_with_2(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main(["serve", str(SHOP), "--port", "0", "--host", "192.0.2.1"]) == 2
    assert capsys.readouterr().err.startswith("error: cannot listen on 192.0.2.1, port 0: ")


def test_verbose_prints_line_per_request(capsys: pytest.CaptureFixture[str]) -> None:
    port = free_port()

    def use() -> None:
        with httpx.Client(base_url=f"http://127.0.0.1:{port}/v1") as http:
            json = {"gateName": "staff_tools"}
            http.post("/check_gate", headers={"statsig-api-key": "secret-local"}, json=json)
            http.post("/check_gate", headers={"statsig-api-key": "client-local"}, json=json)
            http.post("/check_gate", headers={"statsig-api-key": "secret-of-another"}, json=json)
            http.get("/nothing%0A?k=client-local")
            http.get("/nothing/secret-local.json")
        os.kill(os.getpid(), signal.SIGTERM)

    timer = threading.Timer(0.5, use)
    timer.start()
    assert main(["serve", str(SHOP), f"--port={port}", "--verbose"]) == 0
    timer.join()
    lines = capsys.readouterr().err.splitlines()
    assert [re.sub(r"^\d\d:\d\d:\d\d |\d+\.\d(?= ms)", "", line) for line in lines] == [
        "POST /v1/check_gate 200,  ms, secret key, staff_tools: false for a user without ID",
        "POST /v1/check_gate 200,  ms, client key, staff_tools: false for a user without ID",
        "POST /v1/check_gate 401,  ms, unknown key",
        "GET /v1/nothing%0A 404,  ms, client key",
        "GET /v1/nothing/secret-....json 404,  ms, secret key",
    ]


def test_watch_option_controls_reload(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    project = tmp_path / "project.yaml"

    def save() -> None:
        project.write_text("gates: {two: {}, three: {}}")
        time.sleep(1.5)
        os.kill(os.getpid(), signal.SIGTERM)

    for options, shown in (([], "has changed and was reloaded"), (["--no-watch"], "")):
        project.write_text("gates: {one gate: {}}")
        timer = threading.Timer(0.5, save)
        timer.start()
        assert main(["serve", str(project), "--port=0", *options]) == 0
        timer.join()
        err = capsys.readouterr().err
        assert shown in err
        assert bool(shown) == bool(err)


def test_print_specs_output_can_be_served(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(SHOP), "--print-specs"]) == 0
    printed = capsys.readouterr().out
    specs = json.loads(printed)
    assert specs["feature_gates"].keys() >= {"new_checkout", "staff_tools"}
    file = tmp_path / "specs.json"
    file.write_text(printed)
    with pytest.warns(UserWarning, match="partners"), LocalServer(file) as server:
        assert server.gates == ("new_checkout", "staff_tools")


@pytest.mark.filterwarnings("default")
def test_warning_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "specs.json"
    listed = {"operator": "in_segment_list", "targetValue": "vips"}
    condition = {"type": "unit_id", "idType": "userID", **listed}
    file.write_text(json.dumps({"feature_gates": {}, "condition_map": {"vip": condition}}))
    assert main(["serve", str(file), "--print-specs"]) == 0
    problem = "ID lists without members in the config specs, treated as empty: vips"
    assert capsys.readouterr().err == f"warning: {file}: {problem}\n"


def test_print_specs_rejects_invalid_project(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "specs.json"
    file.write_text('{"feature_gates": [], "company_id": 5}')
    assert main(["serve", str(file), "--print-specs"]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert "cannot read" in err


def test_closed_stdout_exits_quietly(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    with os.fdopen(writer, "w") as nowhere:
        monkeypatch.setattr(sys, "stdout", nowhere)
        assert main(["serve", str(SHOP), "--print-specs"]) == 0
    assert capsys.readouterr().err == ""


def test_print_schema_prints_json_schema(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["serve", "--print-schema"]) == 0
    schema = json.loads(capsys.readouterr().out)
    jsonschema.validate(yaml.safe_load(SHOP.read_text(encoding="utf-8")), schema)
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate({"gatez": {}}, schema)


@pytest.mark.parametrize(
    ("port", "problem"),
    [
        ("-1", "-1 is not in the range 0<=x<=65535."),
        ("65536", "65536 is not in the range 0<=x<=65535."),
        ("http", "'http' is not a valid integer range."),
    ],
)
def test_invalid_port_exits_with_2(
    port: str, problem: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", str(SHOP), f"--port={port}"]) == 2
    assert f"Invalid value for '--port': {problem}" in capsys.readouterr().err


@pytest.mark.parametrize("port", [-1, 65536])
@pytest.mark.parametrize("process", [True, False])
def test_invalid_port_raises(port: int, *, process: bool) -> None:
    with pytest.raises(ValueError, match=f"port: expected a number from 0 to 65535, got {port}"):
        LocalServer(SHOP, port=port, process=process)


def test_closed_server_stops_listening() -> None:
    server = LocalServer(str(SHOP))
    assert httpx.post(f"{server.url}/check_gate").status_code == 401
    server.close()
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{server.url}/check_gate")


def test_close_does_not_wait_for_idle_clients() -> None:
    with httpx.Client() as client:
        server = LocalServer(SHOP)
        client.post(f"{server.url}/check_gate")
        before = time.monotonic()
        server.close()
        assert time.monotonic() - before < 5


@pytest.mark.skipif(not socket.has_ipv6, reason="needs IPv6")
def test_server_listens_on_ipv6() -> None:
    try:
        server = LocalServer(SHOP, host="::1")
    except OSError:
        pytest.skip("needs IPv6")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.post(f"{server.url}/check_gate").status_code == 401


def test_localhost_requires_loopback_host() -> None:
    with LocalServer(SHOP, host="localhost") as server:
        root = server.url.removesuffix("/v1")
        assert httpx.get(f"{root}/local/health").status_code == 200
        elsewhere = {"host": "evil.example"}
        assert httpx.get(f"{root}/local/health", headers=elsewhere).status_code == 421


def test_two_servers_serve_two_projects(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("keys: {secret: secret-other}\ngates: {only here: {}}")
    with LocalServer(SHOP) as shop, LocalServer(other) as server:
        assert shop.url != server.url
        assert (shop.secret_key, server.secret_key) == ("secret-local", "secret-other")
        assert server.gates == ("only here",)
        response = httpx.post(
            f"{server.url}/check_gate", headers={"statsig-api-key": shop.secret_key}
        )
        assert response.status_code == 401


def test_missing_extra_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "statsig_api_client.local"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"uvicorn: pip install 'statsig-api-client\[local\]'"):
        importlib.import_module(package)


def test_serve_needs_no_other_extra() -> None:
    script = """
        import sys
        sys.modules |= dict.fromkeys(("rich", "pyarrow", "pyreqwest"))
        from statsig_api_client.cli.main import main
        sys.exit(main(["serve", "--example", "--print-specs"]))
    """
    command = [sys.executable, "-c", textwrap.dedent(script)]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert "staff_tools" in json.loads(ended.stdout)["feature_gates"]


@pytest.mark.parametrize("arguments", [[], [str(SHOP), "--example"]])
def test_serve_requires_project_or_example(
    arguments: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["serve", *arguments]) == 2
    assert "expected either PROJECT or --example" in capsys.readouterr().err


def test_serve_example_prints_call(capsys: pytest.CaptureFixture[str]) -> None:
    stop_soon()
    assert main(["serve", "--example", "--port", "0"]) == 0
    out = capsys.readouterr().out
    assert "project      built-in example: 2 gates" in out
    assert "  curl -H 'statsig-api-key: secret-local' http://127.0.0.1:" in out


def test_client_does_not_import_local_server() -> None:
    script = "import sys, statsig_api_client; print('statsig_api_client.local' in sys.modules)"
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_public_names_are_sorted() -> None:
    names = statsig_api_client.local.__all__
    assert names == sorted(names, key=lambda name: (not name.isupper(), name))
    assert all(hasattr(statsig_api_client.local, name) for name in names)
