"""Writes `statsig_api_client/generated` from `openapi.yaml`.

    python generate.py                  write the generated code
    python generate.py --check          exit 1 with a diff when it is not what the contract gives
    python generate.py --diff OLD_SPEC  say what changed for users since OLD_SPEC, and the bump

Exit codes: 0 done, 1 the check found a difference, 2 the contract or the command line is wrong.
"""

import argparse
import difflib
import hashlib
import importlib.metadata
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import jinja2

from generator.api import Api, Field
from generator.contract import Contract, SpecError
from generator.datamodel import oracle, typed_dicts
from generator.describe import describe
from generator.diff import compare
from generator.docstrings import docstring, method_docstring
from generator.kinds import snake

ROOT = Path(__file__).parent
SPEC = ROOT / "openapi.yaml"
TEMPLATES = ROOT / "templates"
OUTPUT = ROOT / "statsig_api_client" / "generated"
ORACLE = ROOT / "tests" / "oracle.py"
GENERATORS = ("openapi-python-client", "datamodel-code-generator")
GENERATED = "# Generated from openapi.yaml"
"""How every generated file begins."""


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    verb = parser.add_mutually_exclusive_group()
    verb.add_argument("--check", action="store_true", help="compare instead of writing")
    verb.add_argument("--diff", metavar="OLD_SPEC", type=Path, help="compare two contracts")
    parser.add_argument("--spec", type=Path, default=SPEC, help="default: openapi.yaml")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="default: that of the package")
    options = parser.parse_args(arguments)
    try:
        if options.diff:
            return diff(options.diff, options.spec)
        if options.check:
            return check(options.spec, options.output)
        write(options.spec, options.output)
    except (SpecError, OSError) as error:
        print(error, file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("interrupted; the generated code is as it was", file=sys.stderr)
        return 130
    return 0


def write(spec: Path, output: Path) -> None:
    """Write the generated code, wholly or not at all.

    Raises:
        SpecError: The contract is wrong.
        OSError: The code cannot be written, or other files stand where it would replace them.
    """
    if output.exists() and any(output.iterdir()) and not _is_generated(output / "__init__.py"):
        raise FileExistsError(f"{output}: holds files that are not generated, and would be lost")
    targets = _targets(output)
    with _built(spec, output.parent) as scratch:
        replaced = {name: target for name, target in targets.items() if target.exists()}
        _swap(
            [(target, scratch / f"old {name}") for name, target in replaced.items()]
            + [(scratch / name, target) for name, target in targets.items()]
        )
    print(f"wrote {' and '.join(map(_shown, targets.values()))} from {spec.name}")


def check(spec: Path, output: Path) -> int:
    """Compare the generated code with what the contract gives."""
    targets = _targets(output)
    with _built(spec, output.parent) as scratch:
        changes = [
            line
            for name, target in targets.items()
            for file in _files(scratch / name) | _files(target)
            for line in _file_diff(target / file, scratch / name / file)
        ]
    shown = " and ".join(map(_shown, targets.values()))
    if not changes:
        print(f"{shown}: what {spec.name} gives")
        return 0
    sys.stdout.writelines(changes)
    print(f"\n{shown}: not what {spec.name} gives; run `python generate.py`")
    return 1


def diff(old: Path, new: Path) -> int:
    """Print what changed for users from one contract to another, and the bump it asks for."""
    changes = compare(describe(Contract.read(old)), describe(Contract.read(new)))
    for change in changes:
        print(change)
    print(max((change.bump for change in changes), default="none"))
    return 0


def _targets(output: Path) -> dict[str, Path]:
    """Where the built files go. The oracle is of this project's own tests alone."""
    return {"generated": output} | ({"oracle.py": ORACLE} if output == OUTPUT else {})


@contextmanager
def _built(spec: Path, parent: Path) -> Iterator[Path]:
    """All generated files, in a folder beside the old ones, so that a rename puts them in place."""
    contract = Contract.read(spec)
    api = describe(contract)
    header = _header(contract)
    texts = {f"generated/{name}": text for name, text in _rendered(api).items()} | {
        "generated/typed_dicts.py": typed_dicts(contract, api),
        "oracle.py": oracle(contract),
    }
    parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".generated-", dir=parent) as folder:
        scratch = Path(folder).resolve()
        (scratch / "generated").mkdir()
        for name, text in texts.items():
            (scratch / name).write_text(f"{header}\n{text}", encoding="utf-8")
        _format(scratch)
        (scratch / "generated" / "openapi.json").write_text(
            json.dumps(contract.spec, indent=1, ensure_ascii=False) + "\n", encoding="utf-8"
        )
        yield scratch


def _rendered(api: Api) -> dict[str, str]:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # noqa: S701  (Python is written, not HTML)
    )
    environment.filters |= {
        "class_head": lambda model: f"{model.name}({model.base})" if model.base else model.name,
        "check_condition": _check_condition,
        "default_expression": _default_expression,
        "docstring": docstring,
        "invocation": lambda method: (
            f"{method.name}({', '.join(a.name for a in method.arguments)})"
        ),
        "method_docstring": method_docstring,
        "parser_name": _parser_name,
        "parameter": lambda argument: f"{argument.name}: {argument.annotation}",
        "prefix": lambda text, prefix: f"{prefix}{text}",
        "quote": json.dumps,
        "reading": _reading_expression,
        "snake": snake,
        "summary": lambda text: f"{' '.join(text.split()).partition('. ')[0].removesuffix('.')}.",
        "writing": _writing_expression,
    }
    models = [model.name for model in api.models]
    wires = [f"{name}Dict" for name in api.requests]
    enums = [enum.name for model in api.models for enum in model.enums]
    clients = ["Operations", "RawOperations", "AsyncOperations", "AsyncRawOperations"]
    names = {
        "api": api,
        "compound_parsers": _compound_parsers(api),
        "enums": enums,
        "model_names": ", ".join(models),
        "public": sorted([*models, *wires, *enums, *clients, *api.servers, "calls"]),
        "wire_names": ", ".join(wires),
    }
    pages = {
        "__init__.py": "__init__.py.jinja",
        "models.py": "models.py.jinja",
        "calls.py": "calls.py.jinja",
        "client.py": "client.py.jinja",
        "async_client.py": "client.py.jinja",
    }
    return {
        page: environment.get_template(template).render(
            names, asynchronous=page.startswith("async")
        )
        for page, template in pages.items()
    }


# ---- What the templates say of fields, arguments and docstrings ----


def _default_expression(member: Field) -> str:
    """A plain default where there is nothing else to say of a field."""
    said = [f"default={member.default}"] if member.default is not None else []
    if not member.kind.hashable:
        said.append("hash=False")
    if said == [f"default={member.default}"]:
        return f" = {member.default}"
    return f" = field({', '.join(said)})" if said else ""


def _check_condition(member: Field) -> str:
    """When an argument has to be looked at: most are of the very type that is expected."""
    value = f"self.{member.name}"
    absent = [member.default] if member.default in ("None", "UNSET") else []
    if member.kind.nullable and "None" not in absent:
        absent.append("None")
    return " and ".join(
        [f"{value} is not {what}" for what in absent]
        + [f"type({value}) is not {kind}" for kind in member.kind.exact]
    )


def _compound_parsers(api: Api) -> list[str]:
    """The parsers that are made of others, each once."""
    parsers = [
        parser
        for model in api.models
        for member in model.fields
        for parser in (member.kind.parse, member.kind.check)[: 1 + model.request]
    ]
    return [parser for parser in dict.fromkeys(parsers) if "(" in parser]


def _parser_name(parser: str) -> str:
    """The name of a parser: that which it has, or that of the constant that holds it."""
    if "(" not in parser:
        return parser
    return f"_{'_'.join(snake(word) for word in re.findall('[A-Za-z_]+', parser))}"


def _reading_expression(member: Field) -> str:
    key = json.dumps(member.wire)
    parser = _parser_name(member.kind.parse)
    if member.default is None:
        return f"required({key}, {parser})"
    return f"optional({key}, {parser}, absent={member.default})"


def _writing_expression(member: Field) -> str:
    # Where None is left out, it has been looked for already.
    written = member.kind.writing(f"self.{member.name}", may_be_none=member.default != "None")
    return written.replace("ARGUMENT", json.dumps(member.name))


# ---- Files ----


def _is_generated(file: Path) -> bool:
    return file.exists() and file.read_bytes().startswith(GENERATED.encode())


def _header(contract: Contract) -> str:
    digest = hashlib.sha256(contract.source.encode()).hexdigest()
    made_by = ", ".join(f"{name} {importlib.metadata.version(name)}" for name in GENERATORS)
    return f"{GENERATED} (sha256 {digest}) with {made_by}. Do not edit."


def _format(folder: Path) -> None:
    """Drop unused imports, sort the others, lay out; what is wrong then is a fault of ours."""
    _ruff("check", "--fix-only", folder)
    _ruff("format", folder)
    # As pyproject.toml allows it, but wherever the output is.
    _ruff("check", "--ignore", "C901,D301,E501,FBT001,PLR0912", folder / "generated")


def _ruff(*arguments: str | Path) -> None:
    config = ("--config", ROOT / "pyproject.toml", "--quiet", "--no-cache")
    # It takes the packages of the folder it runs in for our own, and sorts imports by that.
    subprocess.run([sys.executable, "-m", "ruff", *arguments, *config], check=True, cwd=ROOT)  # noqa: S603


def _swap(moves: list[tuple[Path, Path]]) -> None:
    """Rename files and folders, all of them or none."""
    try:
        for source, goal in moves:
            source.rename(goal)
    except BaseException:  # Ctrl-C too
        for source, goal in reversed(moves):
            if not source.exists():
                goal.rename(source)
        raise


def _files(path: Path) -> dict[str, None]:
    """The files below a folder, in order; a file is one, below itself."""
    if path.is_file():
        return {"": None}
    files = sorted(file for file in path.rglob("*") if file.is_file())
    return {str(file.relative_to(path)): None for file in files if "__pycache__" not in file.parts}


def _file_diff(old: Path, new: Path) -> list[str]:
    names = f"now/{old.name}", f"new/{new.name}"
    return list(difflib.unified_diff(_lines(old), _lines(new), *names))


def _lines(path: Path) -> list[str]:
    """What is in a file; an empty one differs from a missing one."""
    if not path.exists():
        return []
    return path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) or ["\n"]


def _shown(path: Path) -> str:
    return os.path.relpath(path, ROOT) if path.is_relative_to(ROOT) else str(path)


if __name__ == "__main__":
    sys.exit(main())
