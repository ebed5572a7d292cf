"""YAML values with their file, line and key, for error messages."""

import contextlib
import math
import re
from collections.abc import Collection, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Final, NoReturn, TypeAlias, cast

import yaml
from attrs import frozen
from yaml.composer import Composer
from yaml.resolver import BaseResolver

from ..._runtime.parsers import JsonObject, JsonValue
from ..strict_json import MAX_DEPTH
from .model import ProjectError, suggestion

_Pairs: TypeAlias = list[tuple[yaml.Node, yaml.Node]]
_Implicit: TypeAlias = bool | tuple[bool, bool]

_TAG: Final = "tag:yaml.org,2002:"
_STRING: Final = _TAG + "str"

MAX_ALIASED: Final = 1_000_000
"""The maximum number of values that the aliases of a file may add."""


_TYPES: Final = (
    ("bool", re.compile("true|True|TRUE|false|False|FALSE"), "tTfF"),
    ("int", re.compile("[-+]?[0-9]+"), "-+0123456789"),
    (
        "float",
        re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?"),
        "-+.0123456789",
    ),
    ("null", re.compile("~|null|Null|NULL|"), "~nN"),
    ("merge", re.compile("<<"), "<"),  # YAML 1.1 only; as a string it would become a parameter.
)
"""The types of plain scalars, each with its pattern and first characters."""


class _Resolver(BaseResolver):
    """The types of YAML 1.2, which editors follow.

    In PyYAML's YAML 1.1 the country NO is false, 12:30 is 750, and 2026-01-01 is not a string.
    """

    def resolve(self, kind: type[yaml.Node], value: str | None, implicit: _Implicit) -> str:
        """Return the tag of a value that is written without one."""
        if value is None:
            return _TAG + ("map" if kind is yaml.MappingNode else "seq")
        if isinstance(implicit, tuple) and implicit[0]:
            for name, pattern, first in _TYPES:
                if value[:1] in first and pattern.fullmatch(value):
                    return _TAG + name
        return _STRING


class _PythonLoader(_Resolver, yaml.BaseLoader):
    """The parser written in Python, with the better error messages."""


LOADERS: list[type[yaml.BaseLoader]] = [_PythonLoader]
"""Loaders in order of preference; if one raises an error, the next one decides."""

with contextlib.suppress(ImportError):  # PyYAML can be built without libyaml.
    from yaml import CBaseLoader

    class _FastLoader(Composer, CBaseLoader, _Resolver):
        """libyaml's parser, 10 times faster, with a composer that does not recurse.

        libyaml's composer would overflow the C stack on deeply nested input, and PyYAML's takes 3
        times as long.
        """

        def __init__(self, stream: str) -> None:
            CBaseLoader.__init__(self, stream)
            Composer.__init__(self)

        def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node:  # noqa: ARG002
            """Return the next node of the document, with all nodes that it contains."""
            nodes: list[yaml.Node] = []
            opened: list[tuple[yaml.Node, list[yaml.Node]]] = []
            while not nodes or opened:
                event = self.get_event()
                if isinstance(event, yaml.ScalarEvent):
                    nodes.append(self._node(yaml.ScalarNode, event, event.value))
                elif isinstance(event, yaml.CollectionStartEvent):
                    is_mapping = isinstance(event, yaml.MappingStartEvent)
                    kind = yaml.MappingNode if is_mapping else yaml.SequenceNode
                    opened.append((self._node(kind, event, None), nodes))
                    if len(opened) > 2 * MAX_DEPTH:
                        raise RecursionError
                    nodes = []
                elif isinstance(event, yaml.AliasEvent):
                    nodes.append(self._anchored(event))
                else:
                    node, siblings = opened.pop()
                    is_mapping = isinstance(node, yaml.MappingNode)
                    node.value = [*zip(*[iter(nodes)] * 2, strict=True)] if is_mapping else nodes
                    siblings.append(node)
                    nodes = siblings
            return nodes[0]

        def _node(
            self,
            kind: type[yaml.Node],
            event: yaml.ScalarEvent | yaml.CollectionStartEvent,
            value: str | None,
        ) -> yaml.Node:
            tag = event.tag
            if tag is None or tag == "!":
                tag = self.resolve(kind, value, event.implicit)
            node = kind(tag, value, cast("yaml.Mark", event.start_mark), None)
            if event.anchor is not None:
                if event.anchor in self.anchors:
                    raise yaml.YAMLError  # The Python parser has a message for it.
                self.anchors[event.anchor] = node
            return node

        def _anchored(self, event: yaml.AliasEvent) -> yaml.Node:
            if event.anchor not in self.anchors:
                raise yaml.YAMLError  # The Python parser has a message for it.
            return self.anchors[event.anchor]

    LOADERS.insert(0, cast("type[yaml.BaseLoader]", _FastLoader))


@frozen(kw_only=True)
class Entry:
    """A value of a YAML file with its position.

    Each method that returns the value in one form raises `ProjectError` if it has another one.
    """

    file: Path
    key: str
    """The path of keys to the value, such as `gates.staff.rules[0]`; empty at the top."""
    node: yaml.Node
    line: int

    def fail(self, problem: str) -> NoReturn:
        """Raise a `ProjectError` for this value."""
        key = f"{self.key}: " if self.key else ""
        raise ProjectError(self.file, self.line, key + problem)

    def mapping(self) -> "dict[str, Entry]":
        """Return the values of a mapping by key, in the order of the file."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"expected a mapping, got {self._found()}")
        entries: dict[str, Entry] = {}
        for key, value in cast("_Pairs", self.node.value):
            is_string = key.tag == _STRING and key.value.isascii()
            name: str = key.value if is_string else self._child("", key).string()
            entry = self._child(f".{name}" if self.key else name, value, key)
            if name in entries:
                first = entries[name].line
                entry.fail(f"duplicate key {name!r}; the first is in line {first}")
            entries[name] = entry
        return entries

    def fields(
        self, known: Collection[str], required: Mapping[str, str] = MappingProxyType({})
    ) -> "dict[str, Entry]":
        """Return the values of a mapping with a fixed set of keys, without its description.

        Args:
            known: The valid keys.
            required: The keys that must be present, with their meaning.
        """
        entries = self.mapping()
        for name, entry in entries.items():
            if name not in known:
                entry.fail(f"unknown key {name!r}" + suggestion(name, known))
        for name, meaning in required.items():
            if name not in entries:
                self.fail(f"missing key {name!r}: expected {meaning}")
        if "description" in entries:
            entries.pop("description").string()
        return entries

    def items(self) -> "list[Entry]":
        """Return the values of a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"expected a list, got {self._found()}")
        nodes = cast("list[yaml.Node]", self.node.value)
        return [self._child(f"[{index}]", node) for index, node in enumerate(nodes)]

    def is_list(self) -> bool:
        """Return whether the value is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def is_mapping(self) -> bool:
        """Return whether the value is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def scalar(self) -> bool | int | float | str | None:
        """Return a string, number, boolean or null."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.fail(f"expected a single value, got {self._found()}")
        written = self.written()
        tag = self.node.tag.removeprefix(_TAG)
        if tag == "str":
            if not written.isascii() and any("\ud800" <= char <= "\udfff" for char in written):
                self.fail("expected a string, got half of a surrogate pair")
            return written
        if tag == "bool":
            return written.lower() == "true"
        if tag == "null":
            return None
        if tag == "merge":
            self.fail("<< has no meaning in YAML 1.2; write out the keys")
        if tag not in {"int", "float"}:
            self.fail(f"expected a value without a tag, got {tag}")
        if not math.isfinite(number := float(written)):
            self.fail("expected a number that fits a double")
        return number if tag == "float" else int(written)

    def written(self) -> str:
        """Return the characters of a scalar: `1.10` differs from `1.1`."""
        return cast("str", self.node.value)

    def string(self) -> str:
        """Return a string."""
        value = self.scalar()
        if not isinstance(value, str):
            self.fail(f'expected a string, got {self._found()}; quote it: "{self.written()}"')
        return value

    def number(self) -> int | float:
        """Return a number."""
        value = self.scalar()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"expected a number, got {self._found()}")
        return value

    def percentage(self) -> float:
        """Return a percentage of at most two decimals; rules divide users into 10,000 parts."""
        value = self._percentage()
        if abs(value * 100 - round(value * 100)) > 1e-6:
            self.fail(f"expected a percentage of at most two decimals, got {self.written()}")
        return value

    def bucketed_percentage(self) -> float:
        """Return a percentage of 0 or at least 0.1; `BUCKETS` divide users into 1,000 parts."""
        value = self._percentage()
        if 0 < value < 0.1:
            self.fail(f"expected 0, or a percentage of at least 0.1, got {self.written()}")
        return value

    def boolean(self) -> bool:
        """Return a boolean."""
        value = self.scalar()
        if not isinstance(value, bool):
            self.fail(f"expected true or false, got {self._found()}")
        return value

    def json(self, depth: int = 0) -> JsonValue:
        """Return a value of any type."""
        if depth > MAX_DEPTH:  # An alias can refer to a value that contains it.
            self.fail(f"nested deeper than {MAX_DEPTH} levels")
        if self.is_list():
            return [item.json(depth + 1) for item in self.items()]
        if self.is_mapping():
            return {name: value.json(depth + 1) for name, value in self.mapping().items()}
        return self.scalar()

    def json_object(self) -> JsonObject:
        """Return a mapping with values of any type."""
        return {name: value.json() for name, value in self.mapping().items()}

    def _percentage(self) -> float:
        value = self.number()
        if not 0 <= value <= 100:
            self.fail(f"expected a percentage from 0 to 100, got {self.written()}")
        return value

    def _child(self, step: str, node: yaml.Node, place: yaml.Node | None = None) -> "Entry":
        line = (place or node).start_mark.line + 1
        return Entry(file=self.file, key=self.key + step, node=node, line=line)

    def _found(self) -> str:
        if self.is_mapping():
            return "a mapping"
        if self.is_list():
            return "a list"
        tag = self.node.tag.removeprefix(_TAG)
        if tag == "null":
            return "nothing"
        return repr(self.written()) if tag == "str" else self.written()


def read_yaml(file: Path, text: str) -> Entry:
    """Parse a YAML document.

    Args:
        file: The file of the document, for messages.
        text: The document.

    Raises:
        ProjectError: The document is empty or invalid YAML.
    """
    try:
        node = _compose(text)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = None if mark is None else mark.line + 1
        raise ProjectError(file, line, f"invalid YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"invalid YAML: character U+{ord(text[error.position]):04X} is not allowed"
        raise ProjectError(file, line, problem) from None
    except RecursionError:
        raise ProjectError(file, None, "invalid YAML: nested too deeply") from None
    if node is None:
        raise ProjectError(file, 1, "expected gates, configs, experiments or layers, got nothing")
    if "*" in text and _aliased_values(node) > MAX_ALIASED:
        problem = f"aliases add more than {MAX_ALIASED:,} values; repeat less"
        raise ProjectError(file, None, problem)
    return Entry(file=file, key="", node=node, line=1)


def _compose(text: str) -> yaml.Node | None:
    *preferred, last = LOADERS
    for loader in preferred:
        with contextlib.suppress(yaml.YAMLError):
            return yaml.compose(text, Loader=loader)
    return yaml.compose(text, Loader=last)


def _aliased_values(root: yaml.Node) -> int:
    # Without recursion, since chains of aliases can be longer than the stack.
    sizes: dict[int, int] = {}
    stack = [root]
    while stack:
        node = stack[-1]
        children = _children(node)
        if id(node) in sizes:
            size = 1 + sum(sizes[id(child)] for child in children)
            sizes[id(node)] = min(size, 10**12)  # Sizes can have thousands of digits.
            stack.pop()
        else:
            sizes[id(node)] = 1  # Set while in progress, for values that contain themselves.
            stack += [child for child in children if id(child) not in sizes]
    return sizes[id(root)] - len(sizes)


def _children(node: yaml.Node) -> list[yaml.Node]:
    if isinstance(node, yaml.MappingNode):
        return [child for pair in cast("_Pairs", node.value) for child in pair]
    return cast("list[yaml.Node]", node.value) if isinstance(node, yaml.SequenceNode) else []
