"""Typed parameters of a config, experiment or layer."""

import copy
import logging
from collections.abc import Mapping
from typing import ClassVar, TypeAlias, cast

from attrs import frozen

from .._errors import StatsigError
from .._runtime.parsers import json_type
from ..generated import DynamicConfig, Experiment, Layer
from .checks import Field, fields_of

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
    `DynamicConfig.get`, a value that does not match the annotation is logged at debug level and
    replaced by the default.
    """

    __wire_names__: ClassVar[Mapping[str, str]] = {}
    """Parameter names that differ from their attributes, by attribute."""
    __fields__: ClassVar[tuple[Field, ...] | None] = ()
    """Attributes and their checks, built when a class is first used."""
    __evaluation__: Evaluation

    def __init_subclass__(cls) -> None:
        # Not inherited: each generated class has its own parameters.
        cls.__fields__ = None

    def __init__(self, evaluation: Evaluation) -> None:
        fields = self.__fields__
        if fields is None:
            fields = type(self).__fields__ = fields_of(type(self), self.__wire_names__)
        self.__evaluation__ = evaluation
        values = evaluation.value
        for attribute, name, types, check in fields:
            if name in values:
                value = values[name]
                if type(value) in types or check(value):
                    setattr(self, attribute, value)
                    continue
                logger.debug(
                    "%r: parameter %r: expected %s, got %s; using the default",
                    evaluation.name,
                    name,
                    type(self).__annotations__[attribute],
                    json_type(value),
                )
            default = getattr(self, attribute)
            if isinstance(default, dict):
                # A class attribute is shared; the caller may modify its copy.
                setattr(self, attribute, copy.deepcopy(cast("object", default)))

    def __repr__(self) -> str:
        names = [field[0] for field in self.__fields__ or ()]
        values = ", ".join(f"{name}={getattr(self, name)!r}" for name in names)
        return f"{type(self).__name__}({values})"


def details(parameters: Parameters) -> Details:
    """Return the details of an evaluation: rule, group and error."""
    evaluation = parameters.__evaluation__
    return Details(
        name=evaluation.name,
        rule_id=evaluation.rule_id,
        group_name=None if isinstance(evaluation, Layer) else evaluation.group_name,
        error=evaluation.error,
    )
