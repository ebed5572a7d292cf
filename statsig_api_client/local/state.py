"""Server state: the loaded project, overrides, injected faults and recorded events."""

import asyncio
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from attrs import frozen

from .changes import Changes
from .config_specs.document import ConfigSpecs, load_specs, paused_collector
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


@frozen
class _Served:
    """The served config specs and their parts."""

    loaded: ConfigSpecs
    """Those of the project's files."""
    overrides: tuple[Override, ...]
    specs: ConfigSpecs
    evaluator: Evaluator


class ServerState:
    """The state of one server.

    It belongs to the server's event loop: other threads may use only the recording.
    Changes of the config specs are prepared in a thread, so that the event loop serves requests.

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
        self._problem: str | None = None
        self._changed = asyncio.Event()
        self._changing = asyncio.Lock()
        with paused_collector():
            loaded = load_specs(project)
            # Newer than the specs that SDKs have from an earlier server.
            self._load_time = max(loaded.time, time.time_ns() // 1_000_000)
            self._served = _prepared(loaded, (), self._load_time)
        self._explainer: Explainer | None = None

    @property
    def specs(self) -> ConfigSpecs:
        """The served config specs: those of the file, with the overrides."""
        return self._served.specs

    @property
    def evaluator(self) -> Evaluator:
        """The evaluator of these specs."""
        return self._served.evaluator

    @property
    def explainer(self) -> Explainer:
        """The explainer of these specs."""
        if self._explainer is None:
            self._explainer = Explainer(self.specs)
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
        return self._served.loaded.files

    @property
    def overrides(self) -> tuple[Override, ...]:
        """The overrides, oldest first."""
        return self._served.overrides

    @property
    def problem(self) -> str | None:
        """The problem of the last reload, or None."""
        return self._problem

    async def reload(self) -> None:
        """Serve the current content of the project's files, with the overrides that still apply.

        Raises:
            ProjectError: A file is missing or invalid. The previous content is still served.
        """
        async with self._changing:
            try:
                served, removed = await asyncio.to_thread(self._reloaded)
            except ProjectError as error:
                self._problem = str(error)
                self.changes.notify("project")
                raise
            self._serve(served)
            self._load_time = time.time_ns() // 1_000_000
            self.unknown_names.clear()
            self._problem = (
                f"removed overrides that no longer apply: {removed}" if removed else None
            )

    async def override(self, override: Override) -> None:
        """Add an override, or replace the one with the same target.

        Raises:
            OverrideTargetError: The project does not define the name.
        """
        async with self._changing:
            await asyncio.to_thread(check_override, self._served.loaded, override)
            others = (other for other in self.overrides if other.target != override.target)
            await self._serve_with((*others, override))

    async def remove_overrides(self, predicate: Callable[[Override], bool]) -> None:
        """Remove the overrides for which `predicate` is true."""
        async with self._changing:
            kept = tuple(override for override in self.overrides if not predicate(override))
            if kept != self.overrides:
                await self._serve_with(kept)

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
        self.evaluator.close()
        if self._explainer is not None:
            self._explainer.close()

    def _reloaded(self) -> tuple[_Served, str]:
        with paused_collector():
            loaded = load_specs(self._file)
            problems = [_override_problem(loaded, override) for override in self.overrides]
            checked = zip(self.overrides, problems, strict=True)
            kept = tuple(override for override, problem in checked if not problem)
            served = _prepared(loaded, kept, self._next_time(loaded))
        return served, "; ".join(filter(None, problems))

    async def _serve_with(self, overrides: tuple[Override, ...]) -> None:
        loaded = self._served.loaded
        self._serve(await asyncio.to_thread(_prepared, loaded, overrides, self._next_time(loaded)))

    def _next_time(self, loaded: ConfigSpecs) -> int:
        # SDKs ignore specs that are not newer than theirs.
        return max(loaded.time, self.specs.time + 1)

    def _serve(self, served: _Served) -> None:
        self.close()
        self._explainer = None
        self._served = served
        self.changes.notify("project")
        self._changed.set()
        self._changed = asyncio.Event()


def _prepared(loaded: ConfigSpecs, overrides: tuple[Override, ...], changed: int) -> _Served:
    with paused_collector():
        specs = overridden(loaded, overrides, changed)
        return _Served(loaded, overrides, specs, Evaluator(specs))


def _override_problem(specs: ConfigSpecs, override: Override) -> str | None:
    try:
        check_override(specs, override)
    except OverrideTargetError as error:
        return str(error)
    return None
