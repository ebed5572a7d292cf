"""Typed names evaluate through both clients, against the local server."""

import asyncio
import copy
import logging
import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar, Literal, TypedDict

import pytest

from statsig_api_client import AsyncStatsig, DynamicConfig, JsonValue, Statsig, StatsigUser
from statsig_api_client.flags import (
    Config,
    Experiment,
    Gate,
    GateGroup,
    Layer,
    Parameters,
    details,
)
from statsig_api_client.local import LocalServer
from tests.docs.pages import ROOT

STAFF = StatsigUser(user_id="1", email="ada@example.com")
GUEST = StatsigUser(user_id="2")


class Homepage(Parameters):
    """Parameters of the homepage."""

    button_color: str = "blue"
    headline: str = "Hello"
    products_shown: int = 1


class Theme(TypedDict, total=False):
    dark: bool


class Odd(Parameters):
    """Parameters with types that differ from those of the project."""

    __wire_names__: ClassVar[Mapping[str, str]] = {"shown": "products_shown"}

    button_color: int = 7
    shown: float = 0.5
    theme: Theme = Theme(dark=True)
    tags: Sequence[str] = ["a"]
    headline: str | None = None


class LogoTest(Parameters):
    """Parameters of the experiment logo_test."""

    shape: str = "none"


class ProductPage(Parameters):
    """Parameters of the layer product_page."""

    show_reviews: bool = False


staff_tools: Gate = Gate("staff_tools")
new_checkout: Gate = Gate("new_checkout")
check_all: GateGroup = GateGroup((new_checkout, staff_tools))
homepage: Config[Homepage] = Config("homepage", Homepage)
logo_test: Experiment[LogoTest, Literal["Control", "Square"]] = Experiment(
    "logo_test", LogoTest, ("Control", "Square")
)
product_page: Layer[ProductPage] = Layer("product_page", ProductPage)


@pytest.fixture(scope="module")
def server() -> Iterator[LocalServer]:
    with LocalServer(ROOT / "examples" / "project.yaml") as running:
        yield running


@pytest.fixture
def statsig(server: LocalServer) -> Iterator[Statsig]:
    server.reset()
    with Statsig(server.secret_key, base_url=server.url) as client:
        yield client


def test_gate_check_returns_gate(statsig: Statsig) -> None:
    assert staff_tools.check(statsig, STAFF)
    assert not staff_tools.check(statsig, GUEST)


def test_gate_group_checks_all_gates(statsig: Statsig) -> None:
    results = check_all(statsig, STAFF)
    assert results.keys() == {"new_checkout", "staff_tools"}
    assert results[staff_tools].value


def test_gate_group_splits_requests(statsig: Statsig) -> None:
    group = GateGroup(Gate(f"gate_{number}") for number in range(250))
    assert len(group(statsig, GUEST)) == 250


def test_config_get_returns_parameters(statsig: Statsig) -> None:
    home = homepage.get(statsig, STAFF)
    assert (home.button_color, home.products_shown) == ("purple", 24)
    assert details(home).rule_id == "staff preview"
    assert repr(home).startswith("Homepage(button_color='purple', ")


def test_experiment_get_returns_group(statsig: Statsig, server: LocalServer) -> None:
    server.override_experiment("logo_test", group="Square")
    result = logo_test.get(statsig, GUEST)
    assert (result.group_name, result.parameters.shape) == ("Square", "square")
    assert (result.rule_id, result.error) == (details(result.parameters).rule_id, None)


def test_experiment_unknown_group_is_none(statsig: Statsig, server: LocalServer) -> None:
    server.override_experiment("logo_test", group="Square")
    narrow: Experiment[LogoTest, Literal["Control"]] = Experiment(
        "logo_test", LogoTest, ("Control",)
    )
    assert narrow.get(statsig, GUEST).group_name is None


def test_layer_get_returns_parameters(statsig: Statsig) -> None:
    page = product_page.get(statsig, GUEST)
    assert page.show_reviews in (True, False)
    assert details(page).group_name is None


def test_async_client_returns_awaitables(server: LocalServer) -> None:
    async def run() -> None:
        async with AsyncStatsig(server.secret_key, base_url=server.url) as client:
            assert await staff_tools.check(client, STAFF)
            assert (await check_all(client, STAFF))[staff_tools]
            assert (await homepage.get(client, STAFF)).button_color == "purple"
            assert (await logo_test.get(client, GUEST)).parameters.shape in ("circle", "square")
            assert (await product_page.get(client, GUEST)).show_reviews in (True, False)

    asyncio.run(run())


def test_fallback_returns_defaults(server: LocalServer) -> None:
    with Statsig("secret-wrong", base_url=server.url, on_error="fallback") as client:
        home = homepage.get(client, STAFF)
        assert (home.button_color, home.headline, home.products_shown) == ("blue", "Hello", 1)
        assert details(home).error is not None
        assert logo_test.get(client, STAFF).error is not None
        assert not staff_tools.check(client, STAFF)


def test_mismatched_value_returns_default(
    statsig: Statsig, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG, "statsig_api_client"):
        odd = Config("homepage", Odd).get(statsig, STAFF)
        assert (odd.button_color, odd.shown, odd.headline) == (7, 24, "Welcome, colleague!")
        assert odd.button_color == 7
    assert caplog.text.count("parameter 'button_color': expected int, got") == 1


def test_object_default_is_copied(statsig: Statsig) -> None:
    key: Config[Odd] = Config("homepage", Odd)
    key.get(statsig, STAFF).theme["dark"] = False
    assert key.get(statsig, STAFF).theme == {"dark": True}


def test_class_attributes_are_defaults() -> None:
    assert (Homepage.button_color, Homepage.products_shown, Odd.shown) == ("blue", 1, 0.5)
    assert (Odd.theme, Odd.tags) == ({"dark": True}, ["a"])


def test_subclass_inherits_parameters() -> None:
    class Wide(Homepage):
        columns: int = 3

    wide = Wide(DynamicConfig(name="wide", value={"headline": "Hi", "columns": "many"}))
    assert (wide.headline, wide.columns, Wide.headline) == ("Hi", 3, "Hello")
    assert repr(wide) == "Wide(button_color='blue', headline='Hi', products_shown=1, columns=3)"


def test_parameter_without_default_is_rejected() -> None:
    with pytest.raises(TypeError, match=r"Bare\.color: expected a default"):
        type("Bare", (Parameters,), {"__annotations__": {"color": str}})


def test_parameters_copy_and_pickle(statsig: Statsig) -> None:
    home = homepage.get(statsig, STAFF)
    for clone in (copy.deepcopy(home), pickle.loads(pickle.dumps(home))):  # noqa: S301
        assert repr(clone) == repr(home)
        assert details(clone) == details(home)


def test_names_are_strings(statsig: Statsig, server: LocalServer) -> None:
    assert statsig.check_gate(STAFF, staff_tools).name == "staff_tools"
    server.override_gate(staff_tools, value=False)
    assert not statsig.check_gates(STAFF, [staff_tools])["staff_tools"]


@pytest.mark.parametrize("key", [staff_tools, homepage, logo_test, product_page], ids=str)
def test_names_copy_and_pickle(key: str) -> None:
    pickled = pickle.loads(pickle.dumps(key))  # noqa: S301
    for clone in (copy.deepcopy(key), pickled):
        assert clone == key
        assert type(clone) is type(key)
        assert vars(clone) == vars(key) if hasattr(key, "__dict__") else True


def test_mapping_parameter_is_checked() -> None:
    class Loose(Parameters):
        limits: Mapping[str, int] = {}

    def limits(value: JsonValue) -> Mapping[str, int]:
        return Loose(DynamicConfig(name="loose", value={"limits": value})).limits

    assert limits({"a": 1}) == {"a": 1}
    assert limits({"a": "x"}) == {}


def test_config_without_known_parameters_is_returned(statsig: Statsig) -> None:
    key: Config[Parameters] = Config("homepage", Parameters)
    found = key.get(statsig, STAFF)
    assert repr(found) == "Parameters()"
    assert details(found).rule_id == "staff preview"
