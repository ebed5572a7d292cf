"""Lays out the contract's descriptions as docstrings."""

import textwrap

from .api import Method

WIDTH = 100


def docstring(text: str, indent: int) -> str:
    """A description as a docstring that stands `indent` deep."""
    margin = " " * indent
    lines = wrapped(text, indent)
    if len(lines) == 1 and len(lines[0]) + indent + 6 <= WIDTH and not lines[0].endswith('"'):
        return f'"""{lines[0]}"""'
    body = "\n".join(f"{margin}{line}".rstrip() for line in lines[1:])
    return f'"""{lines[0]}\n{body}\n{margin}"""'


def wrapped(text: str, indent: int) -> list[str]:
    """The paragraphs of a text, filled; the first sentence stands on a line of its own."""
    safe = text.replace("\\", "\\\\").replace('"""', "'''")
    first, *others = [" ".join(part.split()) for part in safe.strip().split("\n\n")]
    summary, stop, rest = first.partition(". ")
    if stop and len(first) + indent + 6 > WIDTH:
        others.insert(0, rest)
        first = f"{summary}."
    paragraphs = [textwrap.wrap(part, WIDTH - indent - 3) for part in [first, *others]]
    return [line for part in paragraphs for line in ([""] * (part is not paragraphs[0]) + part)]


def method_docstring(method: Method) -> str:
    """The docstring of a method: what it does, takes, gives and raises."""
    limits = [f"`{a.name}` does not have {a.size} items" for a in method.arguments if a.size]
    raises = {
        "TypeError": "An argument is of another type than its own.",
        "ValueError": ", or ".join([*limits, "an argument cannot be written as JSON"]) + ".",
        "APIStatusError": "Statsig refused the call; see its subclasses.",
        "APIConnectionError": "There was no reply within the deadline.",
        "ResponseValidationError": "The reply is not what the contract says.",
    }
    arguments = [(argument.name, argument.doc) for argument in method.arguments]
    sections = {
        "Args": [f"{name}: {' '.join(doc.split())}" for name, doc in arguments],
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
                entry,
                WIDTH,
                initial_indent=f"{margin}    ",
                subsequent_indent=f"{margin}    {hang}",
            )
    return f'{text}\n{margin}"""'
