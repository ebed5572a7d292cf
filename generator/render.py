"""Rendering of the generated modules from the templates."""

import re
from pathlib import Path

import jinja2

from .api import Api, Field
from .docstrings import docstring, method_docstring, summary
from .types import snake_case

TEMPLATES = Path(__file__).with_name("templates")
PAGES = {
    "__init__.py": "__init__.py.jinja",
    "models.py": "models.py.jinja",
    "calls.py": "calls.py.jinja",
    "client.py": "client.py.jinja",
    "async_client.py": "client.py.jinja",
}
CLIENTS = ("Operations", "RawOperations", "AsyncOperations", "AsyncRawOperations")


def render(api: Api) -> dict[str, str]:
    """Return the text of each generated module, before formatting."""
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (the output is Python, not HTML)
    )
    environment.filters |= {
        "check_condition": _check_condition,
        "default": _default,
        "docstring": docstring,
        "invocation": lambda method: (
            f"{method.name}({', '.join(a.name for a in method.arguments)})"
        ),
        "method_docstring": method_docstring,
        "parameter": lambda argument: f"{argument.name}: {argument.annotation}",
        "parse": _parse,
        "parser_name": _parser_name,
        "quote": repr,  # which escapes unprintable characters
        "serialize": _serialize,
        "snake_case": snake_case,
        "summary": summary,
    }
    models = [model.name for model in api.models]
    typed_dicts = [f"{name}Dict" for name in api.requests]
    enums = [enum.name for model in api.models for enum in model.enums]
    variables = {
        "api": api,
        "compound_parsers": _compound_parsers(api),
        "lazy_names": {
            ".async_client": ["AsyncOperations", "AsyncRawOperations"],
            ".calls": list(api.servers),
            ".client": ["Operations", "RawOperations"],
            ".models": [*models, *enums],
            ".typed_dicts": typed_dicts,
        },
        "model_names": ", ".join([*models, *enums]),
        "public_names": sorted([*models, *typed_dicts, *enums, *CLIENTS, *api.servers, "calls"]),
        "typed_dict_names": ", ".join(typed_dicts),
    }
    return {
        page: environment.get_template(template).render(
            variables, asynchronous=page.startswith("async")
        )
        for page, template in PAGES.items()
    }


def _default(field: Field) -> str:
    """Return the default of a constructor argument, as ` = VALUE`."""
    return "" if field.default is None else f" = {field.default}"


def _check_condition(field: Field) -> str:
    """Return the condition for checking an argument; most have the expected type."""
    value = f"self.{field.name}"
    absent = [field.default] if field.default in ("None", "UNSET") else []
    if field.type.nullable and "None" not in absent:
        absent.append("None")
    return " and ".join(
        [f"{value} is not {sentinel}" for sentinel in absent]
        + [f"type({value}) is not {name}" for name in field.type.exact]
    )


def _compound_parsers(api: Api) -> list[str]:
    """Return the distinct parsers that combine other parsers."""
    parsers = [
        parser
        for model in api.models
        for field in model.fields
        for parser in (field.type.parse, field.type.check)[: 1 + model.request]
    ]
    return [parser for parser in dict.fromkeys(parsers) if "(" in parser]


def _parser_name(parser: str) -> str:
    """Return the name of a parser, or of the constant that holds it."""
    if "(" not in parser:
        return parser
    return f"_{'_'.join(snake_case(word) for word in re.findall('[A-Za-z_]+', parser))}"


def _parse(field: Field) -> str:
    parser = _parser_name(field.type.parse)
    if field.default is None:
        return f"required({field.wire!r}, {parser})"
    return f"optional({field.wire!r}, {parser}, absent={field.default})"


def _serialize(field: Field) -> str:
    # A field whose default is None is omitted if it is None.
    expression = field.type.serialize(f"self.{field.name}", may_be_none=field.default != "None")
    return expression.replace("ARGUMENT", repr(field.name))
