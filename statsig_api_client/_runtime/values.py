"""What evaluated gates and configs can do beyond holding their fields."""

import logging
from collections.abc import Mapping, Sequence
from typing import overload

from .parsers import JsonObject, JsonValue, json_type

logger = logging.getLogger("statsig_api_client")


class GateValue:
    """Makes a gate truthy exactly when it passes, so that `if gate:` means what it says."""

    __slots__ = ()

    value: bool

    def __bool__(self) -> bool:
        return self.value


class ParameterValues:
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
        """The parameter `name`, or `default` when it is missing or of another type.

        The result has the type of `default`: an integer is accepted for a `float`, a boolean
        never for a number. A value of another type gives `default` and one debug line in the log,
        since a config edited in the console must not break its readers. Without a default, the
        value as it is, or None.

        Args:
            name: The parameter's name.
            default: What to return instead; its type is the type asked for.
        """
        if name not in self.value:
            return default
        value = self.value[name]
        if default is None or _fits(value, default):
            return value
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
