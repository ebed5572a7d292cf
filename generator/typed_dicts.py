"""TypedDicts, and the oracle of the tests, from datamodel-code-generator."""

import re
import warnings
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from typing import Any

import yaml
from datamodel_code_generator import generate
from datamodel_code_generator.enums import (
    DataModelType,
    InputFileType,
    StrictTypes,
    TargetPydanticVersion,
)
from datamodel_code_generator.format import Formatter, PythonVersion
from datamodel_code_generator.parser import LiteralType

from .api import Api
from .docstrings import description, docstring, wrap
from .spec import Json, Spec, is_choice_of_fields, target_name

NOT_IN_ORACLE = {"deprecated", "description", "example", "format"}
NOT_IN_TYPED_DICTS = {
    "deprecated", "example", "format", "maxItems", "maxLength", "minItems", "minLength", "pattern",
}  # fmt: skip


def typed_dicts(spec: Spec, api: Api) -> str:
    """Return TypedDicts of the request models and the request bodies."""
    schemas = spec.document["components"]["schemas"]
    names = [*api.requests, *api.request_bodies]

    def inline(node: Json) -> Json:
        """Inline references to maps and arrays, so that readers need not look them up."""
        name = target_name(node) if isinstance(node, dict) else None
        if name and name != "JsonValue" and name not in names:
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return inline({**spec.resolve(node), **siblings})
        kept = _transform(node, inline, NOT_IN_TYPED_DICTS)
        if name in names:
            kept["$ref"] += "Dict"
        if isinstance(node, dict) and "description" in node:
            kept["description"] = "\n".join(wrap(description(node), indent=4))
        return kept

    code = _generate(
        spec,
        {
            **{f"{name}Dict": inline(schemas[name]) for name in names},
            "JsonValue": schemas["JsonValue"],
        },
        output_model_type=DataModelType.TypingTypedDict,
        use_closed_typed_dict=False,  # mypy does not support closed TypedDicts
        use_generic_container_types=True,
        use_schema_description=True,
        use_field_description=True,
        use_single_line_docstring=True,
        type_overrides={"JsonValue": "statsig_api_client._runtime.JsonInput"},
        custom_file_header=docstring(
            "Request models and request bodies as plain dicts, with the field names of the API.", 0
        ),
    )
    return re.sub("^from typing import (.+)$", _import_typed_dict, code, flags=re.MULTILINE)


def oracle(spec: Spec) -> str:
    """Return pydantic models of all schemas, an independent parser for the property tests."""

    def validated(node: Json) -> Json:
        return _transform(node, validated, NOT_IN_ORACLE)

    return _generate(
        spec,
        {
            name: validated(schema)
            for name, schema in spec.document["components"]["schemas"].items()
        },
        output_model_type=DataModelType.PydanticV2BaseModel,
        use_annotated=True,
        field_constraints=True,
        strict_nullable=True,
        use_missing_sentinel=True,
        target_pydantic_version=TargetPydanticVersion.V2_14,
        strict_types=[StrictTypes.str, StrictTypes.float, StrictTypes.int, StrictTypes.bool],
        custom_file_header=docstring("Pydantic models of the spec, an oracle for the tests.", 0),
    )


def _generate(spec: Spec, schemas: Json, **options: Any) -> str:
    document = {
        "openapi": spec.document["openapi"],
        "info": {"title": spec.name, "version": "1"},
        "paths": {},
        "components": {
            "schemas": {name: _without_choices(schema) for name, schema in schemas.items()}
        },
    }
    with warnings.catch_warnings(), _reported(spec):
        warnings.simplefilter("error")
        code = generate(
            yaml.safe_dump(document, sort_keys=False, width=10**6),
            input_file_type=InputFileType.OpenAPI,
            target_python_version=PythonVersion.PY_311,
            enum_field_as_literal=LiteralType.All,
            use_standard_collections=True,
            use_union_operator=True,
            disable_timestamp=True,
            disable_future_imports=True,
            formatters=[Formatter.BUILTIN],
            **options,
        )
    return str(code)


@contextmanager
def _reported(spec: Spec) -> Iterator[None]:
    """Report a warning of the library as a problem of the spec."""
    try:
        yield
    except Warning as warning:
        raise spec.error((), f"datamodel-code-generator: {warning}") from warning


def _import_typed_dict(found: re.Match[str]) -> str:
    """Import TypedDict from the runtime: pydantic rejects that of Python 3.11."""
    names = [name for name in found[1].split(", ") if name != "TypedDict"]
    own = "from statsig_api_client._runtime import TypedDict"
    return f"from typing import {', '.join(names)}\n{own}" if names else own


def _transform(node: Json, transform: Callable[[Json], Json], dropped: Collection[str]) -> Json:
    """Apply a function to the parts of a schema, except to dropped keywords."""
    if isinstance(node, list):
        return [transform(part) for part in node]
    if not isinstance(node, dict):
        return node
    return {
        # A field can have the name of a keyword.
        key: {name: transform(field) for name, field in value.items()}
        if key == "properties"
        else transform(value)
        for key, value in node.items()
        if key not in dropped
    }


def _without_choices(schema: Json) -> Json:
    """Remove choices of required fields, each of which would become a class."""
    return {
        key: value
        for key, value in schema.items()
        if not (key in ("anyOf", "oneOf") and is_choice_of_fields(value))
    }
