"""A project as it is served at this moment, and what was recorded of its use."""

import time
from collections.abc import Callable
from pathlib import Path

from .config_specs.document import ConfigSpecs, load_specs
from .config_specs.evaluator import Evaluator
from .config_specs.overrides import (
    Override,
    OverrideTargetError,
    check_override,
    overridden,
)
from .faults import Faults
from .project.model import ProjectError
from .recording import Recording


class Service:
    """A project, loaded, overridden, evaluated and recorded.

    It belongs to the server's event loop: nothing of it is to be touched from another thread, but
    the recording.

    Args:
        project: The project's file.
        recording: Where events and exposures go.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
    """

    def __init__(self, project: Path, recording: Recording) -> None:
        self.recording = recording
        self.faults: Faults = Faults()
        self._file = project
        self._loaded = load_specs(project)
        self._overrides: tuple[Override, ...] = ()
        self._problem: str | None = None
        # Newer than whatever a server before this one has told SDKs that go on running.
        started = max(self._loaded.time, time.time_ns() // 1_000_000)
        self._specs = overridden(self._loaded, (), started)
        self._evaluator = Evaluator(self._specs)

    @property
    def specs(self) -> ConfigSpecs:
        """What is served now: what the file says, and the overrides."""
        return self._specs

    @property
    def evaluator(self) -> Evaluator:
        """What evaluates it."""
        return self._evaluator

    @property
    def files(self) -> tuple[Path, ...]:
        """The files that it is made of, which are read again by `reload`."""
        return self._loaded.files

    @property
    def overrides(self) -> tuple[Override, ...]:
        """The overrides, in the order in which they were made."""
        return self._overrides

    @property
    def problem(self) -> str | None:
        """What was wrong when the files were last read again; None if nothing was."""
        return self._problem

    def reload(self) -> None:
        """Serve what the project's file says now. Overrides that still make sense stay.

        Raises:
            ProjectError: It is missing or faulty. What was served goes on being served.
        """
        try:
            loaded = load_specs(self._file)
            misfits = [_misfit(loaded, override) for override in self._overrides]
            checked = zip(self._overrides, misfits, strict=True)
            self._serve(loaded, tuple(override for override, misfit in checked if misfit is None))
        except ProjectError as error:
            self._problem = str(error)
            raise
        gone = "; ".join(misfit for misfit in misfits if misfit is not None)
        self._problem = (
            f"overrides that no longer make sense were removed: {gone}" if gone else None
        )

    def override(self, override: Override) -> None:
        """Add an override, in place of one for the same.

        Raises:
            OverrideTargetError: The project does not have what it names.
        """
        check_override(self._loaded, override)
        others = (other for other in self._overrides if other.target != override.target)
        self._serve(self._loaded, (*others, override))

    def remove_overrides(self, is_meant: Callable[[Override], bool]) -> None:
        """Remove those overrides that are meant."""
        kept = tuple(override for override in self._overrides if not is_meant(override))
        if kept != self._overrides:
            self._serve(self._loaded, kept)

    def close(self) -> None:
        """Stop evaluating."""
        self._evaluator.close()

    def _serve(self, loaded: ConfigSpecs, overrides: tuple[Override, ...]) -> None:
        # SDKs take only what is newer than what they have.
        changed = max(loaded.time, self._specs.time + 1)
        specs = overridden(loaded, overrides, changed)
        evaluator = Evaluator(specs)
        self._evaluator.close()
        self._loaded, self._overrides = loaded, overrides
        self._specs, self._evaluator = specs, evaluator


def _misfit(specs: ConfigSpecs, override: Override) -> str | None:
    try:
        check_override(specs, override)
    except OverrideTargetError as error:
        return str(error)
    return None
