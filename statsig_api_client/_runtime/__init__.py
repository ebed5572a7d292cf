"""The hand-written code that generated code imports."""

from typing import TYPE_CHECKING

from .._errors import StatsigError
from .._lazy import lazy_names
from .._response import APIResponse
from .arguments import (
    check_argument,
    check_field,
    check_strings,
    model_json,
    model_or_object,
    models_json,
    nested_json,
)
from .call import AsyncCaller, AsyncRawCaller, Call, Caller, RawCaller
from .model import NO_PROPERTIES, Model, field_setter
from .parsers import (
    UNSET,
    JsonInput,
    JsonInputObject,
    JsonObject,
    JsonValue,
    ObjectReader,
    Parser,
    SchemaError,
    Unset,
    array_of,
    boolean,
    either,
    integer,
    json_object,
    json_value,
    keyed_by_name,
    map_of,
    nullable,
    number,
    one_of,
    string,
)
from .values import Exposure, GateValue, ParameterValues

if TYPE_CHECKING:
    from typing import TypedDict

    # Every type checker includes typing_extensions, which need not be installed.
    from typing_extensions import deprecated
else:
    from .call import mark_deprecated as deprecated
    from .typing_support import TypedDict

__all__ = [
    "APIResponse",
    "AsyncCaller",
    "AsyncRawCaller",
    "Call",
    "Caller",
    "Exposure",
    "GateValue",
    "JsonInput",
    "JsonInputObject",
    "JsonObject",
    "JsonValue",
    "Model",
    "NO_PROPERTIES",
    "ObjectReader",
    "ParameterValues",
    "Parser",
    "RawCaller",
    "SchemaError",
    "StatsigError",
    "TypedDict",
    "UNSET",
    "Unset",
    "array_of",
    "boolean",
    "check_argument",
    "check_field",
    "check_strings",
    "deprecated",
    "either",
    "field_setter",
    "integer",
    "json_object",
    "json_value",
    "keyed_by_name",
    "lazy_names",
    "map_of",
    "model_json",
    "model_or_object",
    "models_json",
    "nested_json",
    "nullable",
    "number",
    "one_of",
    "string",
]
