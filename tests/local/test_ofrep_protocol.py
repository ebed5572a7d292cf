"""Responses of OFREP match the description of the protocol."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from statsig_api_client.local import LocalServer

from .conftest import SHOP
from .test_ofrep import FLAGS, PROJECT, Ofrep

DOCUMENT: Final = Path(__file__).parent / "ofrep_protocol" / "openapi.yaml"


@pytest.fixture(scope="module")
def schemas() -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load(DOCUMENT.read_text())
    assert document["info"]["version"] == "0.3.0"
    success = document["components"]["schemas"]["evaluationSuccess"]
    # `codeDefaultFlag` matches every value, so that no value matches exactly one alternative.
    values = success["allOf"][1]
    values["anyOf"] = values.pop("oneOf")
    # The enumeration lacks the reason of the example in the protocol's decision record 6.
    success["allOf"][0]["properties"]["reason"]["enum"].append("DEFAULT")
    return document


@pytest.fixture(scope="module", params=["shop", "every kind"])
def ofrep(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Ofrep]:
    file = SHOP
    if request.param == "every kind":
        file = tmp_path_factory.mktemp("protocol") / "project.yaml"
        file.write_text(PROJECT)
    with LocalServer(file) as server:
        client = Ofrep(server)
        yield client
        client.http.close()


def check(response: httpx.Response, schemas: dict[str, Any], path: str) -> None:
    """Check the status and the body of a response against an operation."""
    responses = schemas["paths"][path]["post"]["responses"]
    assert str(response.status_code) in responses
    content = responses[str(response.status_code)].get("content")
    if content:
        schema = content["application/json"]["schema"] | {"components": schemas["components"]}
        Draft202012Validator(schema).validate(response.json())


def test_every_flag_matches_protocol(ofrep: Ofrep, schemas: dict[str, Any]) -> None:
    several = ofrep.flags()
    assert several.status_code == 200
    check(several, schemas, FLAGS)
    check(ofrep.flags(**{"if-none-match": several.headers["etag"]}), schemas, FLAGS)
    for flag in several.json()["flags"]:
        one = ofrep.flag(flag["key"])
        assert one.status_code == 200
        check(one, schemas, f"{FLAGS}/{{key}}")


def test_wrong_key_matches_protocol(ofrep: Ofrep, schemas: dict[str, Any]) -> None:
    for path in (FLAGS, f"{FLAGS}/{{key}}"):
        check(httpx.post(ofrep.http.base_url.join(path), json={}), schemas, path)


CONTEXTS: Final = st.dictionaries(
    st.sampled_from(("targetingKey", "email", "customIDs", "custom", "x")),
    st.none() | st.booleans() | st.integers() | st.text() | st.lists(st.text(), max_size=2),
)
BODIES: Final = st.one_of(
    st.fixed_dictionaries({"context": CONTEXTS}),
    st.dictionaries(st.text(max_size=5), st.integers(), max_size=2),
    st.lists(st.integers(), max_size=2),
    st.none(),
)
KEYS: Final = st.sampled_from(("homepage", "open", "layer:page", "gate:a:b", ":", "price:value"))


@given(BODIES, KEYS | st.text(st.characters(codec="utf-8", exclude_categories=["Cc"]), max_size=9))
def test_any_request_matches_protocol(
    ofrep: Ofrep, schemas: dict[str, Any], body: Any, key: str
) -> None:
    check(ofrep.http.post(FLAGS, json=body), schemas, FLAGS)
    escaped = "".join(f"%{byte:02X}" for byte in key.encode())
    response = ofrep.http.post(f"{FLAGS}/{escaped}", json=body)
    check(response, schemas, f"{FLAGS}/{{key}}")
    if response.is_success:
        assert response.json()["key"] == key
