"""Definitions come from project files, config specs and local servers."""

import json
from pathlib import Path

import pytest

from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.sources import merge_parameters, read_source
from statsig_api_client.local import LocalServer
from tests.support.config_specs import REAL_PROJECTS, v1_specs
from tests.support.flag_packages import EXAMPLE, code_of, files_of
from tests.support.loopback import Loopback, respond, unused_port


def test_project_file_has_all_flags() -> None:
    project = read_source(str(EXAMPLE))
    names = {kind: [flag.name for flag in flags] for kind, flags in project.by_kind.items()}
    assert names == {
        "gate": ["new_checkout", "staff_tools"],
        "config": ["homepage"],
        "experiment": ["add_to_cart_test", "logo_test"],
        "layer": ["product_page"],
    }
    assert project.gates[1].description == "Shows the toolbar to staff."
    assert project.source == "the project file project.yaml"


def test_layered_experiment_has_groups_only() -> None:
    layered, plain = read_source(str(EXAMPLE)).experiments
    assert (layered.layer, layered.parameters) == ("product_page", ())
    assert layered.groups == ("Control", "Green")
    assert (plain.layer, plain.parameters[0].values) == (None, ("circle", "circle", "square"))


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="no downloaded config specs")
@pytest.mark.filterwarnings("ignore:.*ID lists without members")
@pytest.mark.parametrize("name", ["demo_project_dcs.json", "eval_project_dcs.json"])
def test_config_specs_have_public_flags(name: str) -> None:
    project = read_source(str(REAL_PROJECTS / name))
    with LocalServer(REAL_PROJECTS / name) as server:
        expected = (server.gates, server.configs, server.experiments, server.layers)
    found = tuple(tuple(flag.name for flag in flags) for flags in project.by_kind.values())
    assert found == expected
    assert not any(gate.name.startswith("segment:") for gate in project.gates)


def test_v1_specs_are_read(tmp_path: Path) -> None:
    file = tmp_path / "specs.json"
    file.write_text(json.dumps(v1_specs()))
    project = read_source(str(file))
    assert [gate.name for gate in project.gates] == ["a_gate", "disabled_gate", "held"]
    (layer,) = project.layers
    assert [(p.name, p.values, p.default) for p in layer.parameters] == [("a", (0, 2), 0)]


@pytest.mark.parametrize("path", ["", "/", "/v1"])
def test_local_server_equals_its_project(path: str) -> None:
    with LocalServer(EXAMPLE) as server:
        project = read_source(f"{server.url.removesuffix('/v1')}{path}")
    assert project.source == "a local server"
    gates = files_of(project)["gates.py"]
    assert 'new_checkout: Gate = Gate("new_checkout")' in code_of(gates)
    assert [e.groups for e in project.experiments] == [
        e.groups for e in read_source(str(EXAMPLE)).experiments
    ]


def test_unreachable_server_is_error() -> None:
    url = f"http://127.0.0.1:{unused_port()}"
    with pytest.raises(FlagsError, match="no response from the local server"):
        read_source(url)


def test_other_server_is_error(server: Loopback) -> None:
    server.script(respond(404, {}))
    with pytest.raises(FlagsError, match="expected a local server, got HTTP 404"):
        read_source(server.url)
    server.script(respond(200, b"<html>"))
    with pytest.raises(FlagsError, match=str(server.port)):
        read_source(server.url)


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        pytest.param("a.yaml", None, "cannot be read", id="missing"),
        pytest.param("a.yaml", "gates: [", "a.yaml", id="broken YAML"),
        pytest.param("a.yaml", "gates: 1", "gates", id="other YAML"),
        pytest.param("a.json", "{", "a.json", id="broken JSON"),
        pytest.param("a.json", "{}", "a.json", id="other JSON"),
    ],
)
def test_invalid_file_is_error(tmp_path: Path, name: str, text: str | None, message: str) -> None:
    file = tmp_path / name
    if text is not None:
        file.write_text(text)
    with pytest.raises(FlagsError, match=message):
        read_source(str(file))


def test_default_prefers_project_then_control() -> None:
    parameters = merge_parameters(
        {"a": 1}, [("Test", {"b": 2, "c": 5}), ("Control", {"a": 3, "b": 4}), ("Control", {"b": 6})]
    )
    assert [(p.name, p.default, p.values) for p in parameters] == [
        ("a", 1, (1, 3)),
        ("b", 4, (2, 4, 6)),
        ("c", None, (5,)),
    ]
    sources = [p.default_source for p in parameters]
    assert sources == [
        None,
        "value of the group Control; the project has no default",
        "zero value; the project has no default",
    ]
