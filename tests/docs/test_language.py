"""Prose uses the terms of the glossary in CONTRIBUTING.md."""

import ast
import io
import re
import subprocess
import tokenize
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.docs.pages import ROOT

BANNED: Final = re.compile(
    r"""(?x)
      (?i:\b(whoever|whereupon|anew|befalls?|wholly|ledger)\b)
    | (?i:\b(for\ ever|in\ hand|set\ aside|let\ go|of\ (no|little)\ use)\b)
    | \b(is|are|was|were)\ told\b | (?<!there)\ (is|are|was|were)\ none\b
    | (?<![Tt]here)\ (is|are|was|were)\ no\ (?!longer|such|need|way|more|reason|environment)[a-z]+
    | \btells?\ (of|what|whether|how|that)\b
    | \b(goes|gone|going)\ on\b
    | \bmakes?\ no\ sense\b
    | \bthe\ most\ (that|seconds|bytes|events|requests|characters)\b
    | \bwhat\ (came|becomes?|became|goes)\b
    | \b(who|whom)\ (calls?|asks?|waits?|has\ none)\b
    | \b(was|were|is|are)\ (asked|given\ up\ on)\b | \bthat\ was\ given\b | \btold\b
    | \b(is|are|was)\ to\ be\b | \bwants?\ (to|it|a|the)\b
    | \b(settles?|settled|adopts?|adopted)\b
    | \b(the\ one|the\ first\ one)\ behind\b | \bbehind\ (its|the)\ last\b
    | \bNone\ if\ there\ is\ none\b | \bthat\ (has|have)\ none\b | \bmost\ asked\b
    | \bof\ (its|their)\ own\b | \bin\ vain\b | \b(leaves?|left)\ out\b
    | \bsays\ (so|what|whether|how|which)\b | \bthere\ (is|are)\ (none|no\ room)\b
    | \bfor\ once\b | \btakes?\ its\ time\b | \blight\ server\b
    """
)
OPENINGS: Final = re.compile(r"(What|Whether|Whom?|How|That|Of|As|Nobody|When|Why)\b")
"""First words of docstrings that are neither a verb nor a noun."""
GENERATED: Final = ("tests/support/oracle.py",)
EXEMPT: Final = ("CONTRIBUTING.md", "RESULTS.md", Path(__file__).name)
"""The glossary, and a report that the next benchmark replaces."""


def tracked_files(*patterns: str) -> list[Path]:
    listed = subprocess.run(
        ["git", "ls-files", "--", *patterns], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return [ROOT / name for name in listed.stdout.splitlines() if name not in GENERATED]


def prose(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the prose of a file: comments and docstrings of Python, all of other files."""
    text = path.read_text(encoding="utf-8")
    if path.suffix != ".py":
        yield from enumerate(text.splitlines(), 1)
        return
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        is_docstring = token.type == tokenize.STRING and token.string.startswith('"""')
        if token.type == tokenize.COMMENT or is_docstring:
            yield from enumerate(token.string.splitlines(), token.start[0])


def test_prose_uses_plain_terms() -> None:
    files = tracked_files("*.py", "*.md", "*.yaml", "*.jinja", "*.toml", "Makefile")
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()}"
        for path in files
        if path.name not in EXEMPT
        for number, line in prose(path)
        if BANNED.search(line)
    ]
    assert not found, "\n".join(found)


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """Yield the docstrings of a module, its classes and its functions, without properties."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            continue
        decorators = [] if isinstance(node, ast.Module) else node.decorator_list
        if not any(isinstance(each, ast.Name) and each.id == "property" for each in decorators):
            yield getattr(node, "lineno", 1), ast.get_docstring(node) or ""


def test_docstrings_start_with_verb_or_noun() -> None:
    found = [
        f"{path.relative_to(ROOT)}:{line}: {docstring.splitlines()[0]}"
        for path in tracked_files("*.py", ":!tests")
        for line, docstring in docstrings(path)
        if OPENINGS.match(docstring)
    ]
    assert not found, "\n".join(found)


def test_shell_blocks_have_no_comments() -> None:
    """An interactive zsh would pass them to the command as arguments."""
    found = [
        f"{path.relative_to(ROOT)}: {line}"
        for path in tracked_files("*.md")
        for block in re.findall(r"(?ms)^```sh\n(.*?)^```", path.read_text(encoding="utf-8"))
        for line in block.splitlines()
        if re.search(r"(^|\s)#", line)
    ]
    assert not found, "\n".join(found)
