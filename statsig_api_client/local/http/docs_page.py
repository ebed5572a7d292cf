"""An OpenAPI document as one page for people: no scripts, nothing from elsewhere."""

import json
from collections.abc import Iterator
from html import escape

from ..._runtime.parsers import JsonObject, JsonValue
from ..config_specs.formats import as_list, as_object
from .query import resolved

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem }
h2 { border-bottom: 1px solid #8884; margin-top: 3rem }
h3 code { font-size: 1.1em } pre { background: #8881; padding: .75rem; overflow-x: auto }
table { border-collapse: collapse } td { padding: .15rem 1rem .15rem 0; vertical-align: top }
:root { color-scheme: light dark }
"""


def docs_page(document: JsonObject) -> str:
    """Write the page: every call with its parameters, what it takes and gives, and a `curl` line.

    Args:
        document: The OpenAPI document. Its calls have examples.
    """
    info = as_object(document["info"], "info")
    server = as_object(as_list(document["servers"], "servers")[0], "servers")
    title = escape(str(info["title"]))
    return "".join(
        (
            f"<!doctype html><html lang=en><meta charset=utf-8><title>{title}</title>",
            f"<style>{_STYLE}</style><h1>{title}</h1>{_text(info['description'])}",
            '<p>The same for programs: <a href="openapi.json">openapi.json</a>.</p>',
            *_sections(document, str(server["url"])),
            "<h2>What is sent and answered</h2>",
            *_schemas(as_object(as_object(document["components"], "")["schemas"], "schemas")),
        )
    )


def _sections(document: JsonObject, url: str) -> Iterator[str]:
    for item in as_list(document["tags"], "tags"):
        tag = as_object(item, "tags")
        yield f"<h2>{escape(str(tag['name']))}</h2>{_text(tag['description'])}"
        for path, methods in as_object(document["paths"], "paths").items():
            for method, value in as_object(methods, path).items():
                operation = as_object(value, path)
                if tag["name"] in as_list(operation["tags"], path):
                    yield from _operation(document, url, method.upper(), path, operation)


def _operation(
    document: JsonObject, url: str, method: str, path: str, operation: JsonObject
) -> Iterator[str]:
    yield f"<h3><code>{method} /local{escape(path)}</code></h3>{_text(operation['summary'])}"
    yield _text(operation.get("description", ""))
    rows = [resolved(item, document) for item in as_list(operation.get("parameters", []), path)]
    yield _table((f"<code>?{row['name']}</code>", _text(row["description"])) for row in rows)
    command = f"curl {url}{path}" if method == "GET" else f"curl -X {method} {url}{path}"
    if "requestBody" in operation:
        content = _json_content(as_object(operation["requestBody"], path))
        body = json.dumps(content["example"])
        command += f" \\\n  -H 'Content-Type: application/json' \\\n  -d '{body}'"
    yield f"<pre>{escape(command)}</pre>"
    for status, item in as_object(operation["responses"], path).items():
        response = resolved(item, document)
        yield f"<p><code>{status}</code> {escape(str(response['description']))}</p>"
        if "content" in response and status == "200":
            example = json.dumps(_json_content(response)["example"], indent=2)
            yield f"<pre>{escape(example)}</pre>"


def _schemas(schemas: JsonObject) -> Iterator[str]:
    for name, item in schemas.items():
        schema = as_object(item, name)
        yield f"<h3 id={name}>{name}</h3>{_text(schema.get('description', ''))}"
        if "properties" not in schema:
            yield f"<p>{_type(schema)}</p>"
            continue
        required = as_list(schema.get("required", []), name)
        yield _table(
            (
                f"<code>{field}</code>{'' if field in required else ' (optional)'}",
                f"{_type(as_object(value, field))} {_inline(as_object(value, field))}",
            )
            for field, value in as_object(schema["properties"], name).items()
        )


def _type(schema: JsonObject) -> str:
    if "$ref" in schema:
        name = str(schema["$ref"]).rpartition("/")[2]
        return f"<a href=#{name}>{name}</a>"
    if "items" in schema:
        return f"list of {_type(as_object(schema['items'], 'items'))}"
    if "enum" in schema:
        return " or ".join(
            f"<code>{escape(str(word))}</code>" for word in as_list(schema["enum"], "")
        )
    kinds = schema.get("type", "")
    words = [str(kind) for kind in kinds] if isinstance(kinds, list) else [str(kinds)]
    return escape(" or ".join(words))


def _inline(schema: JsonObject) -> str:
    return escape(str(schema.get("description", "")))


def _table(rows: Iterator[tuple[str, str]]) -> str:
    cells = "".join(f"<tr><td>{left}</td><td>{right}</td></tr>" for left, right in rows)
    return f"<table>{cells}</table>" if cells else ""


def _text(text: JsonValue) -> str:
    paragraphs = str(text).strip().split("\n\n") if text else []
    return "".join(f"<p>{escape(paragraph)}</p>" for paragraph in paragraphs)


def _json_content(value: JsonObject) -> JsonObject:
    content = as_object(value["content"], "content")
    return as_object(content["application/json"], "application/json")
