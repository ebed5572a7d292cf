"""Reload of a project file that changes while it is served."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer, ProjectError, runner
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState
from statsig_api_client.local.watcher import file_versions, watching

PROJECT = "gates:\n  {name}: {{}}\n"


def write(file: Path, name: str) -> None:
    file.write_text(PROJECT.format(name=name))


def within_seconds(is_so: Callable[[], bool], seconds: float = 10) -> bool:
    """Return whether a condition becomes true, which takes a fraction of a second."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        if is_so():
            return True
        time.sleep(0.02)
    return is_so()


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "project.yaml"
    write(file, "first")
    return file


@pytest.fixture
def watched(file: Path) -> Iterator[LocalServer]:
    with LocalServer(file, watch=True) as server:
        yield server


def test_saved_file_is_reloaded(watched: LocalServer, file: Path) -> None:
    assert watched.gates == ("first",)
    write(file, "second")
    assert within_seconds(lambda: watched.gates == ("second",))
    write(file, "third")
    assert within_seconds(lambda: watched.gates == ("third",))


def test_file_saved_before_watching_is_reloaded(file: Path) -> None:
    async def saved_too_soon() -> bool:
        read = file_versions(state.files)
        write(file, "second")
        with watching(state, read):
            return await asyncio.to_thread(within_seconds, lambda: state.specs.gates == ("second",))

    with closing(Recording(None)) as recording, closing(ServerState(file, recording)) as state:
        assert asyncio.run(saved_too_soon())


def test_file_saved_while_loading_is_reloaded(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Slow(ServerState):
        def __init__(self, project: Path, recording: Recording) -> None:
            super().__init__(project, recording)
            write(file, "second")

    monkeypatch.setattr(runner, "ServerState", Slow)
    with LocalServer(file, watch=True) as server:
        assert within_seconds(lambda: server.gates == ("second",))


def test_replaced_file_is_reloaded(watched: LocalServer, file: Path) -> None:
    for name in ("second", "third"):
        other = file.with_suffix(".swp")
        write(other, name)
        other.replace(file)
        assert within_seconds(lambda name=name: watched.gates == (name,))  # type: ignore[misc]


def test_target_of_symlink_is_reloaded(tmp_path: Path) -> None:
    real, link = tmp_path / "elsewhere" / "real.yaml", tmp_path / "project.yaml"
    real.parent.mkdir()
    write(real, "first")
    link.symlink_to(real)
    with LocalServer(link, watch=True) as server:
        write(real, "second")
        assert within_seconds(lambda: server.gates == ("second",))


def test_invalid_file_is_reported_until_fixed(
    watched: LocalServer, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    assert watched.project().problem is None
    file.write_text("gates:\n  first: {rule: []}\n")
    problem = f"{file}:2: gates.first.rule: unknown key 'rule'; did you mean 'rules'?"
    assert within_seconds(lambda: watched.project().problem == problem)
    assert watched.gates == ("first",)
    assert caplog.messages == [f"{problem} (the previous content is still served)"]
    write(file, "second")
    assert within_seconds(lambda: watched.project().problem is None)
    assert watched.gates == ("second",)


def test_deleted_file_is_reloaded_once_restored(watched: LocalServer, file: Path) -> None:
    file.unlink()
    assert within_seconds(lambda: "cannot be read" in (watched.project().problem or ""))
    assert watched.gates == ("first",)
    write(file, "second")
    assert within_seconds(lambda: watched.gates == ("second",))


def test_reload_is_logged(
    watched: LocalServer, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "statsig_api_client.local"):
        file.with_name("testers.txt").write_text("ada")
        file.write_text("id lists: {testers: testers.txt}\ngates: {second: {}}\n")
        assert within_seconds(lambda: watched.gates == ("second",))
        time.sleep(0.7)
    assert caplog.messages == [f"{file} has changed and was reloaded"]


def test_id_list_file_is_watched(tmp_path: Path) -> None:
    file, ids = tmp_path / "project.yaml", tmp_path / "testers.txt"
    ids.write_text("ada\n")
    file.write_text(
        "id lists: {testers: testers.txt}\n"
        "gates: {tool: {rules: [{name: testers, if: {userID: {in list: testers}}}]}}\n"
    )
    with LocalServer(file, watch=True) as server, Statsig("secret-local", base_url=server.url) as s:
        assert s.check_gate({"userID": "ada"}, "tool")
        assert not s.check_gate({"userID": "bob"}, "tool")
        ids.write_text("ada\nbob\n")
        assert within_seconds(lambda: s.check_gate({"userID": "bob"}, "tool").value)


def test_id_list_file_may_appear_later(
    watched: LocalServer, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file.write_text("id lists: {testers: testers.txt}\ngates: {second: {}}\n")
    assert within_seconds(lambda: "testers.txt" in (watched.project().problem or ""))
    file.with_name("notes.txt").write_text("ada")
    time.sleep(0.7)
    assert len(caplog.messages) == 1
    file.with_name("testers.txt").write_text("ada")
    assert within_seconds(lambda: watched.gates == ("second",))


def test_other_files_are_ignored(
    watched: LocalServer, file: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.INFO, "statsig_api_client.local"):
        write(file.with_name("other.yaml"), "other")
        time.sleep(0.7)
    assert caplog.messages == []
    assert watched.gates == ("first",)


def test_working_directory_may_change(
    file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with LocalServer("project.yaml", watch=True) as server:
        (tmp_path / "elsewhere").mkdir()
        monkeypatch.chdir(tmp_path / "elsewhere")
        write(file, "second")
        assert within_seconds(lambda: server.gates == ("second",))


def test_unwatched_file_is_loaded_once(file: Path) -> None:
    with LocalServer(file) as server:
        write(file, "second")
        time.sleep(0.7)
        assert server.gates == ("first",)


def test_invalid_file_raises_at_start(file: Path) -> None:
    file.write_text("gatez: {}")
    with pytest.raises(ProjectError, match="did you mean 'gates'"):
        LocalServer(file, watch=True)
