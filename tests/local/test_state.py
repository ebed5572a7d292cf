"""Server state: overrides, reload, and problems of the project."""

import asyncio
import os
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from statsig_api_client.local import ProjectError
from statsig_api_client.local import state as state_module
from statsig_api_client.local.config_specs.overrides import (
    Override,
    OverrideTargetError,
    Unit,
    overridden,
)
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import ServerState

PROJECT = """
gates:
  blue: {}
  green: {}
configs:
  look: {default: {size: 1}}
experiments:
  logo:
    groups:
      A: {value: {shape: round}}
      B: {value: {shape: square}}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    file = tmp_path / "project.yaml"
    file.write_text(PROJECT)
    return file


@pytest.fixture
def state(file: Path) -> Iterator[ServerState]:
    recording = Recording(None)
    state = ServerState(file, recording)
    yield state
    state.close()
    recording.close()


def gate(name: str, *, value: bool = True, user: str | None = None) -> Override:
    unit = None if user is None else Unit(id_type="userID", id=user)
    return Override(kind="gate", name=name, unit=unit, value=value, group=None)


LOOK = Override(kind="config", name="look", unit=None, value={"size": 2}, group=None)
LOGO = Override(kind="experiment", name="logo", unit=None, value=None, group="B")


def value(state: ServerState, name: str) -> object:
    found = state.evaluator.evaluate({"userID": "ada"}).gate(name)
    return found and found.value


def test_every_change_increases_time(state: ServerState, file: Path) -> None:
    times = [state.specs.time]
    changes = [
        lambda: state.override(gate("blue")),
        lambda: state.override(gate("blue", value=False)),
        state.reload,
        lambda: state.remove_overrides(lambda _: True),
        state.reload,
    ]
    for change in changes:
        os.utime(file, (1, 1))  # An older file, such as a restored one, is a change as well.
        asyncio.run(change())
        times.append(state.specs.time)
    assert times == sorted(set(times))


def test_concurrent_changes_all_apply(state: ServerState, file: Path) -> None:
    async def change() -> None:
        overrides = [state.override(gate("blue", user=str(number))) for number in range(5)]
        await asyncio.gather(*overrides, state.reload(), state.override(LOOK))

    file.write_text(PROJECT + "layers: {screen: {default: {}}}")
    asyncio.run(change())
    assert len(state.overrides) == 6
    assert state.specs.layers == ("screen",)


def test_specs_are_served_during_change(
    state: ServerState, monkeypatch: pytest.MonkeyPatch
) -> None:
    prepares, may_finish = threading.Event(), threading.Event()

    def wait(*arguments: object) -> object:
        prepares.set()
        assert may_finish.wait(10)
        return overridden(*arguments)  # type: ignore[arg-type]

    async def serve() -> list[object]:
        change = asyncio.create_task(state.override(gate("blue")))
        await asyncio.to_thread(prepares.wait, 10)
        during = value(state, "blue")
        may_finish.set()
        await change
        return [during, value(state, "blue")]

    monkeypatch.setattr(state_module, "overridden", wait)
    assert asyncio.run(serve()) == [False, True]


def test_removal_of_absent_override_changes_nothing(state: ServerState) -> None:
    before = state.specs
    asyncio.run(state.remove_overrides(lambda _: True))
    assert state.specs is before


def test_override_replaces_same_target(state: ServerState) -> None:
    for override in (gate("blue"), gate("blue", user="ada"), gate("blue", value=False)):
        asyncio.run(state.override(override))
    assert state.overrides == (gate("blue", user="ada"), gate("blue", value=False))


def test_override_of_unknown_name_changes_nothing(state: ServerState) -> None:
    before = state.specs
    with pytest.raises(OverrideTargetError, match="unknown gate 'bleu'; did you mean 'blue'"):
        asyncio.run(state.override(gate("bleu")))
    assert state.specs is before
    assert state.overrides == ()


def test_reload_keeps_applicable_overrides(state: ServerState, file: Path) -> None:
    for override in (gate("blue"), gate("green"), LOOK, LOGO):
        asyncio.run(state.override(override))
    file.write_text(PROJECT.replace("green", "grey").replace("B:", "C:"))
    asyncio.run(state.reload())
    assert state.overrides == (gate("blue"), LOOK)
    assert value(state, "blue") is True
    assert value(state, "green") is None
    assert state.problem is not None
    assert "unknown gate 'green'" in state.problem
    assert "no group 'B'" in state.problem
    asyncio.run(state.reload())
    assert state.problem is None


def test_invalid_file_keeps_previous_content(state: ServerState, file: Path) -> None:
    asyncio.run(state.override(gate("blue")))
    before = state.specs
    file.write_text("gates: []")
    with pytest.raises(ProjectError, match=r"project\.yaml"):
        asyncio.run(state.reload())
    assert state.specs is before
    assert value(state, "blue") is True
    assert state.problem is not None
    assert "gates" in state.problem
    file.write_text(PROJECT)
    asyncio.run(state.reload())
    assert state.problem is None
    assert state.overrides == (gate("blue"),)


def test_files_of_project_are_listed(state: ServerState, file: Path) -> None:
    assert [*state.files] == [file]
    file.with_name("vips.txt").write_text("ada\n")
    file.write_text(PROJECT + "id lists: {vips: vips.txt}\n")
    asyncio.run(state.reload())
    assert [*state.files] == [file, file.with_name("vips.txt")]
