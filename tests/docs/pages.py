"""Code blocks of the Markdown pages, and how tests run them."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def code_blocks(page: str, language: str, section: str | None = None) -> list[str]:
    """Return the code blocks of a page, or of one of its second-level sections."""
    text = (ROOT / page).read_text(encoding="utf-8")
    if section is not None:
        parts = re.split(r"^## ", text, flags=re.MULTILINE)
        (text,) = [part for part in parts if part.partition("\n")[0] == section]
    found = re.findall(rf"^```{language}\n(.*?)^```", text, flags=re.MULTILINE | re.DOTALL)
    assert found, f"{page}: no {language} block in section {section!r}"
    return found


def run(code: str, page: str, **names: object) -> dict[str, object]:
    """Execute a code block and return its names."""
    names.setdefault("__name__", page)
    exec(compile(code, page, "exec"), names)  # noqa: S102
    return names
