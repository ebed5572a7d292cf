"""Specs with unusual names, characters, formats and sizes, which generate correctly."""

import importlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest

import generate

from .spec_edits import (
    NULLABLE_STRING,
    STRING,
    edited,
    field,
    method,
    moved_operation,
    new_object,
    operation,
    ref,
    schema,
    write,
)

VALUES = ["true", "false", "😀", "日本", 'a"b', "it's", "a\\b", "\n", "\u202e", ""]
RESERVED = [
    "type",
    "str",
    "class",
    "None",
    "self",
    "field",
    "dict",
    "string",
    "error",
    "1st",
    "a-b",
]
EDITS = [
    # Characters outside the BMP, quotes and control characters, in JSON as escapes.
    field("SecondaryExposure", "gateValue", enum=VALUES),
    field("StatsigUser", "😀", **STRING),
    field("LogEventResult", "note", type="string", default="😀\"'\\", example="a"),
    schema("Layer", description='A 😀 layer with \\u and \\N{x} in """quotes""".'),
    schema("Layer", **{"x-fallback": {"value": {}, "ruleID": "😀"}}),
    moved_operation("/get_layer", '/get"layer'),
    # Names that Python or the generated code need.
    *(field("StatsigUser", name, **STRING) for name in RESERVED if name != "field"),
    *(field("Layer", name, **NULLABLE_STRING) for name in RESERVED if name != "error"),
    # Formats are annotations.
    field("StatsigUser", "email", format="email"),
    field("StatsigUser", "locale", format="user-locale"),
    field("StatsigUser", "visits", type="integer", format="int128", example=1),
    # Sizes.
    *(new_object(f"Big{n}", **{f"f{i}": STRING for i in range(60)}) for n in range(30)),
    *(field("StatsigUser", f"big{n}", **ref(f"Big{n}"), example={}) for n in range(30)),
    *(field("GetLayerRequest", f"a{n}", **STRING) for n in range(12)),
    *(field("GetLayerRequest", name, **STRING) for name in RESERVED),
    method('/get"layer', arguments=["user", "layerName", *(f"a{n}" for n in range(12)), *RESERVED]),
    # Deprecations.
    operation("/log_event", deprecated=True),
    field("StatsigEvent", "time", deprecated=True),
    schema("RankedVariant", deprecated=True),
]


@pytest.fixture(scope="module")
def odd_api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A package `odd_api`, generated from the edited spec."""
    directory = tmp_path_factory.mktemp("odd")
    spec = write(directory / "odd.json", edited(*EDITS))
    assert generate.main(["--spec", str(spec), "--output", str(directory / "odd_api")]) == 0
    with pytest.MonkeyPatch.context() as patch:
        patch.syspath_prepend(directory)
        yield importlib.import_module("odd_api")


def test_enum_values_are_kept_exactly(odd_api: Any) -> None:
    assert list(get_args(odd_api.SecondaryExposureGateValue)) == VALUES
    for value in VALUES:
        exposure = odd_api.SecondaryExposure(gate="g", gate_value=value, rule_id="r")
        assert odd_api.SecondaryExposure.from_dict(exposure.to_dict()) == exposure


def test_field_names_round_trip(odd_api: Any) -> None:
    user = dict.fromkeys(["😀", *(name for name in RESERVED if name != "field")], "a")
    assert odd_api.StatsigUser.from_dict(user).to_dict() == user
    layer = {"name": "a", "value": {}, **dict.fromkeys(set(RESERVED) - {"error"}, "b")}
    assert odd_api.Layer.from_dict(layer).to_dict() == layer


def test_defaults_fallbacks_and_paths_are_kept_exactly(odd_api: Any) -> None:
    assert odd_api.LogEventResult.from_dict({}).note == "😀\"'\\"
    calls = importlib.import_module("odd_api.calls")
    call = calls.get_layer({}, "layer", *"a" * (12 + len(RESERVED)))
    assert call.path == '/get"layer'
    assert call.body["1st"] == "a"
    assert call.fallback(None).rule_id == "😀"


def test_large_models_round_trip(odd_api: Any) -> None:
    big = {f"f{i}": "a" for i in range(60)}
    user = {f"big{n}": big for n in range(30)}
    assert odd_api.StatsigUser.from_dict(user).to_dict() == user


def test_deprecated_call_warns_caller(odd_api: Any) -> None:
    class Client(odd_api.Operations):  # type: ignore[misc, name-defined]
        def _call(self, call: Any) -> Any:
            return call

    with pytest.warns(DeprecationWarning, match="^`log_events` is deprecated$") as caught:
        Client().log_events([{"eventName": "a"}])
    assert caught[0].filename == __file__


def test_deprecations_are_documented(odd_api: Any) -> None:
    for operations in (odd_api.Operations, odd_api.AsyncRawOperations):
        assert operations.log_events.__deprecated__ == "`log_events` is deprecated"
        assert not hasattr(operations.get_layer, "__deprecated__")
    assert "Deprecated." in odd_api.Operations.log_events.__doc__
    assert "Deprecated." in odd_api.RankedVariant.__doc__
    models = Path(odd_api.models.__file__).read_text(encoding="utf-8")
    assert "By default, the time when the request arrives. Deprecated." in models
