"""Tells what a change of the contract means for those who use the Python API.

There are two directions, and so two rules. What is *sent* (constructors, plain dicts, arguments)
may become wider: what callers give still fits. What is *received* may become narrower: what callers
do with it still works. The other way round breaks code that mypy has passed, or that ran.

What changes without a type (paths, servers, deliveries, what stands for an unknown answer) is
behaviour: nobody's code has to change for it, but a reader of the changelog wants to know, so it is
minor. Only that an answer loses its fallback is major: it then raises, for callers who have asked
never to be disturbed. Documentation alone is a patch.
"""

import enum
import math
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Protocol, TypeAlias, TypeVar

from attrs import frozen

from .annotations import within
from .api import Api, Argument, Enum, Field, Method, Model


class Bump(enum.IntEnum):
    """The part of the version that a change raises."""

    PATCH = 1
    MINOR = 2
    MAJOR = 3

    def __str__(self) -> str:
        return self.name.lower()


@frozen
class Change:
    """One difference that a user of the Python API can notice."""

    bump: Bump
    place: str
    """Such as `StatsigUser.email` or `Statsig.check_gate(gate_name)`."""
    what: str

    def __str__(self) -> str:
        return f"{self.bump!s:<5}  {self.place}: {self.what}"


class _Named(Protocol):
    @property
    def name(self) -> str: ...


T = TypeVar("T")
N = TypeVar("N", bound=_Named)
Changes: TypeAlias = Iterator[Change]


def compare(old: Api, new: Api) -> list[Change]:
    """What changed from one API to another, the most severe first."""
    return sorted(_Comparison(old, new).changes(), key=lambda change: -change.bump)


class _Comparison:
    def __init__(self, old: Api, new: Api) -> None:
        self.old = old
        self.new = new
        self.enums = {name for api in (old, new) for name in _enums(api)}

    def changes(self) -> Changes:
        old, new = self.old, self.new
        yield from _pairwise("{}", _enums(old), _enums(new), _enum)
        yield from _pairwise("{}", _named(old.models), _named(new.models), self._model)
        yield from _pairwise("Statsig.{}", _named(old.methods), _named(new.methods), self._method)
        for server, url in new.servers.items():
            yield from _behaviour(server, "URL", old.servers.get(server), url)

    # ---- Models ----

    def _model(self, name: str, old: Model, new: Model) -> Changes:
        if old.request != new.request:
            yield Change(Bump.MAJOR, name, f"is {'sent' if new.request else 'received'} now")
            return
        yield from _documentation(name, old.doc, new.doc)
        yield from _pairwise(f"{name}({{}})", _bases(old), _bases(new), _nothing)
        yield from _choice(name, old, new)
        yield from _pairwise(
            f"{name}.{{}}",
            _named(old.fields),
            _named(new.fields),
            self._sent_field if new.request else self._received_field,
            breaks=lambda field: new.request and field.required,
        )
        yield from _pairwise(f"{name}.{{}}", _hand_written(old), _hand_written(new), _nothing)
        extra = f"{name}.additional_properties"
        yield from self._type(extra, old.extra, new.extra, sent=new.request)

    def _sent_field(self, place: str, old: Field, new: Field) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from _key(place, old, new)
        yield from self._type(place, old.kind.given, new.kind.given, sent=True)
        if new.required != old.required:
            bump = Bump.MAJOR if new.required else Bump.MINOR
            yield Change(bump, place, "required now" if new.required else "optional now")
        elif new.default != old.default:
            # No type checker tells it: the same `email=None` now sends something else.
            means = "leaves the field out" if new.default == "None" else "sends null"
            yield Change(Bump.MAJOR, place, f"None {means} now")

    def _received_field(self, place: str, old: Field, new: Field) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from _key(place, old, new)
        types = [*self._type(place, old.annotation, new.annotation, sent=False)]
        yield from types
        if not types and old.default != new.default:
            yield Change(Bump.MINOR, place, f"{_absence(new)} now, {_absence(old)} before")

    # ---- Methods ----

    def _method(self, place: str, old: Method, new: Method) -> Changes:
        yield from _documentation(place, old.doc + old.returns_doc, new.doc + new.returns_doc)
        before, after = _named(old.arguments), _named(new.arguments)
        yield from _pairwise(f"{place}({{}})", before, after, self._argument, breaks=lambda _: True)
        kept = [name for name in after if name in before]
        if kept != [name for name in before if name in after]:
            yield Change(Bump.MAJOR, place, f"the order of arguments is {', '.join(kept)} now")
        yield from self._type(f"{place} ->", old.returns, new.returns, sent=False)
        yield from _behaviour(place, "path", old.path, new.path)
        yield from _behaviour(place, "delivery", old.delivers, new.delivers)
        if (old.fallback is None) != (new.fallback is None):
            lost = new.fallback is None
            what = f"has {'no' if lost else 'a'} fallback now"
            yield Change(Bump.MAJOR if lost else Bump.MINOR, place, what)
        else:
            yield from _behaviour(place, "fallback", old.fallback, new.fallback)

    def _argument(self, place: str, old: Argument, new: Argument) -> Changes:
        yield from _documentation(place, old.doc, new.doc)
        yield from self._type(place, old.annotation, new.annotation, sent=True)
        yield from _behaviour(place, "field of the request", old.wire, new.wire)
        (least, most), (new_least, new_most) = _size(old), _size(new)
        if (least, most) != (new_least, new_most):
            wider = new_least <= least and most <= new_most
            what = f"{_items(new)} now, {_items(old)} before"
            yield Change(Bump.MINOR if wider else Bump.MAJOR, place, what)

    def _type(self, place: str, old: str, new: str, *, sent: bool) -> Changes:
        wider, narrower = within(old, new, self.enums), within(new, old, self.enums)
        if wider and narrower:
            return
        how = "widened" if wider else "narrowed" if narrower else "changed"
        bump = Bump.MINOR if (wider if sent else narrower) else Bump.MAJOR
        yield Change(bump, place, f"type {how} from `{old}` to `{new}`")


def _pairwise(
    place: str,
    old: Mapping[str, T],
    new: Mapping[str, T],
    changes: Callable[[str, T, T], Iterable[Change]],
    breaks: Callable[[T], bool] = lambda _: False,
) -> Changes:
    """What was removed, what was added, and the changes of what stayed.

    To add something breaks nobody, except where callers have to give it.
    """
    for name in old:
        if name not in new:
            yield Change(Bump.MAJOR, place.format(name), "removed")
    for name, part in new.items():
        if name in old:
            yield from changes(place.format(name), old[name], part)
        elif breaks(part):
            yield Change(Bump.MAJOR, place.format(name), "added, and required")
        else:
            yield Change(Bump.MINOR, place.format(name), "added")


def _enum(place: str, old: Enum, new: Enum) -> Changes:
    yield from _documentation(place, old.doc, new.doc)
    values = dict.fromkeys(old.values), dict.fromkeys(new.values)
    yield from _pairwise(f"{place}[{{!r}}]", *values, _nothing)


def _choice(place: str, old: Model, new: Model) -> Changes:
    before, after = set(old.needs_one_of), set(new.needs_one_of)
    if before != after:
        wider = not after or (bool(before) and before <= after)
        what = f"needs one of {', '.join(new.needs_one_of)} now" if after else "needs nothing now"
        yield Change(Bump.MINOR if wider else Bump.MAJOR, place, what)


def _key(place: str, old: Field, new: Field) -> Changes:
    """The key of plain dicts, and of `from_dict` and `to_dict`."""
    if old.wire != new.wire:
        yield Change(Bump.MAJOR, place, f"in a dict it is {new.wire!r} now, {old.wire!r} before")


def _behaviour(place: str, what: str, old: str | None, new: str | None) -> Changes:
    if old != new:
        yield Change(Bump.MINOR, place, f"{what} is {new} now, {old} before")


def _documentation(place: str, old: str, new: str) -> Changes:
    if old.split() != new.split():
        yield Change(Bump.PATCH, place, "documentation")


def _nothing(*_: object) -> Changes:
    yield from ()


def _named(parts: Iterable[N]) -> dict[str, N]:
    return {part.name: part for part in parts}


def _enums(api: Api) -> dict[str, Enum]:
    return _named(one for model in api.models for one in model.enums)


def _bases(model: Model) -> dict[str, None]:
    return {} if model.base is None else {model.base: None}


def _hand_written(model: Model) -> dict[str, None]:
    """The members that a model has beside its fields."""
    return {} if model.fallback is None else {"error": None}


def _absence(field: Field) -> str:
    return "required" if field.default is None else f"{field.default} when absent"


def _size(argument: Argument) -> tuple[int, float]:
    return argument.least, math.inf if argument.most is None else argument.most


def _items(argument: Argument) -> str:
    return f"{argument.size or 'any number of'} items"
