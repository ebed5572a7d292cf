"""Cases of the model laws: each model, and each field of some kind."""

from collections.abc import Callable, Iterable
from typing import Any

import pytest

from tests.support.spec import MODELS, REQUESTS, RESPONSES, SCHEMAS

each_model = pytest.mark.parametrize("name", MODELS)
each_request = pytest.mark.parametrize("name", REQUESTS)
each_response = pytest.mark.parametrize("name", RESPONSES)


def each_field(
    names: Iterable[str], predicate: Callable[[Any, bool], bool] = lambda *_: True
) -> pytest.MarkDecorator:
    """Parametrize by the fields of some models, by schema and by whether they are required."""
    cases = [
        pytest.param(name, key, id=f"{name}.{key}")
        for name in names
        for key, schema in SCHEMAS[name]["properties"].items()
        if predicate(schema, key in SCHEMAS[name].get("required", []))
    ]
    return pytest.mark.parametrize(("name", "key"), cases)
