"""Definitions come from a fake Console API, in the shapes of Statsig's OpenAPI document."""

import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from statsig_api_client.cli.main import main
from statsig_api_client.flags.generation.console import KEY_VARIABLE, URL_VARIABLE
from statsig_api_client.flags.generation.definitions import Project
from statsig_api_client.flags.generation.errors import FlagsError
from statsig_api_client.flags.generation.sources import read_source
from statsig_api_client.flags.generation.writer import Options, write_package
from tests.support.flag_packages import EXAMPLE, code_of, files_of
from tests.support.loopback import Connection, Loopback, respond, unused_port

KEY = "console-CanYouKeepIt42"
Json = dict[str, Any]

# Numbers, objects and unknown keywords, as the console infers them from JSON5.
SCHEMA = """{
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  type: 'object', // inferred
  properties: {
    size: { type: 'integer' },
    ratio: { type: 'number' },
    theme: { enum: ['dark', 'light'], },
  },
}"""


def gate(name: str, **more: object) -> Json:
    fields = {"id": name, "name": name.title(), "description": "", "isEnabled": True}
    return fields | {"status": "In Progress", "type": "PERMANENT", "typeReason": "NONE"} | more


def config(name: str, default: Json, *values: Json, **more: object) -> Json:
    rules = [{"name": "a rule", "returnValue": value} for value in values]
    fields = {"id": name, "description": "", "isEnabled": True, "status": "Enabled", "schema": None}
    return fields | {"defaultValue": default, "rules": rules} | more


def experiment(name: str, layer: str, groups: Mapping[str, Json], **more: object) -> Json:
    shown = [
        {"name": group, "id": group, "size": 50, "disabled": False, "parameterValues": values}
        for group, values in groups.items()
    ]
    fields = {"id": name, "description": "", "hypothesis": "", "status": "active"}
    return fields | {"layerID": layer, "groups": shown} | more


def layer(name: str, parameters: Mapping[str, tuple[str, object]], **more: object) -> Json:
    shown = [
        {"name": parameter, "type": type_, "defaultValue": default}
        for parameter, (type_, default) in parameters.items()
    ]
    fields = {"id": name, "description": "", "isImplicitLayer": False}
    return fields | {"parameters": shown} | more


def serve(server: Loopback, lists: Mapping[str, list[Json]], page_size: int = 1) -> None:
    """Serve the lists of the Console API with a given page size."""

    def script(connection: Connection) -> None:
        request = server.requests[-1]
        if request.headers["statsig-api-key"] != KEY:
            respond(401, {"status": 401, "message": f"Invalid key {KEY}"})(connection)
            return
        url = urlsplit(request.path)
        items = lists.get(url.path.rpartition("/")[2], [])
        page = int(parse_qs(url.query)["page"][0])
        shown = items[(page - 1) * page_size : page * page_size]
        following = f"{url.path}?page={page + 1}" if len(items) > page * page_size else None
        pagination = {"itemsPerPage": page_size, "pageNumber": page, "nextPage": following}
        body = {"message": "Listed successfully.", "data": shown, "pagination": pagination}
        respond(200, body)(connection)

    server.script(script)


@pytest.fixture(autouse=True)
def _console(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, KEY)
    monkeypatch.setenv(URL_VARIABLE, server.url.removesuffix("/v1"))


def read() -> Project:
    return read_source("console")


def test_console_equals_project_file(server: Loopback) -> None:
    shop = read_source(str(EXAMPLE))
    texts = {flag.name: flag.description for flags in shop.by_kind.values() for flag in flags}
    home = {"headline": "Welcome!", "button_color": "blue", "products_shown": 12}
    product_page = {
        "add_to_cart_color": ("string", "blue"),
        "price_format": ("string", "compact"),
        "show_reviews": ("boolean", True),
    }
    add_to_cart = {
        "Control": {"add_to_cart_color": "blue"},
        "Green": {"add_to_cart_color": "green"},
    }
    logo = {"Control": {"shape": "circle"}, "Square": {"shape": "square"}}
    lists = {
        "gates": [gate("staff_tools"), gate("new_checkout")],
        "dynamic_configs": [config("homepage", home, {**home, "products_shown": 24})],
        "experiments": [
            experiment("logo_test", "logo_test_layer", logo),
            experiment("add_to_cart_test", "product_page", add_to_cart),
        ],
        "layers": [
            layer("logo_test_layer", {"shape": ("string", "circle")}, isImplicitLayer=True),
            layer("product_page", product_page),
        ],
    }
    for items in lists.values():
        for item in items:
            item["description"] = texts.get(item["id"], "")
    serve(server, lists)
    expected = files_of(shop)
    for name, text in files_of(read()).items():
        assert code_of(text) == code_of(expected[name])


def test_console_reads_every_page(server: Loopback) -> None:
    serve(server, {"gates": [gate(f"gate_{number}") for number in range(5)]}, page_size=2)
    assert [g.name for g in read().gates] == [f"gate_{number}" for number in range(5)]
    pages = [request for request in server.requests if "/gates?" in request.path]
    assert [request.path for request in pages] == [
        f"/console/v1/gates?limit=100&page={page}" for page in (1, 2, 3)
    ]
    assert pages[0].headers["statsig-api-version"] == "20240601"


def test_console_excludes_archived_and_templates(server: Loopback) -> None:
    serve(
        server,
        {
            "gates": [
                gate("archived", status="Archived"),
                gate("template", type="TEMPLATE"),
                gate("also_template", isTemplate=True),
                gate("disabled", status="Disabled", isEnabled=False),
                gate("old", type="STALE", typeReason="STALE_ALL_TRUE"),
            ],
            "dynamic_configs": [config("archived", {}, status="Archived")],
            "experiments": [
                experiment("archived", "", {}, status="archived"),
                experiment("setup", "", {}, status="setup"),
            ],
        },
    )
    project = read()
    assert [(g.name, g.stale) for g in project.gates] == [
        ("disabled", None),
        ("old", "STALE_ALL_TRUE"),
    ]
    assert project.configs == ()
    assert [e.name for e in project.experiments] == ["setup"]
    assert "# Stale: STALE_ALL_TRUE\nold: Gate" in files_of(project)["gates.py"]


def test_unused_command_lists_stale_gates(
    server: Loopback, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    serve(server, {"gates": [gate("old", type="STALE", typeReason="STALE_ALL_TRUE")]})
    file = tmp_path / "code.py"
    file.write_text("s.check_gate(u, 'old')\n")
    assert main(["flags", "unused", str(file), "--source", "console"]) == 1
    assert capsys.readouterr().out == f"{file}:1: stale gate 'old': STALE_ALL_TRUE\n"


def test_console_schema_determines_types(server: Loopback) -> None:
    default = {"size": 1, "ratio": 1, "theme": "dark", "other": "x"}
    serve(server, {"dynamic_configs": [config("a", default, schema=SCHEMA)]})
    text = files_of(read())["configs.py"]
    assert 'other: str = "x"' in text
    assert "ratio: float = 1.0" in text
    assert "size: int = 1" in text
    assert 'theme: Literal["dark", "light"] = "dark"' in text


@pytest.mark.parametrize(
    ("schema", "warning"),
    [
        pytest.param("{ type:", "config.a: schema: ", id="broken"),
        pytest.param('{"properties": {"size": {"type": "date"}}}', "a JSON type", id="unknown"),
        pytest.param('{"properties": {"size": {"type": "string"}}}', "not valid", id="unfit"),
        pytest.param("[]", None, id="other JSON"),
        pytest.param('{"properties": {}}', None, id="empty"),
    ],
)
def test_unusable_schema_uses_types_of_values(
    server: Loopback, schema: str, warning: str | None
) -> None:
    serve(server, {"dynamic_configs": [config("a", {"size": 1}, schema=schema)]})
    package = write_package(read(), Options())
    assert "size: int = 1" in package.files["configs.py"]
    assert len(package.warnings) == (warning is not None)
    assert (warning or "") in "".join(package.warnings)


def test_missing_json5_is_warning(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "json5", None)
    serve(server, {"dynamic_configs": [config("a", {"size": 1}, schema=SCHEMA)]})
    (warning,) = read().warnings
    assert "json5" in warning


def test_layer_parameters_include_experiments(server: Loopback) -> None:
    groups = {"Control": {"size": 1}, "Test": {"size": 2.5, "extra": "x"}}
    serve(
        server,
        {
            "layers": [layer("page", {"size": ("number", 1), "": ("string", "")})],
            "experiments": [experiment("test", "page", groups)],
        },
    )
    (page,) = read().layers
    assert [(p.name, p.values) for p in page.parameters] == [
        ("extra", ("x",)),
        ("size", (1, 1, 2.5)),
    ]


def test_experiment_before_start_has_declared_parameters(server: Loopback) -> None:
    parameters = {"count": ("number", 3), "label": ("string", "a"), "items": ("array", [])}
    serve(
        server,
        {
            "experiments": [experiment("test", "implicit", {}, hypothesis="Fewer is better.")],
            "layers": [layer("implicit", parameters, isImplicitLayer=True)],
        },
    )
    project = read()
    assert project.layers == ()
    text = files_of(project)["experiments.py"]
    assert '"""Fewer is better."""' in text
    assert "count: int = 3" in text
    assert "items: Sequence[object] = []" in text


def test_rule_variants_contribute_values(server: Loopback) -> None:
    rule = {"returnValue": {"a": 1}, "variants": [{"returnValue": {"a": 2.5}}, {"name": "b"}, 1]}
    serve(server, {"dynamic_configs": [config("a", {"a": 0}, rules=[rule])]})
    assert read().configs[0].parameters[0].values == (0, 1, 2.5)


@pytest.mark.parametrize("key", ["", "secret-not-a-console-key"])
def test_other_key_is_error(key: str, monkeypatch: pytest.MonkeyPatch, server: Loopback) -> None:
    monkeypatch.setenv(KEY_VARIABLE, key)
    with pytest.raises(FlagsError, match="STATSIG_CONSOLE_KEY: expected a console key"):
        read()
    assert not server.requests


def test_rejected_key_is_error(server: Loopback, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(KEY_VARIABLE, "console-other")
    serve(server, {})
    with pytest.raises(FlagsError) as caught:
        read()
    assert str(caught.value) == (
        "console: GET /console/v1/layers: the key in STATSIG_CONSOLE_KEY is rejected"
    )


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (500, {}, "expected HTTP 200, got 500"),
        (200, b"<html>", "expected JSON"),
        (200, [], "expected a JSON object"),
        (200, {"data": 1}, "expected a page of items"),
        (200, {"data": [], "pagination": 1}, "expected a page of items"),
        (200, {"data": [{"name": "a"}]}, "expected an `id` in every item"),
    ],
)
def test_unexpected_response_is_error(
    server: Loopback, status: int, body: object, message: str
) -> None:
    server.script(respond(status, body))
    with pytest.raises(FlagsError, match=message):
        read()


def test_list_without_pagination_is_one_page(server: Loopback) -> None:
    server.script(respond(200, {"data": []}))
    assert read().gates == ()


def test_unreachable_console_is_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(URL_VARIABLE, f"http://127.0.0.1:{unused_port()}")
    with pytest.raises(FlagsError, match="layers: no response: ConnectError"):
        read()


def test_key_is_never_printed(
    server: Loopback,
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    serve(server, {"gates": [gate("a_gate")]})
    assert main(["flags", "generate", "console", "-o", "flags"]) == 0
    serve(server, {"gates": [gate("b_gate")]})
    assert main(["flags", "generate", "console", "-o", "flags", "--check"]) == 1
    monkeypatch.setenv(KEY_VARIABLE, f"{KEY}-wrong")
    assert main(["flags", "generate", "console", "-o", "flags"]) == 2
    written = "".join(path.read_text() for path in (tmp_path / "flags").iterdir())
    output = capsys.readouterr()
    assert "b_gate" in output.out
    assert "is rejected" in output.err
    assert KEY not in written + output.out + output.err
