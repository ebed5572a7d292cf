"""Base class of generated models."""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, ClassVar, Final, NoReturn, Self, cast, dataclass_transform

from .parsers import JsonValue

NO_PROPERTIES: Final[Mapping[str, JsonValue]] = MappingProxyType({})
"""Default of `additional_properties`, replaced by a new dict for each model."""

_bind_setter: Any = object.__setattr__.__get__


def field_setter(model: "Model") -> Callable[[str, object], None]:
    """Return the function that sets the fields of a new, otherwise immutable model."""
    return cast("Callable[[str, object], None]", _bind_setter(model))


# attrs and dataclasses would compile the methods of each model at every import of the package.
@dataclass_transform(kw_only_default=True, frozen_default=True)
class Model:
    """An immutable object, compared by its fields."""

    __slots__ = ("__weakref__",)

    _not_compared: ClassVar[frozenset[str]] = frozenset()
    _not_hashed: ClassVar[frozenset[str]] = frozenset()
    """Further fields that are compared, but may not be hashable."""

    def _fields(self, without: frozenset[str] = frozenset()) -> dict[str, Any]:
        return {name: getattr(self, name) for name in self.__slots__ if name not in without}

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        # Lists compare members by identity first, so a model with NaN equals itself.
        mine, theirs = (each._fields(self._not_compared) for each in (self, other))
        return [*mine.values()] == [*theirs.values()]

    def __hash__(self) -> int:
        return hash((type(self), *self._fields(self._not_compared | self._not_hashed).values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={value!r}" for name, value in self._fields().items())
        return f"{type(self).__name__}({fields})"

    def __setattr__(self, name: str, _: object) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; create a new one")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"{type(self).__name__} is immutable; create a new one")

    def __getstate__(self) -> dict[str, Any]:
        return self._fields()

    def __setstate__(self, state: Mapping[str, Any]) -> None:
        set_field = field_setter(self)
        for name, value in state.items():
            set_field(name, value)

    def __replace__(self, **changes: Any) -> Self:
        """Return a copy with some fields changed, for `copy.replace`."""
        return type(self)(**self._fields() | changes)
