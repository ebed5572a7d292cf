"""YAML whose every value knows its line, so that a mistake can be shown where it stands."""

import math
import re
from collections.abc import Collection
from pathlib import Path
from typing import NoReturn, TypeAlias, cast

import yaml
from attrs import frozen

from ..._runtime.parsers import JsonObject, JsonValue
from ..strict_json import MAX_DEPTH
from .model import ProjectError, suggestion

_Pairs: TypeAlias = list[tuple[yaml.Node, yaml.Node]]

_TAG = "tag:yaml.org,2002:"


class _Loader(yaml.BaseLoader):
    """YAML 1.2, as editors understand it.

    In PyYAML's own 1.1 the country NO is false, 12:30 is 750, and 2026-01-01 is no text.
    """


for _name, _pattern, _first in (
    ("bool", r"true|True|TRUE|false|False|FALSE", [*"tTfF"]),
    ("int", r"[-+]?[0-9]+", [*"-+0123456789"]),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", [*"-+.0123456789"]),
    ("null", r"~|null|Null|NULL|", [*"~nN", ""]),
    ("merge", r"<<", ["<"]),  # Of 1.1; as text, it would be taken for a parameter of this name.
):
    _Loader.add_implicit_resolver(  # pyright: ignore[reportUnknownMemberType]  (untyped there)
        _TAG + _name, re.compile(f"^(?:{_pattern})$"), _first
    )


@frozen(kw_only=True)
class Entry:
    """A value of a YAML file, and the place where it stands."""

    file: Path
    key: str
    """The path of keys to it, such as `gates.staff.rules[0]`; empty at the top."""
    node: yaml.Node
    line: int

    def fail(self, problem: str) -> NoReturn:
        """Refuse this value.

        Raises:
            ProjectError: Always.
        """
        key = f"{self.key}: " if self.key else ""
        raise ProjectError(self.file, self.line, key + problem)

    def mapping(self) -> "dict[str, Entry]":
        """Read keys and values, in the order of the file."""
        if not isinstance(self.node, yaml.MappingNode):
            self.fail(f"expected a mapping, got {self._kind()}")
        entries: dict[str, Entry] = {}
        for key, value in cast("_Pairs", self.node.value):
            name = self._at("", key).text()
            entry = self._at(f".{name}" if self.key else name, value, key)
            if name in entries:
                entry.fail(f"a second {name!r}; the first is in line {entries[name].line}")
            entries[name] = entry
        return entries

    def fields(self, known: Collection[str]) -> "dict[str, Entry]":
        """Read a mapping that has no other keys than the known ones."""
        entries = self.mapping()
        for name, entry in entries.items():
            if name not in known:
                entry.fail(f"unknown key {name!r}" + suggestion(name, known))
        if "description" in entries:  # It is for readers of the file alone.
            entries.pop("description").text()
        return entries

    def items(self) -> "list[Entry]":
        """Read a list."""
        if not isinstance(self.node, yaml.SequenceNode):
            self.fail(f"expected a list, got {self._kind()}")
        nodes = cast("list[yaml.Node]", self.node.value)
        return [self._at(f"[{index}]", node) for index, node in enumerate(nodes)]

    def is_list(self) -> bool:
        """Whether it is a list."""
        return isinstance(self.node, yaml.SequenceNode)

    def is_mapping(self) -> bool:
        """Whether it is a mapping."""
        return isinstance(self.node, yaml.MappingNode)

    def scalar(self) -> bool | int | float | str | None:
        """Read a text, number, true, false or null."""
        if not isinstance(self.node, yaml.ScalarNode):
            self.fail(f"expected a single value, got {self._kind()}")
        written = self.written()
        tag = self.node.tag.removeprefix(_TAG)
        if tag == "str":
            if any("\ud800" <= character <= "\udfff" for character in written):
                self.fail("expected text, got half of a surrogate pair")
            return written
        if tag == "bool":
            return written.lower() == "true"
        if tag == "null":
            return None
        if tag == "merge":
            self.fail("<< merges nothing in YAML 1.2; write the keys out")
        if tag not in {"int", "float"}:
            self.fail(f"expected no tag, got {tag}")
        if not math.isfinite(number := float(written)):
            self.fail("expected a number that fits a double")
        return number if tag == "float" else int(written)

    def written(self) -> str:
        """The characters of a single value as they stand in the file: 1.10 is not 1.1."""
        return cast("str", self.node.value)

    def text(self) -> str:
        """Read a text."""
        value = self.scalar()
        if not isinstance(value, str):
            self.fail(f'expected text, got {self._kind()}; to mean text, write "{self.written()}"')
        return value

    def number(self) -> int | float:
        """Read a number."""
        value = self.scalar()
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"expected a number, got {self._kind()}")
        return value

    def boolean(self) -> bool:
        """Read true or false."""
        value = self.scalar()
        if not isinstance(value, bool):
            self.fail(f"expected true or false, got {self._kind()}")
        return value

    def json(self, depth: int = 0) -> JsonValue:
        """Read a value that JSON can say too, of any shape."""
        if depth > MAX_DEPTH:  # An alias may stand for a value that it is itself a part of.
            self.fail(f"nested deeper than {MAX_DEPTH} levels")
        if self.is_list():
            return [item.json(depth + 1) for item in self.items()]
        if self.is_mapping():
            return {name: value.json(depth + 1) for name, value in self.mapping().items()}
        return self.scalar()

    def json_object(self) -> JsonObject:
        """Read a mapping of values that JSON can say too."""
        return {name: value.json() for name, value in self.mapping().items()}

    def _at(self, step: str, node: yaml.Node, place: yaml.Node | None = None) -> "Entry":
        line = (place or node).start_mark.line + 1
        return Entry(file=self.file, key=self.key + step, node=node, line=line)

    def _kind(self) -> str:
        if self.is_mapping():
            return "a mapping"
        if self.is_list():
            return "a list"
        kind = self.node.tag.removeprefix(_TAG)
        if kind == "null":
            return "nothing"
        return repr(self.written()) if kind == "str" else self.written()


def read_yaml(file: Path, text: str) -> Entry:
    """Read a YAML document.

    Args:
        file: Where it comes from, for messages.
        text: The document.

    Raises:
        ProjectError: It is not YAML, or empty.
    """
    try:
        node = yaml.compose(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark
        line = None if mark is None else mark.line + 1
        raise ProjectError(file, line, f"not YAML: {error.problem}") from None
    except yaml.reader.ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        problem = f"not YAML: the character U+{ord(text[error.position]):04X} is not allowed"
        raise ProjectError(file, line, problem) from None
    except RecursionError:
        raise ProjectError(file, None, "not YAML that can be read: nested too deep") from None
    if node is None:
        raise ProjectError(file, 1, "expected gates, configs, experiments or layers, got nothing")
    return Entry(file=file, key="", node=node, line=1)
