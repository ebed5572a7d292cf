"""Writes docs/api.md, the reference, from the code itself.

python docs/reference.py            write it
python docs/reference.py --check    exit 1 when it is not what the code says
"""

import ast
import inspect
import itertools
import re
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import attrs

import statsig_api_client
from statsig_api_client import APIResponse, AsyncStatsig, ClientOptions, Statsig

PAGE = Path(__file__).with_name("api.md")


def main() -> int:
    """Write the page, or compare it."""
    text = "\n".join(page()) + "\n"
    if "--check" not in sys.argv:
        PAGE.write_text(text, encoding="utf-8")
        return 0
    if PAGE.exists() and PAGE.read_text(encoding="utf-8") == text:
        return 0
    print(f"docs/{PAGE.name} is not what the code says; run `make generate`")
    return 1


def page() -> Iterator[str]:
    """The lines of the reference."""
    yield "# API reference"
    yield ""
    yield "Written by `docs/reference.py` from the code. All names are in `statsig_api_client`."
    public = {name: getattr(statsig_api_client, name) for name in statsig_api_client.__all__}
    models = {n: c for n, c in public.items() if isinstance(c, type) and hasattr(c, "from_dict")}
    errors = {n: c for n, c in public.items() if isinstance(c, type) and issubclass(c, Exception)}
    rest = {n: c for n, c in public.items() if n not in models and n not in errors}
    yield from client(Statsig)
    yield "\n## AsyncStatsig\n"
    yield from markdown(AsyncStatsig)
    yield ""
    yield from fields("ClientOptions", ClientOptions)
    yield from fields("APIResponse", APIResponse)
    yield "\n## Models\n"
    for name, model in models.items():
        yield from fields(name, model)
    yield "\n## Errors\n"
    for name, error in errors.items():
        bases = ", ".join(f"`{base.__name__}`" for base in error.__bases__)
        yield f"* **`{name}`** ({bases}): {summary(error)}"
        lines = itertools.dropwhile(lambda line: "**Attributes**" not in line, markdown(error))
        yield from (f"  {line}" for line in itertools.islice(lines, 1, None))
        yield from (f"  {line}" for line in properties(error))
    yield "\n## Other names\n"
    for name, thing in rest.items():
        if name in ("Statsig", "AsyncStatsig", "ClientOptions", "APIResponse", "__version__"):
            continue
        yield f"* **`{name}`**: {summary(thing) if isinstance(thing, type) else documented(name)}"


def client(cls: type) -> Iterator[str]:
    """The methods of the client, in the order of the contract."""
    yield f"\n## {cls.__name__}\n"
    yield from markdown(cls)
    names = {name: None for part in reversed(cls.__mro__) for name in vars(part)}
    for name in names:
        method = inspect.getattr_static(cls, name)
        if name.startswith("_") or isinstance(method, property) or not callable(method):
            continue
        yield f"\n### {name}\n"
        yield f"```python\n{name}{signature(getattr(cls, name))}\n```\n"
        yield from markdown(getattr(cls, name))
    for name in names:
        method = inspect.getattr_static(cls, name)
        if isinstance(method, property) and not name.startswith("_"):
            yield f"\n### {name}\n"
            yield from markdown(method)


def signature(method: object) -> str:
    """A signature with types as they stand in the code."""
    assert callable(method)
    shown = inspect.signature(method)
    parameters = [p for p in shown.parameters.values() if p.name != "self"]
    text = str(shown.replace(parameters=parameters))
    for module in (
        "statsig_api_client.generated.models.",
        "statsig_api_client.generated.typed_dicts.",
    ):
        text = text.replace(module, "")
    text = re.sub(r"\*(<class '.*\.|ForwardRef\(')(\w+)('>|'\))", r"Unpack[\2]", text)
    text = re.sub(r"-> '(\w+)'$", r"-> \1", text)
    return text.replace("collections.abc.", "").replace("statsig_api_client.", "")


def fields(name: str, model: type) -> Iterator[str]:
    """A model, its fields and what they mean."""
    source = ast.parse(textwrap.dedent(inspect.getsource(model)))
    body = source.body[0]
    assert isinstance(body, ast.ClassDef)
    yield f"### {name}\n"
    yield from markdown(model)
    yield ""
    for statement, following in itertools.pairwise(body.body):
        if isinstance(statement, ast.AnnAssign) and isinstance(following, ast.Expr):
            assert isinstance(following.value, ast.Constant)
            doc = " ".join(str(following.value.value).split())
            target = ast.unparse(statement.target)
            given = hasattr(model, "from_dict")
            required = given and attrs.fields_dict(model)[target].default is attrs.NOTHING
            mark = ", required" if required else ""
            yield f"* `{target}`: `{ast.unparse(statement.annotation)}`{mark}. {doc}"
    yield from properties(model)
    yield ""


def properties(cls: type) -> Iterator[str]:
    """What a class computes when it is asked for it."""
    for name, member in vars(cls).items():
        if isinstance(member, property):
            yield f"* `{name}`: {summary(member)}"


def markdown(thing: object) -> Iterator[str]:
    """A docstring in Markdown: its sections are lists, and its example is code."""
    section = ""
    for line in (inspect.getdoc(thing) or "").splitlines():
        text = line.strip()
        if text in ("Args:", "Returns:", "Raises:", "Example:", "Attributes:"):
            section = text
            yield f"**{text.removesuffix(':')}**\n"
            if section == "Example:":
                yield "```python"
        elif section == "Example:":
            code = text.removeprefix(">>> ").removeprefix("... ")
            yield f"# {text}" if text and code == text else code
        elif section in ("Args:", "Raises:", "Attributes:") and line.startswith("    "):
            name, colon, meaning = text.partition(": ")
            is_entry = colon and line[4] != " "
            yield f"* `{name}`: {meaning}" if is_entry else f"  {text}"
        else:
            yield text
    if section == "Example:":
        yield "```"


def summary(thing: object) -> str:
    """The first paragraph of a docstring."""
    return " ".join((inspect.getdoc(thing) or "").split("\n\n")[0].split())


def documented(name: str) -> str:
    """The text below the definition of a name that has no docstring of its own."""
    for path in sorted(Path(statsig_api_client.__file__).parent.rglob("*.py")):
        statements = ast.parse(path.read_text(encoding="utf-8")).body
        for statement, following in itertools.pairwise(statements):
            targets = getattr(statement, "targets", [getattr(statement, "target", None)])
            if any(isinstance(t, ast.Name) and t.id == name for t in targets) and isinstance(
                following, ast.Expr
            ):
                assert isinstance(following.value, ast.Constant)
                return " ".join(str(following.value.value).split())
    return ""


if __name__ == "__main__":
    sys.exit(main())
