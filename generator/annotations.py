"""Compares types as Python writes them: unions of names, or of containers of such unions."""

import ast
from collections.abc import Collection, Iterator

JSON = {"JsonValue", "Mapping", "Sequence", "bool", "dict", "float", "int", "list", "str"}


def within(inner: str, outer: str, enums: Collection[str]) -> bool:
    """Whether every value of one type is one of the other.

    Containers are taken to be covariant. A bool is no int here: the client refuses it for one.

    Args:
        inner: An annotation.
        outer: An annotation.
        enums: The names that stand for closed sets of texts.
    """
    return _within(_parsed(inner), _parsed(outer), enums)


def _within(inner: ast.expr, outer: ast.expr, enums: Collection[str]) -> bool:
    return all(
        any(_is(one, other, enums) for other in _alternatives(outer))
        for one in _alternatives(inner)
    )


def _is(one: ast.expr, other: ast.expr, enums: Collection[str]) -> bool:
    if isinstance(one, ast.Subscript) and isinstance(other, ast.Subscript):
        same = ast.unparse(one.value) == ast.unparse(other.value)
        return same and _within(_element(one), _element(other), enums)
    match ast.unparse(one), ast.unparse(other):
        case ("int", "float"):
            return True
        case (name, "str") if name in enums:
            return True
        case (_, "JsonValue"):
            names = {node.id for node in ast.walk(one) if isinstance(node, ast.Name)}
            return names <= {*JSON, *enums}
        case (name, other_name):
            return name == other_name


def _parsed(annotation: str) -> ast.expr:
    return ast.parse(annotation, mode="eval").body


def _alternatives(type_: ast.expr) -> Iterator[ast.expr]:
    if isinstance(type_, ast.BinOp):
        yield from _alternatives(type_.left)
        yield from _alternatives(type_.right)
    else:
        yield type_


def _element(container: ast.Subscript) -> ast.expr:
    """The values of a map, the items of a list."""
    inner = container.slice
    return inner.elts[-1] if isinstance(inner, ast.Tuple) else inner
