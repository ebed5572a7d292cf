"""Layout of generated code, as ruff's formatter produces it with its defaults."""

import json
from collections.abc import Mapping, Sequence
from typing import Final

from ..._runtime.parsers import JsonValue
from .types import Array, Enum, Object, Scalar, Type

WIDTH: Final = 88
INDENT: Final = "    "


def string(value: str) -> str:
    """Return a string literal with double quotes, unless single ones need fewer escapes."""
    # JSON escapes like Python, except for characters above U+FFFF in its ASCII form and DEL.
    text = json.dumps(value, ensure_ascii=False)
    text = "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)
    if value.count('"') > value.count("'"):
        return "'" + text[1:-1].replace('\\"', '"').replace("'", "\\'") + "'"
    return text


def strings(values: Sequence[str], indent: int) -> str:
    """Return a tuple of strings as an argument on a separate line."""
    items = [string(value) for value in values]
    flat = f"({items[0]},)" if len(items) == 1 else f"({', '.join(items)})"
    space = INDENT * indent
    if len(space) + len(flat) + 1 <= WIDTH:
        return flat
    return "(\n" + "".join(f"{space}{INDENT}{item},\n" for item in items) + f"{space})"


def literal(value: JsonValue, type_: Type, before: str, indent: int = 0) -> str:
    """Return a value as a literal that follows `before` on its line."""
    flat = _flat(value, type_)
    if indent * len(INDENT) + len(before) + len(flat) <= WIDTH:
        return flat
    inner, outer = INDENT * (indent + 1), INDENT * indent
    if isinstance(value, Mapping) and value:
        members = dict(type_.members) if isinstance(type_, Object) else {}
        lines = [
            f"{inner}{string(name)}: "
            + literal(member, members.get(name, Scalar("object")), f"{string(name)}: ", indent + 1)
            for name, member in value.items()
        ]
        return "{\n" + "".join(f"{line},\n" for line in lines) + outer + "}"
    if isinstance(value, Sequence) and not isinstance(value, str) and value:
        item = type_.item if isinstance(type_, Array) else Scalar("object")
        lines = [inner + literal(member, item, "", indent + 1) for member in value]
        return "[\n" + "".join(f"{line},\n" for line in lines) + outer + "]"
    return flat


def _flat(value: JsonValue, type_: Type) -> str:
    if value is None or isinstance(value, bool):
        return repr(value)
    if isinstance(value, str):
        return string(value)
    if isinstance(value, int):
        return f"{value}.0" if type_ == Scalar("float") else repr(value)
    if isinstance(value, float):
        return repr(value).replace("e+", "e")
    if isinstance(value, Mapping):
        members = dict(type_.members) if isinstance(type_, Object) else {}
        return (
            "{"
            + ", ".join(
                f"{string(name)}: {_flat(member, members.get(name, Scalar('object')))}"
                for name, member in value.items()
            )
            + "}"
        )
    item = type_.item if isinstance(type_, Array) else Scalar("object")
    return "[" + ", ".join(_flat(member, item) for member in value) + "]"


def call(function: str, arguments: Sequence[str], before: str, indent: int = 0) -> str:
    """Return a call that follows `before` on its line."""
    flat = f"{function}({', '.join(arguments)})"
    space = INDENT * indent
    if len(space) + len(before) + len(flat) <= WIDTH or not arguments:
        return flat
    lines = "".join(f"{space}{INDENT}{argument},\n" for argument in arguments)
    return f"{function}(\n{lines}{space})"


def subscript(name: str, arguments: Sequence[str], before: str) -> str:
    """Return a subscript that follows `before` on its line."""
    flat = f"{name}[{', '.join(arguments)}]"
    if len(before) + len(flat) <= WIDTH or len(arguments) == 1:
        return flat
    return f"{name}[\n" + "".join(f"{INDENT}{argument},\n" for argument in arguments) + "]"


def class_header(name: str, bases: str) -> str:
    """Return the first statement of a class."""
    flat = f"class {name}({bases}):"
    return flat if len(flat) <= WIDTH else f"class {name}(\n{INDENT}{bases}\n):"


def docstring(text: str, indent: int) -> list[str]:
    """Return the lines of a docstring."""
    lines = [" ".join(line.split()) for line in text.strip().splitlines()] or [""]
    escaped = [line.replace("\\", "\\\\").replace('"""', '\\"\\"\\"') for line in lines]
    if escaped[-1].endswith('"'):
        escaped[-1] = escaped[-1][:-1] + '\\"'
    space = INDENT * indent
    wrapped = [part for line in escaped for part in _wrap(line, WIDTH - len(space) - 6)]
    if len(wrapped) == 1:
        return [f'{space}"""{wrapped[0]}"""']
    rest = [f"{space}{line}" if line else "" for line in wrapped[1:]]
    return [f'{space}"""{wrapped[0]}', *rest, f'{space}"""']


def _wrap(line: str, width: int) -> list[str]:
    lines: list[str] = []
    current = ""
    for word in line.split(" "):
        if current and len(current) + 1 + len(word) > width:
            lines.append(current)
            current = word
        else:
            current = f"{current} {word}" if current else word
    return [*lines, current]


def skip_if_long(lines: list[str]) -> list[str]:
    """Mark a statement that the formatter would split differently."""
    code = [line for line in lines if not line.lstrip().startswith("#")]
    if code and len(code[0]) > WIDTH:
        return [*lines[:-1], f"{lines[-1]}  # fmt: skip"]
    return lines


def annotation(type_: Type) -> str:
    """Return the annotation of a type whose objects have been named."""
    match type_:
        case Scalar(name):
            return name
        case Enum(values):
            return f"Literal[{', '.join(map(string, values))}]"
        case Array(item):
            return f"Sequence[{annotation(item)}]"
        case Object():
            return "Mapping[str, object]"
        case _:
            return " | ".join(map(annotation, type_.options))
