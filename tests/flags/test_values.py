"""Defaults and types of generated parameters are those of the local server's responses."""

import logging
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from attrs import field, frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from statsig_api_client import DynamicConfig, Statsig, StatsigUser
from statsig_api_client.flags.generation.sources import read_source
from statsig_api_client.flags.parameters import Parameters, details
from statsig_api_client.local import LocalServer
from statsig_api_client.local.config_specs.document import load_specs
from tests.support.config_specs import REAL_PROJECTS
from tests.support.flag_packages import SOURCES, files_of, imported
from tests.support.targeted_users import targeted_users

seeds = st.integers(0, 2**32)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda items: st.lists(items, max_size=3) | st.dictionaries(st.text(), items, max_size=3),
    max_leaves=5,
)

pytestmark = pytest.mark.filterwarnings("ignore:.*ID lists without members")


@frozen
class Project:
    """A project on a local server, with its generated package."""

    source: Path
    server: LocalServer
    statsig: Statsig
    package: Any
    conditions: list[dict[str, Any]] = field(repr=False)

    def typed_names(self) -> Iterator[Any]:
        """Yield the typed names of configs, experiments and layers."""
        for module in (self.package.configs, self.package.experiments, self.package.layers):
            yield from (value for value in vars(module).values() if hasattr(value, "parameters"))

    def names_with_parameters(self) -> list[Any]:
        """Return the typed names whose parameters are known."""
        return [key for key in self.typed_names() if annotations_of(key.parameters)]


@pytest.fixture(scope="module", params=SOURCES, ids=lambda source: source.name)
def project(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Project]:
    source: Path = request.param
    if source.parent == REAL_PROJECTS and not source.exists():
        pytest.skip("no downloaded config specs")
    directory = tmp_path_factory.mktemp("flags")
    with (
        imported(files_of(source), directory) as package,
        LocalServer(source) as server,
        Statsig(server.secret_key, base_url=server.url, log_exposures=False) as statsig,
    ):
        conditions: Any = load_specs(source).document["condition_map"]
        yield Project(source, server, statsig, package, list(conditions.values()))


def parameters_of(key: Any, statsig: Statsig, user: StatsigUser) -> Parameters:
    result = key.get(statsig, user)
    found: Parameters = getattr(result, "parameters", result)
    return found


def test_default_is_value_outside_rules(project: Project) -> None:
    outside = StatsigUser(user_id="nobody", country="AQ")
    declared = {
        (kind, flag.name): flag
        for kind, flags in read_source(str(project.source)).by_kind.items()
        for flag in flags
    }
    compared = 0
    for key in project.typed_names():
        kind = type(key).__name__.lower()
        call = getattr(project.statsig, f"get_{kind}")
        evaluation = call(outside, str(key))
        if evaluation.rule_id not in ("default", ""):
            continue
        flag = declared[kind, str(key)]
        own = {p.name: p.default for p in flag.parameters if p.default_source is None}  # type: ignore[union-attr]
        if kind != "experiment" or flag.layer is None:  # type: ignore[union-attr]
            assert evaluation.value == own
        defaults = {
            key.parameters.__wire_names__.get(name, name): getattr(key.parameters, name)
            for name in annotations_of(key.parameters)
        }
        assert defaults.items() >= own.items()
        compared += 1
    assert compared


def test_gates_of_package_match_server(project: Project) -> None:
    names = list(getattr(project.package.gates, "check_all", ()))
    assert names == list(project.server.gates)


def annotations_of(cls: type[Parameters]) -> dict[str, Any]:
    """Return the annotations of a class of parameters."""
    return {n: hint for n, hint in get_type_hints(cls).items() if not n.startswith("__")}


def fits(value: object, annotation: Any) -> bool:
    """Return whether a value has a type, independently of the package's own checks."""
    arguments = get_args(annotation)
    if is_typeddict(annotation):
        hints = get_type_hints(annotation)
        return isinstance(value, dict) and all(
            fits(value[name], hints[name]) for name in value.keys() & hints.keys()
        )
    match get_origin(annotation):
        case None:
            types: dict[Any, tuple[type, ...]] = {float: (int, float), object: (object,)}
            is_bool = isinstance(value, bool) and annotation in (int, float)
            return isinstance(value, types.get(annotation, (annotation,))) and not is_bool
        case origin if origin is Literal:
            return value in arguments
        case origin if origin is Sequence:
            return isinstance(value, list) and all(fits(item, arguments[0]) for item in value)
        case origin if origin is Mapping:
            return isinstance(value, dict)
    return any(fits(value, argument) for argument in arguments)


def check_values(project: Project, seed: int) -> None:
    """Evaluate each config, experiment and layer for a user who matches some conditions."""
    (user,) = targeted_users(project.conditions, 1, seed)
    for key in project.names_with_parameters():
        parameters = parameters_of(key, project.statsig, StatsigUser.from_dict(user))
        assert details(parameters).error is None
        for name, annotation in annotations_of(key.parameters).items():
            assert fits(getattr(parameters, name), annotation)


@settings(max_examples=30)
@given(seed=seeds)
def test_values_have_annotated_types(project: Project, seed: int) -> None:
    check_values(project, seed)


@pytest.mark.slow
@settings(max_examples=1000)
@given(seed=seeds)
def test_values_of_thousand_users_have_annotated_types(project: Project, seed: int) -> None:
    check_values(project, seed)


@settings(max_examples=200)
@given(data=st.data())
def test_unfit_values_give_defaults_and_are_logged(
    project: Project, caplog: pytest.LogCaptureFixture, data: st.DataObject
) -> None:
    key = data.draw(st.sampled_from(project.names_with_parameters()))
    annotations = annotations_of(key.parameters)
    values = {
        name: data.draw(json_values | st.just(getattr(key.parameters, name)))
        for name in annotations
    }
    wire_names = {name: key.parameters.__wire_names__.get(name, name) for name in annotations}
    caplog.clear()
    with caplog.at_level(logging.DEBUG, "statsig_api_client"):
        sent = {wire_names[name]: value for name, value in values.items()}
        parameters = key.parameters(DynamicConfig(name=str(key), value=sent))
        found = {name: getattr(parameters, name) for name in annotations}
    unfit = {name for name in annotations if not fits(values[name], annotations[name])}
    assert found == values | {name: getattr(key.parameters, name) for name in unfit}
    lines = [record.getMessage() for record in caplog.records]
    assert all(record.levelno == logging.DEBUG for record in caplog.records)
    assert [line.partition(": expected")[0] for line in lines] == [
        f"{str(key)!r}: parameter {wire_names[name]!r}" for name in annotations if name in unfit
    ]
