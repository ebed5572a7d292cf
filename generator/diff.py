"""Changes between two specs that affect users of the Python API.

A request (constructors, plain dicts, arguments) may accept more: existing values still fit. A
response may return less: existing uses still work. The opposite breaks code.

Changes without a type (paths, servers, deliveries, fallback values) are minor: they require no
change of code, but belong in the changelog. A removed fallback is major: the method then raises
for callers with `on_error="fallback"`. Changes of documentation only are patches.
"""

import ast
import enum
import math
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias, TypeVar

from attrs import frozen

from .api import Api, Argument, Enum, Field, Method, Model

JSON_TYPES = {
    "JsonInput", "JsonValue", "Mapping", "Sequence", "bool", "dict", "float", "int", "list", "str",
}  # fmt: skip


class Bump(enum.IntEnum):
    """The part of the version that a change increments."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@frozen
class Change:
    """One difference that affects users of the Python API."""

    bump: Bump
    place: str
    """Such as `StatsigUser.email` or `Statsig.check_gate(gate_name)`."""
    text: str

    def __str__(self) -> str:
        return f"{self.bump!s:<5}  {self.place}: {self.text}"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)
Changes: TypeAlias = Iterator[Change]


def compare(old: Api, new: Api) -> list[Change]:
    """Return the changes from one API to another, most severe first."""
    return sorted(_Comparison(old, new).changes(), key=lambda change: -change.bump)


class _Comparison:
    def __init__(self, old: Api, new: Api) -> None:
        self.old = old
        self.new = new
        self.enums = {name for api in (old, new) for name in _enums(api)}

    def changes(self) -> Changes:
        old, new = self.old, self.new
        yield from _pairwise("{}", _enums(old), _enums(new), _enum)
        yield from _pairwise("{}", _by_name(old.models), _by_name(new.models), self._model)
        methods = _by_name(old.methods), _by_name(new.methods)
        yield from _pairwise("Statsig.{}", *methods, self._method)
        for server, url in new.servers.items():
            yield from _behaviour(server, "URL", old.servers.get(server), url)

    # ---- Models ----

    def _model(self, name: str, old: Model, new: Model) -> Changes:
        if old.request != new.request:
            role = "request" if new.request else "response"
            yield Change(Bump.MAJOR, name, f"changed to a {role} model")
            return
        yield from _documentation(name, old.doc, new.doc)
        yield from _pairwise(f"{name}({{}})", _bases(old), _bases(new), _nothing)
        yield from _any_of(name, old, new)
        yield from _pairwise(
            f"{name}.{{}}",
            _by_name(old.fields),
            _by_name(new.fields),
            self._request_field if new.request else self._response_field,
            breaks=lambda field: new.request and field.required,
        )
        yield from _pairwise(f"{name}.{{}}", _extra_members(old), _extra_members(new), _nothing)

    def _request_field(self, place: str, old: Field, new: Field) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from _key(place, old, new)
        types = old.type.optional_annotation, new.type.optional_annotation
        yield from self._type(place, *types, request=True)
        if new.required != old.required:
            bump = Bump.MAJOR if new.required else Bump.MINOR
            yield Change(bump, place, "now required" if new.required else "now optional")
        elif new.default != old.default:
            # Type checkers do not report it: `email=None` changes its meaning.
            effect = "leaves the field out" if new.default == "None" else "sends null"
            yield Change(Bump.MAJOR, place, f"None now {effect}")

    def _response_field(self, place: str, old: Field, new: Field) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from _key(place, old, new)
        types = [*self._type(place, old.annotation, new.annotation, request=False)]
        yield from types
        if not types and old.default != new.default:
            yield Change(Bump.MINOR, place, f"now {_absence(new)}, previously {_absence(old)}")

    # ---- Methods ----

    def _method(self, place: str, old: Method, new: Method) -> Changes:
        yield from _documentation(place, old.doc + old.returns_doc, new.doc + new.returns_doc)
        before, after = _by_name(old.arguments), _by_name(new.arguments)
        yield from _pairwise(f"{place}({{}})", before, after, self._argument, breaks=lambda _: True)
        kept = [name for name in after if name in before]
        if kept != [name for name in before if name in after]:
            yield Change(Bump.MAJOR, place, f"the argument order is now {', '.join(kept)}")
        yield from self._type(f"{place} ->", old.returns, new.returns, request=False)
        yield from _behaviour(place, "path", old.path, new.path)
        yield from _behaviour(place, "delivery", old.delivers, new.delivers)
        if new.deprecated and not old.deprecated:
            yield Change(Bump.MINOR, place, "deprecated")
        if (old.fallback is None) != (new.fallback is None):
            lost = new.fallback is None
            text = "fallback removed" if lost else "fallback added"
            yield Change(Bump.MAJOR if lost else Bump.MINOR, place, text)
        else:
            yield from _behaviour(place, "fallback", old.fallback, new.fallback)

    def _argument(self, place: str, old: Argument, new: Argument) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from self._type(place, old.annotation, new.annotation, request=True)
        yield from _behaviour(place, "request field", old.wire, new.wire)
        (minimum, maximum), (new_minimum, new_maximum) = _size(old), _size(new)
        if (minimum, maximum) != (new_minimum, new_maximum):
            wider = new_minimum <= minimum and maximum <= new_maximum
            text = f"now {_items(new)}, previously {_items(old)}"
            yield Change(Bump.MINOR if wider else Bump.MAJOR, place, text)

    def _type(self, place: str, old: str, new: str, *, request: bool) -> Changes:
        wider, narrower = is_subtype(old, new, self.enums), is_subtype(new, old, self.enums)
        if wider and narrower:
            return
        verb = "widened" if wider else "narrowed" if narrower else "changed"
        bump = Bump.MINOR if (wider if request else narrower) else Bump.MAJOR
        yield Change(bump, place, f"type {verb} from `{old}` to `{new}`")


def _pairwise(
    place: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    changes: Callable[[str, T, T], Iterable[Change]],
    breaks: Callable[[T], bool] = lambda _: False,
) -> Changes:
    """Yield removed parts, added parts, and changes of common parts.

    An added part is minor, unless it breaks callers who do not pass it.
    """
    for name in old:
        if name not in new:
            yield Change(Bump.MAJOR, place.format(name), "removed")
    for name, part in new.items():
        if name in old:
            yield from changes(place.format(name), old[name], part)
        elif breaks(part):
            yield Change(Bump.MAJOR, place.format(name), "added and required")
        else:
            yield Change(Bump.MINOR, place.format(name), "added")


def _enum(place: str, old: Enum, new: Enum) -> Changes:
    yield from _documentation(place, old.doc, new.doc)
    values = dict.fromkeys(old.values), dict.fromkeys(new.values)
    yield from _pairwise(f"{place}[{{!r}}]", *values, _nothing)


def _any_of(place: str, old: Model, new: Model) -> Changes:
    before, after = set(old.any_of), set(new.any_of)
    if before != after:
        wider = not after or (bool(before) and before <= after)
        text = f"now requires one of {', '.join(new.any_of)}" if after else "now requires none"
        yield Change(Bump.MINOR if wider else Bump.MAJOR, place, text)


def _key(place: str, old: Field, new: Field) -> Changes:
    """Compare the key in plain dicts, `from_dict` and `to_dict`."""
    if old.wire != new.wire:
        text = f"the key in dicts is now {new.wire!r}, previously {old.wire!r}"
        yield Change(Bump.MAJOR, place, text)


def _behaviour(place: str, subject: str, old: str | None, new: str | None) -> Changes:
    if old != new:
        yield Change(Bump.MINOR, place, f"{subject} is now {new}, previously {old}")


def _documentation(place: str, old: str, new: str) -> Changes:
    if old.split() != new.split():
        yield Change(Bump.PATCH, place, "documentation")


def _nothing(*_: object) -> Changes:
    yield from ()


def _by_name(parts: Iterable[N]) -> dict[str, N]:
    return {part.name: part for part in parts}


def _enums(api: Api) -> dict[str, Enum]:
    return _by_name(one for model in api.models for one in model.enums)


def _bases(model: Model) -> dict[str, None]:
    return {} if model.base is None else {model.base: None}


def _extra_members(model: Model) -> dict[str, None]:
    """Return the members that are not fields of the schema."""
    return {} if model.fallback is None else {"error": None}


def _absence(field: Field) -> str:
    return "required" if field.default is None else f"{field.default} if absent"


def _size(argument: Argument) -> tuple[int, float]:
    return argument.min_items, math.inf if argument.max_items is None else argument.max_items


def _items(argument: Argument) -> str:
    return f"{argument.size or 'any number of'} items"


# ---- Types ----


def is_subtype(inner: str, outer: str, enums: Collection[str]) -> bool:
    """Return whether every value of one annotation is a value of the other.

    Containers are covariant. A bool is not an int, because the client rejects it for one.

    Args:
        inner: An annotation: a union of names, or of containers of such unions.
        outer: An annotation.
        enums: The names of closed sets of strings.
    """
    return _is_subtype(_expression(inner), _expression(outer), enums)


def _is_subtype(inner: ast.expr, outer: ast.expr, enums: Collection[str]) -> bool:
    return all(
        any(_is_member(one, other, enums) for other in _alternatives(outer))
        for one in _alternatives(inner)
    )


def _is_member(one: ast.expr, other: ast.expr, enums: Collection[str]) -> bool:
    if isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript):
        same = ast.unparse(one.value) == ast.unparse(other.value)
        return same and _is_subtype(_element(one), _element(other), enums)
    match ast.unparse(one), ast.unparse(other):
        case ("int", "float"):
            return True
        case (name, "str") if name in enums:
            return True
        case (_, "JsonInput" | "JsonValue"):
            names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
            return names <= {*JSON_TYPES, *enums}
        case (name, other_name):
            return name == other_name


def _expression(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body


def _alternatives(annotation: ast.expr) -> Iterator[ast.expr]:
    if isinstance(annotation, ast.BinOp):
        yield from _alternatives(annotation.left)
        yield from _alternatives(annotation.right)
    else:
        yield annotation


def _element(container: ast.Subscript) -> ast.expr:
    """Return the values of a map, or the items of a sequence."""
    inner = container.slice
    return inner.elts[-1] if isinstance(inner, ast.Tuple) else inner
