"""Typed parameters of a config, experiment or layer."""

import copy
import logging
from collections.abc import Mapping
from typing import ClassVar, TypeAlias, cast

from attrs import frozen

from .._errors import StatsigError
from .._runtime.parsers import json_type
from ..generated import DynamicConfig, Experiment, Layer
from .checks import Check, checks_of

logger: logging.Logger = logging.getLogger("statsig_api_client")

Evaluation: TypeAlias = DynamicConfig | Experiment | Layer


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
    `DynamicConfig.get`, a value that does not match the annotation is replaced by the default, and
    logged at debug level when it is read.
    """

    __wire_names__: ClassVar[Mapping[str, str]] = {}
    """Parameter names that differ from their attributes, by attribute."""
    __checks__: ClassVar[Mapping[str, Check] | None] = None
    """Checks of the values by attribute, built when a parameter is first read."""
    __evaluation__: Evaluation

    def __init_subclass__(cls) -> None:
        cls.__checks__ = None
        for attribute in _attributes(cls):
            if attribute not in vars(cls):
                raise TypeError(f"{cls.__name__}.{attribute}: expected a default")
            name = cls.__wire_names__.get(attribute, attribute)
            setattr(cls, attribute, _Parameter(cls, attribute, name, vars(cls)[attribute]))

    def __init__(self, evaluation: Evaluation) -> None:
        self.__evaluation__ = evaluation

    def __repr__(self) -> str:
        classes = [cls for cls in reversed(type(self).__mro__) if issubclass(cls, Parameters)]
        names = dict.fromkeys(name for cls in classes for name in _attributes(cls))
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({values})"


class _Parameter:
    """A parameter, checked when it is first read; each call would pay for unused ones otherwise."""

    __slots__ = ("_attribute", "_cls", "_default", "_name")

    def __init__(self, cls: type[Parameters], attribute: str, name: str, default: object) -> None:
        self._cls = cls
        self._attribute = attribute
        self._name = name
        self._default = default

    def __get__(self, instance: Parameters | None, _: type[Parameters]) -> object:
        if instance is None:
            return self._default
        # Another thread may have read or assigned it meanwhile.
        return vars(instance).setdefault(self._attribute, self._value(instance.__evaluation__))

    def _value(self, evaluation: Evaluation) -> object:
        cls = self._cls
        if self._name in evaluation.value:
            value = evaluation.value[self._name]
            if cls.__checks__ is None:
                cls.__checks__ = checks_of(cls, _attributes(cls))
            if cls.__checks__[self._attribute](value):
                return value
            annotation = cls.__annotations__[self._attribute]
            logger.debug(
                "%r: parameter %r: expected %s, got %s; using the default",
                evaluation.name,
                self._name,
                annotation.__name__ if isinstance(annotation, type) else annotation,
                json_type(value),
            )
        default = self._default
        if isinstance(default, dict):
            # All instances share it; the caller may modify its copy.
            return copy.deepcopy(cast("object", default))
        return default


def _attributes(cls: type[Parameters]) -> list[str]:
    return [name for name in cls.__annotations__ if not name.startswith("__")]


def details(parameters: Parameters) -> Details:
    """Return the details of an evaluation: rule, group and error."""
    evaluation = parameters.__evaluation__
    return Details(
        name=evaluation.name,
        rule_id=evaluation.rule_id,
        group_name=None if isinstance(evaluation, Layer) else evaluation.group_name,
        error=evaluation.error,
    )
