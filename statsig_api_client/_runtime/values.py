"""Base classes of gates and configs: truthiness, and typed access to parameters."""

from collections.abc import Mapping, Sequence
from typing import overload

from .._logging import debug_logger
from .model import Model
from .parsers import JsonObject, JsonValue, json_type


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
    def get(self, name: str, default: bool) -> bool: ...  # noqa: FBT001
    @overload
    def get(self, name: str, default: int) -> int: ...
    @overload
    def get(self, name: str, default: float) -> float: ...
    @overload
    def get(self, name: str, default: str) -> str: ...
    @overload
    def get(self, name: str, default: Sequence[JsonValue]) -> Sequence[JsonValue]: ...
    @overload
    def get(self, name: str, default: Mapping[str, JsonValue]) -> Mapping[str, JsonValue]: ...
    def get(self, name: str, default: JsonValue = None) -> JsonValue:
        """Return a parameter, or the default if it is missing or has another type.

        The result has the type of `default`. An integer is accepted for a float, but a boolean is
        not accepted for a number. A value of another type is logged at debug level and replaced by
        the default, so that an edit in the console cannot break its readers. Without a default,
        any value is returned.

        Args:
            name: The name of the parameter.
            default: The value to return instead, which also determines the expected type.
        """
        if name not in self.value:
            return default
        value = self.value[name]
        if default is None or _fits(value, default):
            return value
        logger = debug_logger()
        if logger is not None:
            logger.debug(
                "%r: parameter %r is of type %s, not %s as its default; the default is used",
                self.name,
                name,
                json_type(value),
                json_type(default),
            )
        return default


def _fits(value: JsonValue, default: JsonValue) -> bool:
    kind = json_type(value)
    wanted = json_type(default)
    return kind == wanted or (kind == "integer" and wanted == "number")
