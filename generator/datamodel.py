"""What datamodel-code-generator writes: the types of plain dicts, and the oracle of the tests."""

import warnings
from typing import Any

import yaml
from datamodel_code_generator import generate
from datamodel_code_generator.enums import DataModelType, InputFileType, StrictTypes
from datamodel_code_generator.format import Formatter, PythonVersion
from datamodel_code_generator.parser import LiteralType

from .api import Api
from .contract import Contract, Json, is_choice_of_fields
from .docstrings import docstring, wrapped

PROSE = {"description", "example", "deprecated"}
NO_TYPE = {"example", "minLength", "maxLength", "pattern", "minItems", "maxItems"}
"""The keys of a schema that a TypedDict cannot express."""


def typed_dicts(contract: Contract, api: Api) -> str:
    """TypedDicts of the request models and the request bodies, with the field names of the API."""
    schemas = contract.spec["components"]["schemas"]
    names = [*api.requests, *contract.request_bodies()]

    def inlined(node: Json) -> Json:
        """A type with its maps and lists in place; a reader need not look up their names."""
        if isinstance(node, list):
            return [inlined(part) for part in node]
        if not isinstance(node, dict):
            return node
        name = str(node.get("$ref", "")).rpartition("/")[2]
        if name in names:
            return {**node, "$ref": f"{node['$ref']}Dict"}
        if name and name != "JsonValue":
            siblings = {key: value for key, value in node.items() if key != "$ref"}
            return inlined({**contract.resolve(node), **siblings})
        kept = {key: inlined(value) for key, value in node.items() if key not in NO_TYPE}
        if isinstance(kept.get("description"), str):
            kept["description"] = "\n".join(wrapped(kept["description"], indent=4))
        return kept

    return _written(
        contract,
        {
            **{f"{name}Dict": inlined(schemas[name]) for name in names},
            "JsonValue": schemas["JsonValue"],
        },
        output_model_type=DataModelType.TypingTypedDict,
        use_closed_typed_dict=False,  # mypy does not know closed TypedDicts
        use_generic_container_types=True,
        use_schema_description=True,
        use_field_description=True,
        use_single_line_docstring=True,
        type_overrides={"JsonValue": "statsig_api_client._runtime.JsonValue"},
        custom_file_header=docstring(
            "Request models and request bodies as plain dicts, with the field names of the API.", 0
        ),
    )


def oracle(contract: Contract) -> str:
    """Pydantic models of the whole contract: a second opinion for the property tests."""

    def bare(node: Json) -> Json:
        if isinstance(node, list):
            return [bare(part) for part in node]
        if not isinstance(node, dict):
            return node
        return {k: bare(v) for k, v in node.items() if k == "properties" or k not in PROSE}

    return _written(
        contract,
        bare(contract.spec["components"]["schemas"]),
        output_model_type=DataModelType.PydanticV2BaseModel,
        use_annotated=True,
        field_constraints=True,
        strict_nullable=True,
        strict_types=[StrictTypes.str, StrictTypes.float, StrictTypes.int, StrictTypes.bool],
        custom_file_header=docstring(
            "The contract in pydantic models, which the tests compare the generated ones with.", 0
        ),
    )


def _written(contract: Contract, schemas: Json, **options: Any) -> str:
    spec = {
        "openapi": contract.spec["openapi"],
        "info": {"title": contract.name, "version": "1"},
        "paths": {},
        "components": {"schemas": {name: _typed(schema) for name, schema in schemas.items()}},
    }
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        code = generate(
            yaml.safe_dump(spec, sort_keys=False, width=10**6),
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


def _typed(schema: Json) -> Json:
    """A schema without choices of fields, for each of which the generator would make a class."""
    return {
        key: value
        for key, value in schema.items()
        if not (key in ("anyOf", "oneOf") and is_choice_of_fields(value))
    }
