"""The command, and the life of a server."""

import importlib
import os
import re
import runpy
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

import statsig_api_client.local
from statsig_api_client.local import LocalServer
from statsig_api_client.local.__main__ import main

from .conftest import SHOP


@pytest.fixture(autouse=True)
def _handlers() -> Iterator[None]:
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


def test_it_says_what_to_paste_answers_and_ends_quietly_on_ctrl_c(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "error", "-m", "statsig_api_client.local", str(SHOP)]
    options = ["--port", "0", "--db", str(tmp_path / "events.db")]
    with subprocess.Popen(
        command + options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        line = process.stdout.readline()
        url = re.fullmatch(r"Statsig, locally: (http://127\.0\.0\.1:\d+/v1)\n", line)
        assert url
        rest = [process.stdout.readline() for _ in range(4)]
        key = rest[0].removeprefix("  secret key  ").strip()
        reply = httpx.post(
            f"{url[1]}/check_gate",
            headers={"statsig-api-key": key},
            json={"gateName": "staff_tools", "user": {"email": "a@example.com"}},
        )
        assert reply.json()["value"] is True
        process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)
    assert (process.returncode, out, err) == (0, "", "")
    assert rest[1:] == [
        "  client key  client-local\n",
        f"  project     {SHOP}: 2 gates, 1 config, 2 experiments, 1 layer\n",
        "Ctrl-C stops it.\n",
    ]
    with LocalServer(SHOP, db=tmp_path / "events.db") as server:
        assert [exposure.name for exposure in server.exposures()] == ["staff_tools"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_with_status_0(
    number: signal.Signals, capsys: pytest.CaptureFixture[str]
) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), number))
    timer.start()
    assert main([str(SHOP), "--port", "0"]) == 0
    timer.join()
    out, err = capsys.readouterr()
    assert out.startswith("Statsig, locally: http://127.0.0.1:")
    assert err == ""


def test_an_address_beyond_this_machine_is_warned_of(capsys: pytest.CaptureFixture[str]) -> None:
    timer = threading.Timer(0.3, os.kill, (os.getpid(), signal.SIGTERM))
    timer.start()
    assert main([str(SHOP), "--port", "0", "--host", "0.0.0.0"]) == 0  # noqa: S104
    timer.join()
    warning = "Warning: 0.0.0.0 can be reached from other machines, unencrypted.\n"
    assert capsys.readouterr().err == warning


def test_a_faulty_project_gives_status_2_and_the_place(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    project = tmp_path / "project.yaml"
    project.write_text("gates:\n  staff: {rule: []}\n")
    assert main([str(project)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    assert err == (f"{project}:2: gates.staff.rule: unknown key 'rule'; did you mean 'rules'?\n")


def test_it_runs_as_a_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["local", str(tmp_path / "missing.yaml")])
    monkeypatch.delitem(sys.modules, "statsig_api_client.local.__main__")
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("statsig_api_client.local", run_name="__main__")
    assert ended.value.code == 2
    assert "cannot be read: No such file or directory" in capsys.readouterr().err


def test_specs_that_the_core_cannot_read_give_status_2_and_one_line(tmp_path: Path) -> None:
    project = tmp_path / "specs.json"
    project.write_text('{"feature_gates": [], "time": "now"}')
    command = [sys.executable, "-m", "statsig_api_client.local", str(project)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=30)
    assert (ended.returncode, ended.stdout) == (2, "")
    assert re.fullmatch(r".*specs\.json: config specs that .* cannot read: .*\n", ended.stderr)


def test_a_database_that_cannot_be_used_gives_status_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(SHOP), "--port", "0", "--db", str(tmp_path)]) == 2
    assert capsys.readouterr().err.startswith(f"cannot open the database {tmp_path}: ")


def test_a_port_in_use_gives_status_2_and_says_what_to_do(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        assert main([str(SHOP), "--port", str(port)]) == 2
    assert capsys.readouterr().err == (
        f"cannot listen on 127.0.0.1, port {port}: Address already in use; "
        "choose another with --port, or 0 for any that is free\n"
    )


@pytest.mark.parametrize("port", ["-1", "65536", "http"])
def test_a_port_that_is_none_gives_status_2(port: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main([str(SHOP), f"--port={port}"])
    assert ended.value.code == 2
    assert f"expected a number from 0 to 65535, got '{port}'" in capsys.readouterr().err


def test_a_server_stops_listening_when_closed_and_may_be_closed_twice() -> None:
    server = LocalServer(str(SHOP))
    assert httpx.post(f"{server.url}/check_gate").status_code == 401
    server.close()
    server.close()
    with pytest.raises(httpx.ConnectError):
        httpx.post(f"{server.url}/check_gate")


def test_a_server_closes_in_time_though_a_client_keeps_its_connection() -> None:
    with httpx.Client() as client:
        server = LocalServer(SHOP)
        client.post(f"{server.url}/check_gate")
        before = time.monotonic()
        server.close()
        assert time.monotonic() - before < 5


@pytest.mark.skipif(not socket.has_ipv6, reason="there is no IPv6 here")
def test_a_server_can_listen_on_ipv6() -> None:
    try:
        server = LocalServer(SHOP, host="::1")
    except OSError:
        pytest.skip("there is no IPv6 here")
    with server:
        assert server.url.startswith("http://[::1]:")
        assert httpx.post(f"{server.url}/check_gate").status_code == 401


def test_two_servers_serve_two_projects_at_once(tmp_path: Path) -> None:
    other = tmp_path / "other.yaml"
    other.write_text("keys: {secret: secret-other}\ngates: {only here: {}}")
    with LocalServer(SHOP) as shop, LocalServer(other) as server:
        assert shop.url != server.url
        assert (shop.secret_key, server.secret_key) == ("secret-local", "secret-other")
        assert server.gates == ("only here",)
        reply = httpx.post(f"{server.url}/check_gate", headers={"statsig-api-key": shop.secret_key})
        assert reply.status_code == 401


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "statsig_api_client.local"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "uvicorn", None)
    with pytest.raises(ImportError, match=r"uvicorn: pip install 'statsig-api-client\[local\]'"):
        importlib.import_module(package)


def test_the_client_does_not_import_the_local_server() -> None:
    script = "import sys, statsig_api_client; print('statsig_api_client.local' in sys.modules)"
    command = [sys.executable, "-c", script]
    ended = subprocess.run(command, capture_output=True, text=True, check=True)
    assert ended.stdout == "False\n"


def test_public_names_are_sorted_and_there() -> None:
    names = statsig_api_client.local.__all__
    assert names == sorted(names)
    assert all(hasattr(statsig_api_client.local, name) for name in names)
