"""A project as it is served: overridden, read again, and what is told of faults in it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from statsig_api_client.local import ProjectError
from statsig_api_client.local.config_specs.overrides import Override, OverrideTargetError, Unit
from statsig_api_client.local.recording import Recording
from statsig_api_client.local.state import Service

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
def service(file: Path) -> Iterator[Service]:
    recording = Recording(None)
    service = Service(file, recording)
    yield service
    service.close()
    recording.close()


def gate(name: str, *, value: bool = True, user: str | None = None) -> Override:
    unit = None if user is None else Unit(id_type="userID", id=user)
    return Override(kind="gate", name=name, unit=unit, value=value, group=None)


LOOK = Override(kind="config", name="look", unit=None, value={"size": 2}, group=None)
LOGO = Override(kind="experiment", name="logo", unit=None, value=None, group="B")


def value(service: Service, name: str) -> object:
    found = service.evaluator.evaluate({"userID": "ada"}).gate(name)
    return found and found.value


def test_every_change_makes_what_is_served_newer(service: Service, file: Path) -> None:
    times = [service.specs.time]
    changes = [
        lambda: service.override(gate("blue")),
        lambda: service.override(gate("blue", value=False)),
        service.reload,
        lambda: service.remove_overrides(lambda _: True),
        # An older file, such as one that was brought back, is news as well.
        lambda: (os.utime(file, (1, 1)), service.reload()),
    ]
    for change in changes:
        change()
        times.append(service.specs.time)
    assert times == sorted(set(times))


def test_removing_what_is_not_there_changes_nothing(service: Service) -> None:
    before = service.specs
    service.remove_overrides(lambda _: True)
    assert service.specs is before


def test_an_override_takes_the_place_of_one_for_the_same(service: Service) -> None:
    for override in (gate("blue"), gate("blue", user="ada"), gate("blue", value=False)):
        service.override(override)
    assert service.overrides == (gate("blue", user="ada"), gate("blue", value=False))


def test_an_override_of_what_is_unknown_changes_nothing(service: Service) -> None:
    before = service.specs
    with pytest.raises(OverrideTargetError, match="unknown gate 'bleu'; did you mean 'blue'"):
        service.override(gate("bleu"))
    assert service.specs is before
    assert service.overrides == ()


def test_what_is_read_again_keeps_the_overrides_that_fit(service: Service, file: Path) -> None:
    for override in (gate("blue"), gate("green"), LOOK, LOGO):
        service.override(override)
    file.write_text(PROJECT.replace("green", "grey").replace("B:", "C:"))
    service.reload()
    assert service.overrides == (gate("blue"), LOOK)
    assert value(service, "blue") is True
    assert value(service, "green") is None
    assert service.problem is not None
    assert "unknown gate 'green'" in service.problem
    assert "no group 'B'" in service.problem
    service.reload()
    assert service.problem is None


def test_a_faulty_file_leaves_what_is_served(service: Service, file: Path) -> None:
    service.override(gate("blue"))
    before = service.specs
    file.write_text("gates: []")
    with pytest.raises(ProjectError, match=r"project\.yaml"):
        service.reload()
    assert service.specs is before
    assert value(service, "blue") is True
    assert service.problem is not None
    assert "gates" in service.problem
    file.write_text(PROJECT)
    service.reload()
    assert service.problem is None
    assert service.overrides == (gate("blue"),)


def test_it_says_which_files_it_is_made_of(service: Service, file: Path) -> None:
    assert service.files == (file,)
    file.with_name("vips.txt").write_text("ada\n")
    file.write_text(PROJECT + "id lists: {vips: vips.txt}\n")
    service.reload()
    assert service.files == (file, file.with_name("vips.txt"))
