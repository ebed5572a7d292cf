"""Base classes of exposures, gates and configs."""

from collections.abc import Mapping, Sequence
from typing import Any, Final, TypeVar, overload

from .._logging import debug_logger
from .model import Model
from .parsers import JsonInput, JsonObject, JsonValue, json_type

T = TypeVar("T", bool, int, float, str)


class Exposure(Model):
    """An exposure of a user to a group of an experiment or to a feature gate."""

    __slots__ = ()


class GateValue(Model):
    """A gate that is truthy if and only if it passes."""

    __slots__ = ()

    value: bool

    def __bool__(self) -> bool:
        return self.value


class ParameterValues(Model):
    """Typed access to the parameters of a dynamic config, experiment or layer."""

    __slots__ = ()

    name: str
    value: JsonObject

    @overload
    def get(self, name: str, default: None = None) -> JsonValue: ...
    @overload
    def get(self, name: str, *, type: type[T]) -> T | None: ...
    @overload
    def get(self, name: str, *, type: type[list[Any]]) -> list[JsonValue] | None: ...
    @overload
    def get(self, name: str, *, type: type[dict[str, Any]]) -> dict[str, JsonValue] | None: ...
    @overload
    def get(self, name: str, default: bool) -> bool: ...  # noqa: FBT001
    @overload
    def get(self, name: str, default: int) -> int: ...
    @overload
    def get(self, name: str, default: float) -> float: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: list[JsonValue]) -> list[JsonValue]: ...
    @overload
    def get(self, name: str, default: dict[str, JsonValue]) -> dict[str, JsonValue]: ...
    @overload
    def get(self, name: str, default: Sequence[JsonInput]) -> Sequence[JsonInput]: ...
    @overload
    def get(self, name: str, default: Mapping[str, JsonInput]) -> Mapping[str, JsonInput]: ...
    def get(
        self,
        name: str,
        default: JsonInput = None,
        *,
        type: type[object] | None = None,  # noqa: A002  (as in werkzeug)
    ) -> JsonInput:
        """Return a parameter, or the default if it is missing or has another type.

        The result has the type of `default`. With `type` it has that type, or is None. Integers are
        accepted as floats; booleans are not accepted as numbers. A value of another type is logged
        at debug level and replaced by the default, so that an edit in the console cannot break the
        program. Without a default and a type, any value is returned.

        Args:
            name: The name of the parameter.
            default: The default, which also determines the expected type.
            type: The expected type, with None as the default: `bool`, `int`, `float`, `str`, `list`
                or `dict`.

        Raises:
            TypeError: `type` is another type, or is combined with a default.
        """
        wanted = _wanted(default, type)
        if name not in self.value:
            return default
        value = self.value[name]
        kind = json_type(value)
        if wanted is None or kind == wanted or (kind == "integer" and wanted == "number"):
            return value
        logger = debug_logger()
        if logger is not None:
            logger.debug(
                "%r: parameter %r is of type %s, not %s as %s; the default is used",
                self.name,
                name,
                kind,
                wanted,
                "required" if default is None else "its default",
            )
        return default


_JSON_TYPES: Final[Mapping[type[object], str]] = {
    bool: "boolean",
    int: "integer",
    float: "number",
    str: "string",
    list: "array",
    dict: "object",
}
"""The JSON Schema names of the types that a caller can expect."""


def _wanted(default: JsonInput, type_: object) -> str | None:
    """Return the JSON type that the caller expects, or None for any."""
    if type_ is None:
        return None if default is None else json_type(default)
    if default is not None:
        raise TypeError("type: expected no default together with a type; remove one of them")
    if not isinstance(type_, type) or type_ not in _JSON_TYPES:
        names = "bool, int, float, str, list or dict"
        raise TypeError(f"type: expected {names}, got {type_!r}")
    return _JSON_TYPES[type_]
