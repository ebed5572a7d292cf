"""Python names follow Statsig names, and never clash silently."""

import pytest

from statsig_api_client.flags.generation.definitions import (
    Config,
    Experiment,
    Gate,
    Parameter,
    Project,
)
from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.names import class_name, is_field_name, python_name
from statsig_api_client.flags.generation.writer import Options, write_package


@pytest.mark.parametrize(
    ("name", "python", "cls"),
    [
        ("new_checkout", "new_checkout", "NewCheckout"),
        ("new-checkout v2.1", "new_checkout_v2_1", "NewCheckoutV21"),
        ("newCheckout", "newCheckout", "NewCheckout"),
        ("2fa", "gate_2fa", "Gate2fa"),
        ("class", "class_", "Class"),
        ("none", "none", "None_"),
        ("True", "True_", "True_"),
        ("match", "match", "Match"),
        ("str", "str_", "Str"),
        ("check_all", "check_all_", "CheckAll"),
        ("annotations", "annotations_", "Annotations"),
        ("Gate", "Gate_", "Gate_"),
        ("value error", "value_error", "ValueError_"),
        ("_private", "gate_private", "GatePrivate"),
        ("__private__", "gate_private__", "GatePrivate"),
        ("café", "caf_", "Caf"),
        ("", "gate_", "Gate_"),
        ("--", "gate_", "Gate_"),
    ],
)
def test_names_become_identifiers(name: str, python: str, cls: str) -> None:
    assert python_name("gate", name) == python
    assert class_name(python) == cls


def test_names_without_first_letter_get_kind() -> None:
    project = Project(
        source="a test",
        gates=(Gate(name="2fa"),),
        configs=(config("3d", "2x"),),
        experiments=(Experiment(name="1st"),),
        layers=(config("4th", "a"),),
    )
    files = write_package(project, Options()).files
    assert 'gate_2fa: Gate = Gate("2fa")' in files["gates.py"]
    assert "class Config3d(Parameters):" in files["configs.py"]
    assert 'parameter_2x: str = "x"' in files["configs.py"]
    assert 'config_3d: Config[Config3d] = Config("3d", Config3d)' in files["configs.py"]
    assert "experiment_1st: Experiment[Parameters, str] = " in files["experiments.py"]
    assert 'layer_4th: Layer[Layer4th] = Layer("4th", Layer4th)' in files["layers.py"]


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        ("size", True),
        ("_size", True),
        ("2x", False),
        ("__size", False),
        ("a b", False),
        ("class", False),
        ("str", False),
        ("", False),
    ],
)
def test_keys_of_objects_become_fields(key: str, *, expected: bool) -> None:
    assert is_field_name(key) is expected


def config(name: str, *parameters: str) -> Config:
    return Config(
        name=name,
        parameters=tuple(Parameter(name=p, values=("x",), default="x") for p in parameters),
    )


def test_clashing_gates_are_error() -> None:
    project = Project(source="a test", gates=(Gate(name="a-b"), Gate(name="a_b")))
    with pytest.raises(FlagsError) as caught:
        write_package(project, Options())
    assert str(caught.value) == (
        "gate 'a-b' and gate 'a_b' both become 'a_b'; rename one: "
        '[tool.statsig.flags.rename] "gate.a_b" = "another_name"'
    )


def test_rename_resolves_clash() -> None:
    project = Project(source="a test", gates=(Gate(name="a-b"), Gate(name="a_b")))
    text = write_package(project, Options(renames={"gate.a_b": "other"})).files["gates.py"]
    assert 'a_b: Gate = Gate("a-b")\nother: Gate = Gate("a_b")\n' in text


@pytest.mark.parametrize("renamed", ["not one", "class", "str", "_a", "2a", "café"])
def test_rename_to_other_than_identifier_is_error(renamed: str) -> None:
    project = Project(source="a test", gates=(Gate(name="a"),))
    with pytest.raises(
        FlagsError, match=r"rename 'gate\.a': expected an identifier that starts with"
    ):
        write_package(project, Options(renames={"gate.a": renamed}))


def test_clashing_parameters_are_error() -> None:
    project = Project(source="a test", configs=(config("home", "a b", "a.b"),))
    with pytest.raises(FlagsError, match=r'"config\.home\.a\.b" = "another_name"'):
        write_package(project, Options())
    text = write_package(project, Options(renames={"config.home.a.b": "a"})).files["configs.py"]
    assert '__wire_names__: ClassVar[Mapping[str, str]] = {"a_b": "a b", "a": "a.b"}' in text


def test_clashing_classes_are_error() -> None:
    project = Project(source="a test", layers=(config("page_1", "a"), config("page__1", "a")))
    with pytest.raises(FlagsError, match="both need a class 'Page1'; rename one"):
        write_package(project, Options())


def test_same_name_of_kinds_is_accepted() -> None:
    project = Project(source="a test", gates=(Gate(name="a"),), configs=(config("a", "b"),))
    files = write_package(project, Options()).files
    assert 'a: Gate = Gate("a")' in files["gates.py"]
    assert 'a: Config[A] = Config("a", A)' in files["configs.py"]


def test_constant_named_like_class_is_accepted() -> None:
    project = Project(source="a test", configs=(config("Home", "a"),))
    text = write_package(project, Options()).files["configs.py"]
    assert 'Home: Config[HomeParameters] = Config("Home", HomeParameters)' in text


def test_nested_class_yields_to_others() -> None:
    nested = Parameter(name="page", values=({"a": 1},), default={"a": 1})
    configs = (Config(name="home", parameters=(nested,)), config("home_page", "a"))
    text = write_package(Project(source="a test", configs=configs), Options()).files["configs.py"]
    assert "class HomePage_(TypedDict, total=False):" in text
    assert "class HomePage(Parameters):" in text


def test_group_alias_yields_to_others() -> None:
    parameters = config("", "a").parameters
    experiments = (
        Experiment(name="logo", groups=("Only",)),
        Experiment(name="logo_group", parameters=parameters),
    )
    text = write_package(Project(source="a test", experiments=experiments), Options()).files[
        "experiments.py"
    ]
    assert 'LogoGroup_: TypeAlias = Literal["Only"]' in text
    assert "logo: Experiment[Parameters, LogoGroup_] = Experiment(" in text
    assert '("Only",)' in text
    assert "class LogoGroup(Parameters):" in text
    assert "logo_group: Experiment[LogoGroup, str] = " in text


def test_without_excludes_flags() -> None:
    project = Project(source="a test", gates=(Gate(name="a"), Gate(name="b")))
    assert project.without(["a"]).gates == (Gate(name="b"),)
    with pytest.raises(FlagsError, match="--without: no gate, config, experiment or layer 'c'"):
        project.without(["a", "c"])
