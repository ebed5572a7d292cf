"""Typed parameters of a config, experiment or layer."""

import copy
import logging
from collections.abc import Mapping
from typing import ClassVar, cast

from attrs import frozen

from .._errors import StatsigError
from .._runtime.parsers import JsonObject, json_type
from .checks import Check, checks_of

logger: logging.Logger = logging.getLogger("statsig_api_client")


@frozen(kw_only=True)
class Details:
    """Details of an evaluation: the deciding rule and group."""

    name: str
    """Name of the config, experiment or layer."""
    rule_id: str | None
    """Rule that decided."""
    group_name: str | None
    """Group of the experiment that decided, if one did."""
    error: StatsigError | None
    """Error for which the defaults are returned, with `on_error="fallback"`."""


class Parameters:
    """Base of the generated parameter classes.

    Class attributes are the defaults. An instance has the values of one user. Like in
    `DynamicConfig.get`, a value that does not match the annotation is logged at debug level and
    replaced by the default.
    """

    __wire_names__: ClassVar[Mapping[str, str]] = {}
    """Parameter names that differ from their attributes, by attribute."""
    __checks__: ClassVar[Mapping[str, Check] | None] = None
    """Checks by attribute, built when the class is first used."""
    __details__: Details

    def __init__(self, values: JsonObject, details: Details) -> None:
        cls = type(self)
        # Not inherited: each generated class has its own parameters.
        checks = vars(cls).get("__checks__")
        if checks is None:
            checks = cls.__checks__ = checks_of(cls)
        self.__details__ = details
        for attribute, check in checks.items():
            name = cls.__wire_names__.get(attribute, attribute)
            if name in values:
                value = values[name]
                if check(value):
                    setattr(self, attribute, value)
                    continue
                logger.debug(
                    "%r: parameter %r: expected %s, got %s; using the default",
                    details.name,
                    name,
                    cls.__annotations__[attribute],
                    json_type(value),
                )
            default = getattr(cls, attribute)
            if isinstance(default, dict):
                # A class attribute is shared; the caller may modify its copy.
                setattr(self, attribute, copy.deepcopy(cast("object", default)))

    def __repr__(self) -> str:
        names = cast("Mapping[str, Check]", vars(type(self)).get("__checks__") or {})
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({values})"


def details(parameters: Parameters) -> Details:
    """Return the details of an evaluation: rule, group and error."""
    return parameters.__details__
