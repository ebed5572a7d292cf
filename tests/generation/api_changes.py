"""Edits of the spec, and the API changes that `generate.py --diff` must report."""

from functools import cache

from attrs import frozen

from generator.api import Api
from generator.builder import build_api
from generator.diff import compare
from generator.spec import Spec

from .spec_edits import Edit, edited


@frozen
class Case:
    """Edits of the spec, and the `bump place` of each reported change."""

    name: str
    edits: list[Edit]
    changes: list[str]
    backwards: bool = False
    """Whether the edited spec is the old one."""

    def check(self) -> None:
        """Check that exactly these changes are reported."""
        new = build_api(Spec(edited(*self.edits)))
        old, new = (new, _current()) if self.backwards else (_current(), new)
        reported = [f"{change.bump} {change.place}" for change in compare(old, new)]
        assert sorted(reported) == sorted(self.changes)


@cache
def _current() -> Api:
    return build_api(Spec(edited()))
