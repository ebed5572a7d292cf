"""Uses of generated flags in Python code, found in its syntax tree."""

import ast
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from attrs import frozen

from .definitions import Kind, Project
from .errors import FlagsError
from .names import unique_names
from .writer import MARKER, Options

MODULES: Final[dict[str, Kind]] = {
    "gates": "gate",
    "configs": "config",
    "experiments": "experiment",
    "layers": "layer",
}
METHODS: Final[dict[str, Kind]] = {
    "check_gate": "gate",
    "get_config": "config",
    "get_experiment": "experiment",
    "get_layer": "layer",
    "override_gate": "gate",
    "override_config": "config",
    "override_experiment": "experiment",
    "override_layer": "layer",
}
"""Methods whose string arguments are flag names."""


@frozen(kw_only=True)
class Use:
    """One use of a flag."""

    kind: Kind
    name: str
    """Statsig name, or the Python name of a flag that is not defined."""
    file: Path
    line: int
    defined: bool


@frozen(kw_only=True)
class Usage:
    """Unused flags, uses without a definition, and uses of stale flags."""

    unused: tuple[tuple[Kind, str], ...]
    undefined: tuple[Use, ...]
    stale: tuple[tuple[Use, str], ...]


def find_usage(project: Project, paths: Iterable[Path], options: Options) -> Usage:
    """Find the uses of a project's flags in files and directories.

    Raises:
        FlagsError: A path does not exist, or a file is not Python.
    """
    names: dict[Kind, dict[str, str]] = {
        kind: {
            python: name
            for name, python in unique_names(
                kind, [flag.name for flag in flags], options.renames
            ).items()
        }
        for kind, flags in project.by_kind.items()
    }
    uses = [use for file in _files(paths) for use in _uses(file, names)]
    used = {(use.kind, use.name) for use in uses if use.defined}
    stale = {gate.name: gate.stale for gate in project.gates if gate.stale}
    return Usage(
        unused=tuple(
            (kind, flag.name)
            for kind, flags in project.by_kind.items()
            for flag in flags
            if (kind, flag.name) not in used
        ),
        undefined=tuple(use for use in uses if not use.defined),
        stale=tuple(
            (use, stale[use.name]) for use in uses if use.kind == "gate" and use.name in stale
        ),
    )


def _files(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        if path.is_dir():
            yield from sorted(path.rglob("*.py"))
        elif path.is_file():
            yield path
        else:
            raise FlagsError(f"{path}: no such file or directory")


def _uses(file: Path, names: dict[Kind, dict[str, str]]) -> Iterator[Use]:
    try:
        text = file.read_text(encoding="utf-8")
        tree = ast.parse(text)
    except UnicodeDecodeError:
        raise FlagsError(f"{file}: expected UTF-8") from None
    except SyntaxError as error:
        raise FlagsError(f"{file}:{error.lineno}: not valid Python: {error.msg}") from None
    if text.startswith(MARKER):
        return
    modules = _module_aliases(tree)
    found: list[Use] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute):
            found += _attribute_uses(node, file, names, modules)
        elif isinstance(node, ast.ImportFrom):
            found += _imported_uses(node, file, names)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            found += _string_uses(node, node.func.attr, file, names)
    yield from sorted(found, key=lambda use: use.line)


def _attribute_uses(
    node: ast.Attribute,
    file: Path,
    names: dict[Kind, dict[str, str]],
    modules: dict[str, Kind],
) -> Iterator[Use]:
    match node.value:
        case ast.Name(id=module):
            kind, is_module = modules.get(module), True
        case ast.Attribute(attr=module):
            # `flags.gates.x` may be another object; only flags that exist count.
            kind, is_module = MODULES.get(module), False
        case _:
            return
    if kind is None or node.attr in ("check_all", "__name__"):
        return
    name = names[kind].get(node.attr)
    if name is not None or is_module:
        yield Use(
            kind=kind,
            name=name or node.attr,
            file=file,
            line=node.lineno,
            defined=name is not None,
        )


def _imported_uses(
    node: ast.ImportFrom, file: Path, names: dict[Kind, dict[str, str]]
) -> Iterator[Use]:
    kind = MODULES.get((node.module or "").rpartition(".")[2])
    if kind is None:
        return
    for alias in node.names:
        name = names[kind].get(alias.name)
        if name is not None:
            yield Use(kind=kind, name=name, file=file, line=node.lineno, defined=True)


def _string_uses(
    node: ast.Call, method: str, file: Path, names: dict[Kind, dict[str, str]]
) -> Iterator[Use]:
    kind = METHODS.get(method)
    if kind is None:
        return
    position = 0 if method.startswith("override_") else 1
    candidates = [*node.args[position : position + 1]]
    candidates += [
        keyword.value for keyword in node.keywords if (keyword.arg or "").endswith("_name")
    ]
    for candidate in candidates:
        if isinstance(candidate, ast.Constant) and isinstance(candidate.value, str):
            yield Use(
                kind=kind,
                name=candidate.value,
                file=file,
                line=candidate.lineno,
                defined=candidate.value in names[kind].values(),
            )


def _module_aliases(tree: ast.Module) -> dict[str, Kind]:
    """Return the kinds of the modules of flags by the name under which a file imports them."""
    found: dict[str, Kind] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            for alias in node.names:
                if alias.name in MODULES:
                    found[alias.asname or alias.name] = MODULES[alias.name]
        elif isinstance(node, ast.Import):
            for alias in node.names:
                kind = MODULES.get(alias.name.rpartition(".")[2])
                if alias.asname is not None and kind is not None:
                    found[alias.asname] = kind
    return found
