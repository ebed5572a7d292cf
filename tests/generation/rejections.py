"""Specs that the generator rejects, and the problems it reports."""

from attrs import frozen

from generator.builder import build_api
from generator.spec import Spec, SpecError

from .spec_edits import Edit, Json, edited


@frozen
class Rejected:
    """Edits of the spec that make the generator reject it."""

    name: str
    edits: list[Edit]
    pointer: str
    message: str

    def check(self) -> None:
        """Check that the generator reports the problem at its place."""
        reported = problems(edited(*self.edits))
        assert f"broken.yaml:1: {self.pointer}: {self.message}" in reported


def problems(document: Json, *, validate: bool = False) -> list[str]:
    """Return the problems of a spec."""
    spec = Spec(document, name="broken.yaml")
    try:
        if validate:
            spec.validate()
        build_api(spec)
    except SpecError as error:
        return str(error).splitlines()
    return []
