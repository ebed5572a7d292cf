"""LocalServer in a separate process."""

import io
import os
import pickle
import signal
import socket
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import httpx
import pytest

from statsig_api_client import Statsig
from statsig_api_client.local import (
    ControlError,
    LocalServer,
    ProjectError,
    RecordingError,
    runner,
)
from statsig_api_client.local.runner import ServerOptions, ServerThread, serve

from .conftest import SHOP

START_MARK = b"\nstatsig-local-server\n"


def is_served(url: str) -> bool:
    try:
        return httpx.post(f"{url}/check_gate", timeout=5).status_code == 401
    except httpx.TransportError:
        return False


def ends(url: str) -> bool:
    """Return whether a server stops listening, which takes tenths of a second."""
    end = time.monotonic() + 20
    while is_served(url) and time.monotonic() < end:
        time.sleep(0.05)
    return not is_served(url)


def test_process_behaves_like_thread(tmp_path: Path) -> None:
    with LocalServer(SHOP, process=True, db=tmp_path / "events.db") as server:
        assert server.gates == ("new_checkout", "staff_tools")
        with Statsig(server.secret_key, base_url=server.url) as statsig:
            assert statsig.check_gate({"email": "ada@example.com"}, "staff_tools")
            server.override_gate("staff_tools", value=False)
            assert not statsig.check_gate({"email": "ada@example.com"}, "staff_tools")
        assert [exposure.name for exposure in server.exposures()] == ["staff_tools"] * 2
    assert not is_served(server.url)
    with LocalServer(SHOP, db=tmp_path / "events.db") as server:
        assert len(server.exposures()) == 2


def test_closed_process_raises() -> None:
    server = LocalServer(SHOP, process=True)
    server.close()
    server.close()
    with pytest.raises(ControlError, match="no local server at http://127"):
        server.events()


def test_process_raises_project_error(tmp_path: Path) -> None:
    file = tmp_path / "project.yaml"
    file.write_text("gates:\n  staff: {rule: []}\n")
    with pytest.raises(ProjectError) as caught:
        LocalServer(file, process=True)
    assert (caught.value.file, caught.value.line) == (file, 2)
    assert caught.value.problem == "gates.staff.rule: unknown key 'rule'; did you mean 'rules'?"


def test_process_raises_recording_error(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="cannot open the database"):
        LocalServer(SHOP, process=True, db=tmp_path)


def test_process_raises_os_error() -> None:
    with (
        socket.create_server(("127.0.0.1", 0)) as taken,
        pytest.raises(OSError, match="Address already in use"),
    ):
        LocalServer(SHOP, process=True, port=taken.getsockname()[1])


def test_process_that_exits_early_raises(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "uvicorn.py").write_text("raise SystemExit(3)")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(RuntimeError, match="process ended with status 3"):
        LocalServer(SHOP, process=True)


def test_process_that_does_not_stop_is_killed(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "uvicorn.py").write_text(
        textwrap.dedent("""
            import pickle, time
            from __main__ import result_output
            result_output.write(b"statsig-local-server\\n")
            pickle.dump("http://127.0.0.1:9/v1", result_output)
            result_output.flush()
            time.sleep(60)
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(runner, "STOP_TIMEOUT", 0.2)
    server = LocalServer(SHOP, process=True)
    begin = time.monotonic()
    server.close()
    assert time.monotonic() - begin < 20


def test_process_may_print(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (tmp_path / "sitecustomize.py").write_text("print('at start', end='')")
    (tmp_path / "httptools.py").write_text(
        textwrap.dedent("""
            import os, sys
            print("from Python", flush=True)
            os.write(1, b"from elsewhere")
            sys.path = [path for path in sys.path if path != os.path.dirname(__file__)]
            del sys.modules["httptools"]
            import httptools
        """)
    )
    monkeypatch.syspath_prepend(tmp_path)
    with LocalServer(SHOP, process=True) as server:
        assert server.gates == ("new_checkout", "staff_tools")


def test_process_uses_import_path_of_parent(tmp_path: Path) -> None:
    # A module in the working directory is not imported.
    (tmp_path / "uvicorn.py").write_text("raise SystemExit(3)")
    program = f"""
        import sys
        sys.path = [path for path in sys.path if path not in ("", {str(tmp_path)!r})]
        from statsig_api_client.local import LocalServer
        with LocalServer({str(SHOP)!r}, process=True) as server:
            print(server.gates)
    """
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    ended = subprocess.run(
        command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60
    )
    assert (ended.stdout, ended.stderr) == ("('new_checkout', 'staff_tools')\n", "")


PROGRAM = """
    import signal, sys, time
    from statsig_api_client.local import LocalServer

    signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job ignores it
    SERVER = LocalServer({project!r}, process={process}, watch=True)
    print(SERVER.url, flush=True)
    {then}
"""


@pytest.mark.parametrize("process", [True, False])
def test_unclosed_server_does_not_block_exit(*, process: bool) -> None:
    program = PROGRAM.format(project=str(SHOP), process=process, then="")
    command = [sys.executable, "-W", "error", "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.returncode, ended.stderr) == (0, "")
    assert ends(ended.stdout.strip())


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_process_ends_with_parent(number: signal.Signals) -> None:
    program = PROGRAM.format(project=str(SHOP), process=True, then="time.sleep(60)")
    command = [sys.executable, "-c", textwrap.dedent(program)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        assert parent.stdout is not None
        url = parent.stdout.readline().strip()
        assert is_served(url)
        parent.send_signal(number)
        parent.wait(20)
    assert ends(url)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs fork")
@pytest.mark.parametrize("process", [True, False])
def test_exit_of_fork_leaves_server_running(*, process: bool) -> None:
    program = f"""
        import os
        from statsig_api_client.local import LocalServer
        with LocalServer({str(SHOP)!r}, process={process}) as server:
            child = os.fork()
            if child:
                assert os.waitpid(child, 0)[1] == 0
                print(server.gates)
    """
    # Python warns about a fork in a process with threads.
    command = [sys.executable, "-W", "ignore::DeprecationWarning", "-c", textwrap.dedent(program)]
    ended = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert (ended.stdout, ended.stderr) == ("('new_checkout', 'staff_tools')\n", "")


def test_close_in_fork_leaves_server_running(monkeypatch: pytest.MonkeyPatch) -> None:
    server = ServerThread(ServerOptions(project=SHOP))
    with monkeypatch.context() as fork:
        fork.setattr(os, "getpid", lambda: -1)
        server.close()
    assert is_served(server.url)
    server.close()
    assert not is_served(server.url)


def test_serve_reports_url_and_ends_with_input() -> None:
    given = io.BytesIO(pickle.dumps(ServerOptions(project=SHOP)))
    shown = io.BytesIO()
    serve(given, shown)
    url = pickle.loads(shown.getvalue().partition(START_MARK)[2])  # noqa: S301
    assert url.startswith("http://127.0.0.1:")
    assert not is_served(url)


def test_serve_reports_error(tmp_path: Path) -> None:
    given = io.BytesIO(pickle.dumps(ServerOptions(project=tmp_path / "missing.yaml")))
    shown = io.BytesIO()
    serve(given, shown)
    error = pickle.loads(shown.getvalue().partition(START_MARK)[2])  # noqa: S301
    assert isinstance(error, ProjectError)
    assert error.problem == "cannot be read: No such file or directory"
