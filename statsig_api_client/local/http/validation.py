"""Checking requests against the contract itself, an OpenAPI document."""

import json
from importlib.resources import files
from itertools import islice
from typing import Final, NotRequired, TypedDict, TypeVar, cast

from jsonschema_rs import Draft202012Validator, ValidationError, ValidationErrorKind

from ..._runtime.parsers import JsonObject, JsonValue
from ..recording import SecondaryExposure

T = TypeVar("T")

_PROBLEMS: Final = {
    "type": "expected {choices}, got {found}",
    "required": "expected {kind.property}, which is missing",
    "minLength": "expected at least {kind.limit} characters, got {size}",
    "maxLength": "expected at most {kind.limit} characters, got {size}",
    "minItems": "expected at least {kind.limit} items, got {size}",
    "maxItems": "expected at most {kind.limit} items, got {size}",
    "pattern": "expected text that matches {kind.pattern}",
    "enum": "expected {choices}",
    "const": "expected {kind.expected_value}",
    "minimum": "expected at least {kind.limit}",
    "maximum": "expected at most {kind.limit}",
    "not": "expected at most one of {choices}",
    "additionalProperties": "no such field: {choices}",
    "oneOf": "expected one of the alternatives that exclude each other, got several",
}
"""What is said of a request that does not meet a keyword of the contract."""


class CheckGateRequest(TypedDict):
    """What this server reads of a request for gates: `gateName`, or else `gateNames`."""

    gateName: NotRequired[str]
    gateNames: NotRequired[list[str]]
    user: NotRequired[JsonObject]
    statsigMetadata: NotRequired[JsonObject]


class GetConfigRequest(TypedDict):
    """What this server reads of a request for a config."""

    configName: str
    user: NotRequired[JsonObject]
    statsigMetadata: NotRequired[JsonObject]


class GetLayerRequest(TypedDict):
    """What this server reads of a request for a layer."""

    layerName: str
    user: NotRequired[JsonObject]
    statsigMetadata: NotRequired[JsonObject]


class GetRankedListRequest(TypedDict):
    """What this server reads of a request for a ranked list."""

    configName: str


class StatsigEvent(TypedDict):
    """What this server reads of an event."""

    eventName: str
    user: NotRequired[JsonObject]
    value: NotRequired[str | float | None]
    time: NotRequired[int | float | str]
    metadata: NotRequired[dict[str, str]]
    secondaryExposures: NotRequired[list[SecondaryExposure]]
    statsigMetadata: NotRequired[JsonObject]


class LogEventRequest(TypedDict):
    """What this server reads of a batch of events."""

    events: list[StatsigEvent]
    user: NotRequired[JsonObject]
    statsigMetadata: NotRequired[JsonObject]


class CustomExposure(TypedDict):
    """What this server reads of an exposure: of an experiment or config, or else of a gate."""

    experimentName: NotRequired[str]
    gateName: NotRequired[str]
    passes: NotRequired[bool]
    group: NotRequired[str]
    ruleID: NotRequired[str]
    user: NotRequired[JsonObject]
    time: NotRequired[int | float | str]
    secondaryExposures: NotRequired[list[SecondaryExposure]]


class LogCustomExposureRequest(TypedDict):
    """What this server reads of a batch of exposures."""

    exposures: list[CustomExposure]
    user: NotRequired[JsonObject]
    statsigMetadata: NotRequired[JsonObject]


class ContractError(ValueError):
    """A request that breaks the contract.

    Attributes:
        path: The JSON path of what is wrong, such as `$.user.userID`.
        problem: What was expected there.
    """

    def __init__(self, path: str, problem: str) -> None:
        super().__init__(path, problem)
        self.path = path
        self.problem = problem


class Contract:
    """The request schemas of an OpenAPI document, compiled.

    Args:
        document: The document.
        shapes: The types of requests, each with the name of the schema that describes it.
    """

    def __init__(self, document: JsonObject, *shapes: type) -> None:
        components = document["components"]
        self._validators = {
            shape.__name__: Draft202012Validator(
                {"$ref": f"#/components/schemas/{shape.__name__}", "components": components}
            )
            for shape in shapes
        }

    def check(self, shape: type[T], body: JsonValue) -> T:
        """Check a request body.

        Args:
            shape: The type of the request, which the schema of the same name describes.
            body: What was sent.

        Returns:
            The same body.

        Raises:
            ContractError: The body breaks the contract.
        """
        validator = self._validators[shape.__name__]
        # A wrong type first, because whatever else is wrong follows from it.
        errors = sorted(
            islice(validator.iter_errors(body), 100), key=lambda error: _keyword(error) != "type"
        )
        if errors:
            raise contract_error(errors[0])
        return cast("T", body)


def http_contract() -> Contract:
    """The contract of the HTTP API: the OpenAPI document of this package."""
    text = files("statsig_api_client").joinpath("generated/openapi.json").read_text("utf-8")
    return Contract(
        cast("JsonObject", json.loads(text)),
        CheckGateRequest,
        GetConfigRequest,
        GetLayerRequest,
        GetRankedListRequest,
        LogEventRequest,
        LogCustomExposureRequest,
    )


def _keyword(error: ValidationError) -> str:
    return str(error.schema_path[-1])


def contract_error(error: ValidationError) -> ContractError:
    """What a validator found, in words that say what was expected."""
    if isinstance(error.kind, ValidationErrorKind.AnyOf | ValidationErrorKind.OneOfNotValid):
        branches = error.kind.context
        wanted = dict.fromkeys(_missing(branch[0]) for branch in branches)
        if all(wanted):
            return ContractError(_json_path(error), f"expected {' or '.join(wanted)}")
        # The branch that was meant has the fewest faults, or else the deepest one.
        meant = min(branches, key=lambda branch: (len(branch), -len(branch[0].instance_path)))
        return contract_error(meant[0])
    return ContractError(_json_path(error), _problem(error))


def _missing(error: ValidationError) -> str:
    return error.kind.property if isinstance(error.kind, ValidationErrorKind.Required) else ""


def _json_path(error: ValidationError) -> str:
    path = "$"
    for step in error.instance_path:
        if isinstance(step, int):
            path += f"[{step}]"
        elif step.isidentifier():
            path += f".{step}"
        else:
            path += f"[{json.dumps(step)[:100]}]"
    return path


def _problem(error: ValidationError) -> str:
    # Not the library's own words: they repeat the whole value, which may have megabytes.
    keyword = _keyword(error)
    if isinstance(error.kind, ValidationErrorKind.FalseSchema):
        return "expected nothing"
    template = _PROBLEMS.get(keyword, f"does not meet {keyword} of the contract")
    return template.format(
        kind=error.kind,
        choices=_choices(error.kind),
        found=_found(error.instance),
        size=_size(error),
    )


def _choices(kind: ValidationErrorKind) -> str:
    if isinstance(kind, ValidationErrorKind.Type):
        return " or ".join(kind.types)
    if isinstance(kind, ValidationErrorKind.Enum):
        return " or ".join(str(option) for option in kind.options)
    if isinstance(kind, ValidationErrorKind.AdditionalProperties):
        return ", ".join(kind.unexpected)[:100]
    if isinstance(kind, ValidationErrorKind.Not):
        return " and ".join(cast("dict[str, list[str]]", kind.schema)["required"])
    return ""


def _size(error: ValidationError) -> int:
    return len(error.instance) if isinstance(error.instance, str | list) else 0


def _found(value: object) -> str:
    if value is None:
        return "null"
    names = {"bool": "boolean", "str": "string", "int": "integer", "float": "number"}
    return (names | {"list": "array", "dict": "object"})[type(value).__name__]
