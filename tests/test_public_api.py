"""The public names: all that users import, and nothing by accident."""

import inspect

import pytest

import statsig_api_client
from statsig_api_client import AsyncStatsig, Statsig, generated

PUBLIC = statsig_api_client.__all__


def test_the_public_names_are_sorted_and_there() -> None:
    assert sorted(PUBLIC) == PUBLIC
    assert len(set(PUBLIC)) == len(PUBLIC)
    assert all(hasattr(statsig_api_client, name) for name in PUBLIC)


def test_all_models_and_plain_dicts_of_the_contract_are_public() -> None:
    kept_inside = {"calls", "API_SERVER", "EVENTS_SERVER", "SecondaryExposureGateValue"}
    operations = {name for name in generated.__all__ if name.endswith("Operations")}
    assert set(generated.__all__) - set(PUBLIC) == kept_inside | operations


def test_nothing_else_looks_public() -> None:
    names = {
        name
        for name, value in vars(statsig_api_client).items()
        if not name.startswith("_") and not inspect.ismodule(value)
    }
    assert names <= set(PUBLIC)


@pytest.mark.parametrize(
    "name", [name for name in PUBLIC if inspect.isclass(getattr(statsig_api_client, name))]
)
def test_every_public_class_is_documented(name: str) -> None:
    assert inspect.getdoc(getattr(statsig_api_client, name))


def public_methods(client: type) -> dict[str, object]:
    return {
        name: member
        for name, member in inspect.getmembers(client)
        if not name.startswith("_") and callable(member)
    }


def test_both_clients_have_the_same_methods_arguments_and_documentation() -> None:
    blocking, asynchronous = public_methods(Statsig), public_methods(AsyncStatsig)
    assert {"close"} | set(asynchronous) - {"aclose"} == set(blocking)
    for name in set(blocking) - {"close"}:
        ours, theirs = blocking[name], asynchronous[name]
        assert callable(ours)
        assert callable(theirs)
        assert inspect.signature(ours) == inspect.signature(theirs), name
        assert inspect.getdoc(ours) == inspect.getdoc(theirs), name


def test_every_method_is_documented() -> None:
    for client in (Statsig, AsyncStatsig):
        for name, method in public_methods(client).items():
            assert inspect.getdoc(method), name
