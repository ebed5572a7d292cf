"""Commands that generate typed flags and check their use."""

import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypedDict, Unpack, cast

import click

from .exit_codes import ExitCode
from .extras import require_extra
from .options import combine, examples

if TYPE_CHECKING:
    from ..flags.generation.definitions import Project
    from ..flags.generation.writer import Options

_TABLE = "[tool.statsig.flags]"

_project_options = combine(
    click.argument("source", required=False),
    click.option(
        "--config",
        "configuration",
        type=click.Path(dir_okay=False, path_type=Path),
        metavar="FILE",
        help=f"File with the table {_TABLE}.  [default: pyproject.toml, if it exists]",
    ),
)


class _ProjectOptions(TypedDict):
    source: str | None
    configuration: Path | None


@click.group(
    epilog=examples(
        "statsig-api flags generate project.yaml -o shop/flags",
        "statsig-api flags unused src --source project.yaml",
    )
)
def flags() -> None:
    """Generate typed Python for the flags of a project.

    SOURCE is a project file (.yaml), a config specs file (.json), the URL of a local server, or
    `console` for Statsig's Console API with the key in STATSIG_CONSOLE_KEY.
    """


@flags.command(
    epilog=examples(
        "statsig-api flags generate project.yaml -o shop/flags",
        "statsig-api flags generate project.yaml -o shop/flags --check",
        "statsig-api flags generate console -o shop/flags",
        "statsig-api flags generate new.yaml --diff old.yaml",
        "statsig-api flags generate project.yaml -o shop/flags --without new_checkout",
    )
)
@_project_options
@click.option(
    "-o",
    "--output",
    type=click.Path(file_okay=False, path_type=Path),
    metavar="PACKAGE",
    help="Directory of the generated package, which is replaced completely.",
)
@click.option("--check", is_flag=True, help="Write nothing; exit with 1 if the package differs.")
@click.option(
    "--diff",
    "old",
    metavar="OLD",
    help="Write nothing; print the changes since another source, and the release they require.",
)
@click.option(
    "--without",
    multiple=True,
    metavar="NAME",
    help="Omit a flag, so that type checkers report its uses. Repeatable.",
)
def generate(
    *,
    output: Path | None,
    check: bool,
    old: str | None,
    without: tuple[str, ...],
    **given: Unpack[_ProjectOptions],
) -> int:
    """Generate a package of a project's flags."""
    require_extra("flags", "flags", "flags.generation.sources")
    from ..flags.generation.errors import FlagsError

    if check and old is not None:
        raise click.UsageError("--check and --diff cannot be combined")
    table = _read_table(given["configuration"])
    try:
        project, options = _read_project(given["source"], table)
        if old is not None:
            return _print_changes(old, project, options)
        project = project.without(without)
        directory = output or _output(table)
        return _generate(project, options, directory, check=check)
    except FlagsError as error:
        raise click.UsageError(str(error)) from None


@flags.command(
    epilog=examples(
        "statsig-api flags unused src --source project.yaml",
        "statsig-api flags unused shop tests",
    )
)
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--source", metavar="SOURCE", help=f"Source of the flags.  [default: {_TABLE}]")
@click.option(
    "--config",
    "configuration",
    type=click.Path(dir_okay=False, path_type=Path),
    metavar="FILE",
    help=f"File with the table {_TABLE}.  [default: pyproject.toml, if it exists]",
)
def unused(paths: tuple[Path, ...], *, source: str | None, configuration: Path | None) -> int:
    """List unused flags, uses of unknown flags, and uses of stale gates.

    Exits with 1 if it lists anything.
    """
    require_extra("flags", "flags", "flags.generation.sources")
    from ..flags.generation.errors import FlagsError
    from ..flags.generation.usage import find_usage

    try:
        project, options = _read_project(source, _read_table(configuration))
        usage = find_usage(project, paths, options)
    except FlagsError as error:
        raise click.UsageError(str(error)) from None
    for kind, name in usage.unused:
        click.echo(f"unused: {kind} {name}")
    for use in usage.undefined:
        click.echo(f"{use.file}:{use.line}: unknown {use.kind} {use.name!r}")
    for use, reason in usage.stale:
        click.echo(f"{use.file}:{use.line}: stale gate {use.name!r}: {reason}")
    found = usage.unused or usage.undefined or usage.stale
    return ExitCode.GATE_FAILED if found else ExitCode.OK


def _generate(project: "Project", options: "Options", directory: Path, *, check: bool) -> int:
    from ..flags.generation.output import diff_files, write_files
    from ..flags.generation.writer import write_package

    package = write_package(project, options)
    for warning in package.warnings:
        click.echo(f"warning: {warning}", err=True)
    if not check:
        write_files(directory, package.files)
        click.echo(f"wrote {directory}")
        return ExitCode.OK
    lines = list(diff_files(directory, package.files))
    for line in lines:
        click.echo(line)
    if lines:
        click.echo(f"{directory} differs from {project.source}; regenerate it", err=True)
        return ExitCode.GATE_FAILED
    click.echo(f"{directory}: up to date")
    return ExitCode.OK


def _print_changes(old: str, project: "Project", options: "Options") -> int:
    from ..flags.generation.diff import diff_projects, release
    from ..flags.generation.sources import read_source

    changes = diff_projects(read_source(old), project, options)
    for change in changes:
        click.echo(f"{change.level}: {change.text}")
    click.echo(release(changes) or "no changes")
    return ExitCode.OK


def _read_project(source: str | None, table: Mapping[str, object]) -> "tuple[Project, Options]":
    from ..flags.generation.sources import read_source
    from ..flags.generation.writer import Options

    chosen = source or _string(table, "source")
    if chosen is None:
        raise click.UsageError(f"missing SOURCE: pass it, or set `source` in {_TABLE}")
    options = Options(renames=_strings(table, "rename"), numbers=_strings(table, "numbers"))
    for place, number in options.numbers.items():
        if number not in ("int", "float"):
            raise click.UsageError(
                f"{_TABLE} numbers: {place!r}: expected 'int' or 'float', got {number!r}"
            )
    return read_source(chosen), options


def _read_table(file: Path | None) -> Mapping[str, object]:
    path = file or Path("pyproject.toml")
    if file is None and not path.exists():
        return {}
    try:
        document = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise click.UsageError(f"{path}: cannot be read: {error}") from None
    table: object = document
    for key in ("tool", "statsig", "flags"):
        table = cast("dict[str, object]", table).get(key) if isinstance(table, dict) else None
    if not isinstance(table, dict):
        return {}
    known = {"source", "output", "rename", "numbers"}
    entries = cast("dict[str, object]", table)
    if unknown := sorted(entries.keys() - known):
        raise click.UsageError(
            f"{path}: {_TABLE}: unknown key {unknown[0]!r}; expected {', '.join(sorted(known))}"
        )
    # Checked even if an argument overrides it.
    for key in ("source", "output"):
        _string(entries, key)
    return entries


def _string(table: Mapping[str, object], key: str) -> str | None:
    entry = table.get(key)
    if not isinstance(entry, str | None):
        raise click.UsageError(f"{_TABLE} {key}: expected a string")
    return entry


def _strings(table: Mapping[str, object], key: str) -> dict[str, str]:
    entries = table.get(key, {})
    if not isinstance(entries, dict) or not all(
        isinstance(value, str) for value in cast("dict[str, object]", entries).values()
    ):
        raise click.UsageError(f"{_TABLE} {key}: expected a table of strings")
    return cast("dict[str, str]", entries)


def _output(table: Mapping[str, object]) -> Path:
    configured = _string(table, "output")
    if configured is None:
        raise click.UsageError(f"missing -o: pass it, or set `output` in {_TABLE}")
    return Path(configured)
