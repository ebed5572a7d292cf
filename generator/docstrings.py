"""Docstrings from the descriptions of the spec."""

import re
import textwrap

from .api import Method
from .spec import Json

WIDTH = 100
SOURCES = re.compile(r"\s+\[(docs|spec|old docs|sdk|cli|seen)\b[^\]]*\]")
"""Matches the sources of a statement, which are for readers of the spec."""


def docstring(text: str, indent: int) -> str:
    """Return a docstring, including its quotes, with an indentation."""
    margin = " " * indent
    lines = wrap(text, indent)
    if len(lines) == 1 and len(lines[0]) + indent + 6 <= WIDTH and not lines[0].endswith('"'):
        return f'"""{lines[0]}"""'
    body = "\n".join(f"{margin}{line}".rstrip() for line in lines[1:])
    return f'"""{lines[0]}\n{body}\n{margin}"""'


def wrap(text: str, indent: int) -> list[str]:
    """Wrap the paragraphs of a text; a long first paragraph is split after its first sentence."""
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    first, *others = [" ".join(part.split()) for part in safe.strip().split("\n\n")]
    summary, stop, rest = first.partition(". ")
    if stop and len(first) + indent + 6 > WIDTH:
        others.insert(0, rest)
        first = f"{summary}."
    paragraphs = [textwrap.wrap(part, WIDTH - indent - 3) for part in [first, *others]]
    return [line for part in paragraphs for line in ([""] * (part is not paragraphs[0]) + part)]


def summary(text: str) -> str:
    """Return the first sentence of a text."""
    return f"{' '.join(text.split()).partition('. ')[0].removesuffix('.')}."


def description(schema: Json) -> str:
    """Return the description of a schema without its sources, marked if it is deprecated."""
    text = SOURCES.sub("", str(schema["description"])).strip()
    return f"{text} Deprecated." if schema.get("deprecated") else text


def method_docstring(method: Method) -> str:
    """Return the docstring of a client method, with its arguments, result and errors."""
    limits = [f"`{a.name}` does not have {a.size} items" for a in method.arguments if a.size]
    raises = {
        "TypeError": "An argument has the wrong type.",
        "ValueError": ", or ".join([*limits, "an argument cannot be serialized to JSON"]) + ".",
        "APIStatusError": "Statsig returned an error status; see the subclasses.",
        "APIConnectionError": "No response arrived before the deadline.",
        "ResponseValidationError": "The response does not match the API schema.",
    }
    sections = {
        "Args": [f"{argument.name}: {argument.doc}" for argument in method.arguments],
        "Returns": [method.returns_doc],
        "Raises": [f"{name}: {text[:1].upper()}{text[1:]}" for name, text in raises.items()],
    }
    margin = " " * 8
    text = docstring(method.doc, 8).removesuffix('"""').rstrip()
    for title, entries in sections.items():
        text += f"\n\n{margin}{title}:"
        for entry in entries:
            hang = "    " if title != "Returns" else ""
            text += "\n" + textwrap.fill(
                " ".join(entry.split()),
                WIDTH,
                initial_indent=f"{margin}    ",
                subsequent_indent=f"{margin}    {hang}",
            )
    return f'{text}\n{margin}"""'
