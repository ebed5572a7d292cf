"""The local Statsig server, as a Python object."""

import os
import weakref
from pathlib import Path

from .client import LocalControl
from .process import ServerProcess
from .runner import ServerThread, Settings


class LocalServer(LocalControl):
    """A Statsig on this machine that serves one project, from a thread or a process of its own.

    It evaluates as Statsig does, with Statsig's own core, and keeps every exposure and event, to be
    looked at. It runs from its construction to `close()`, to the end of a `with` block, or to the
    end of the program.

    Example:
        >>> with LocalServer("project.yaml") as server:
        ...     with Statsig(server.secret_key, base_url=server.url) as statsig:
        ...         assert statsig.check_gate({"email": "ada@example.com"}, "staff_tools")
        ...     assert server.exposures()[0].name == "staff_tools"

    Args:
        project: A project file (`.yaml`), or config specs downloaded from a real project (`.json`).
        port: The port to listen on; 0 takes a free one.
        db: The SQLite file for events and exposures, made if need be, and added to if it has some;
            None keeps them as long as the server runs.
        host: The address to listen on. There is no encryption: keep it on this machine.
        process: Serve from a process of its own, which ends with this one. It takes a second to
            start, and leaves this process all of its time.
        watch: Serve what the project's file says whenever it is saved. What cannot be served is
            logged, and is the `problem` of `project()`.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
        RecordingError: The database cannot be used.
        OSError: The port cannot be listened on.
        ValueError: There is no such port.
    """

    def __init__(  # noqa: PLR0913
        self,
        project: str | os.PathLike[str],
        *,
        port: int = 0,
        db: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
        process: bool = False,
        watch: bool = False,
    ) -> None:
        if not 0 <= port <= 65535:
            raise ValueError(f"LocalServer.port: expected a number from 0 to 65535, got {port}")
        settings = Settings(
            # Absolute, since it is read again, and the program may have gone elsewhere by then.
            project=Path(project).absolute(),
            host=host,
            port=port,
            db=None if db is None else Path(db),
            watch=watch,
        )
        running = ServerProcess(settings) if process else ServerThread(settings)
        self._stop = weakref.finalize(self, running.close)
        super().__init__(running.url)

    def close(self) -> None:
        """Stop serving. Closing twice is fine; reading events afterwards is not."""
        super().close()
        self._stop()
