"""Server state: the loaded project, overrides, injected faults and recorded events."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from .changes import Changes
from .config_specs.document import ConfigSpecs, load_specs
from .config_specs.evaluator import Evaluator
from .config_specs.explainer import Explainer
from .config_specs.overrides import (
    Override,
    OverrideTargetError,
    check_override,
    overridden,
)
from .faults import FaultQueue
from .project.model import ProjectError
from .recording import LoggedEventDict, Recording
from .unknown_names import UnknownNames


class ServerState:
    """The state of one server.

    It belongs to the server's event loop: other threads may use only the recording.

    Args:
        project: The project's file.
        recording: The database for events and exposures.

    Raises:
        ProjectError: The project's file is missing or invalid; the message contains the line.
    """

    def __init__(self, project: Path, recording: Recording) -> None:
        self.recording = recording
        self.changes: Changes = Changes()
        self.faults: FaultQueue = FaultQueue(lambda: self.changes.notify("faults"))
        self.unknown_names: UnknownNames = UnknownNames(lambda: self.changes.notify("unknownNames"))
        self._file = project
        self._loaded = load_specs(project)
        self._overrides: tuple[Override, ...] = ()
        self._problem: str | None = None
        self._changed = asyncio.Event()
        # Newer than the specs that SDKs have from an earlier server.
        started = max(self._loaded.time, time.time_ns() // 1_000_000)
        self._specs = overridden(self._loaded, (), started)
        self._evaluator = Evaluator(self._specs)
        self._explainer: Explainer | None = None
        self._load_time = started

    @property
    def specs(self) -> ConfigSpecs:
        """The served config specs: those of the file, with the overrides."""
        return self._specs

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator of these specs."""
        return self._evaluator

    @property
    def explainer(self) -> Explainer:
        """The explainer of these specs."""
        if self._explainer is None:
            self._explainer = Explainer(self._specs)
        return self._explainer

    @property
    def load_time(self) -> int:
        """The time when the project was loaded, in milliseconds since 1970."""
        return self._load_time

    @property
    def changed(self) -> asyncio.Event:
        """An event that is set when these specs are replaced."""
        return self._changed

    @property
    def files(self) -> tuple[Path, ...]:
        """The files of the project, which `reload` reads."""
        return self._loaded.files

    @property
    def overrides(self) -> tuple[Override, ...]:
        """The overrides, oldest first."""
        return self._overrides

    @property
    def problem(self) -> str | None:
        """The problem of the last reload, or None."""
        return self._problem

    def load(self) -> ConfigSpecs:
        """Read the current content of the project's files; any thread may call this.

        Raises:
            ProjectError: A file is missing or invalid.
        """
        return load_specs(self._file)

    def reload(self, load: Callable[[], ConfigSpecs] | None = None) -> None:
        """Serve the current content of the project's files, with the overrides that still apply.

        Args:
            load: Returns the specs that another thread read with `load`, or raises its error.

        Raises:
            ProjectError: A file is missing or invalid. The previous content is still served.
        """
        try:
            loaded = (load or self.load)()
            problems = [_override_problem(loaded, override) for override in self._overrides]
            checked = zip(self._overrides, problems, strict=True)
            self._serve(loaded, tuple(override for override, problem in checked if not problem))
        except ProjectError as error:
            self._problem = str(error)
            self.changes.notify("project")
            raise
        self._load_time = time.time_ns() // 1_000_000
        self.unknown_names.clear()
        removed = "; ".join(filter(None, problems))
        self._problem = f"removed overrides that no longer apply: {removed}" if removed else None

    def override(self, override: Override) -> None:
        """Add an override, or replace the one with the same target.

        Raises:
            OverrideTargetError: The project does not define the name.
        """
        check_override(self._loaded, override)
        others = (other for other in self._overrides if other.target != override.target)
        self._serve(self._loaded, (*others, override))

    def remove_overrides(self, predicate: Callable[[Override], bool]) -> None:
        """Remove the overrides for which `predicate` is true."""
        kept = tuple(override for override in self._overrides if not predicate(override))
        if kept != self._overrides:
            self._serve(self._loaded, kept)

    def record(self, events: Sequence[LoggedEventDict]) -> None:
        """Store events, and wake the listeners.

        Raises:
            sqlite3.Error: The events could not be stored.
        """
        self.recording.store(events)
        self.changes.wake()

    def discard_recorded(self) -> None:
        """Delete all recorded events."""
        self.recording.reset()
        self.unknown_names.clear()
        self.changes.notify("recorded")

    def close(self) -> None:
        """Close the evaluator."""
        self._evaluator.close()
        if self._explainer is not None:
            self._explainer.close()

    def _serve(self, loaded: ConfigSpecs, overrides: tuple[Override, ...]) -> None:
        # SDKs ignore specs that are not newer than theirs.
        changed = max(loaded.time, self._specs.time + 1)
        specs = overridden(loaded, overrides, changed)
        evaluator = Evaluator(specs)
        self.close()
        self._explainer = None
        self._loaded, self._overrides = loaded, overrides
        self._specs, self._evaluator = specs, evaluator
        self.changes.notify("project")
        self._changed.set()
        self._changed = asyncio.Event()


def _override_problem(specs: ConfigSpecs, override: Override) -> str | None:
    try:
        check_override(specs, override)
    except OverrideTargetError as error:
        return str(error)
    return None
