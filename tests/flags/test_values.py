"""Defaults and types of generated parameters are those of the local server's responses."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, get_args, get_origin, get_type_hints, is_typeddict

import pytest
from attrs import frozen
from hypothesis import given, settings
from hypothesis import strategies as st

from statsig_api_client import Statsig, StatsigUser
from statsig_api_client.flags.generation.sources import read_source
from statsig_api_client.flags.parameters import Parameters, details
from statsig_api_client.local import LocalServer
from tests.support.config_specs import REAL_PROJECTS
from tests.support.flag_packages import SOURCES, files_of, imported

pytestmark = pytest.mark.filterwarnings("ignore:.*ID lists without members")


@frozen
class Project:
    """A project on a local server, with its generated package."""

    source: Path
    server: LocalServer
    statsig: Statsig
    package: Any

    def typed_names(self) -> Iterator[Any]:
        """Yield the typed names of configs, experiments and layers."""
        for module in (self.package.configs, self.package.experiments, self.package.layers):
            yield from (value for value in vars(module).values() if hasattr(value, "parameters"))


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
        yield Project(source, server, statsig, package)


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
            for name in get_type_hints(key.parameters)
            if not name.startswith("__")
        }
        assert defaults.items() >= own.items()
        compared += 1
    assert compared


def test_gates_of_package_match_server(project: Project) -> None:
    names = list(getattr(project.package.gates, "check_all", ()))
    assert names == list(project.server.gates)


def fits(value: object, annotation: Any) -> bool:
    """Return whether a value has a type, independently of the package's own checks."""
    arguments = get_args(annotation)
    if is_typeddict(annotation):
        hints = get_type_hints(annotation)
        assert isinstance(value, dict)
        return all(fits(value[name], hints[name]) for name in value.keys() & hints.keys())
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


@settings(max_examples=100, deadline=None)
@given(
    part=st.integers(0, 6),
    user_id=st.text(max_size=8),
    email=st.sampled_from([None, "ada@example.com", "ada@statsig.com"]),
    country=st.sampled_from([None, "DK", "US"]),
)
def test_values_have_annotated_types(
    project: Project, part: int, user_id: str, email: str | None, country: str | None
) -> None:
    user = StatsigUser(user_id=user_id, email=email, country=country)
    for key in list(project.typed_names())[part::7]:
        parameters = parameters_of(key, project.statsig, user)
        assert details(parameters).error is None
        for name, annotation in get_type_hints(type(parameters)).items():
            if not name.startswith("__"):
                assert fits(getattr(parameters, name), annotation)
