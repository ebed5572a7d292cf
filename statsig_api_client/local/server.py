"""The local Statsig server as a Python object."""

import os
import weakref
from pathlib import Path
from typing import Final

from .client import LocalControl
from .runner import ServerOptions, ServerProcess, ServerThread

EXAMPLE_PROJECT: Final = Path(__file__).with_name("example.yaml")
"""The project file of a small example shop."""


class LocalServer(LocalControl):
    """A Statsig server on this machine for one project, in a thread or a separate process.

    It evaluates with Statsig's own core and records every exposure and event. It runs from its
    construction until `close()`, the end of a `with` block, or the end of the program.

    Example:
        >>> with LocalServer("project.yaml") as server:
        ...     with Statsig(server.secret_key, base_url=server.url) as statsig:
        ...         assert statsig.check_gate({"email": "ada@example.com"}, "staff_tools")
        ...     assert server.exposures()[0].name == "staff_tools"

    Args:
        project: A project file (`.yaml`), config specs downloaded from a real project (`.json`), or
            `EXAMPLE_PROJECT`.
        port: The port to listen on; 0 selects a free port.
        db: The SQLite file to which events and exposures are appended, created if it does not
            exist; None discards them when the server closes.
        host: The address to listen on. Connections are not encrypted: use a loopback address.
        process: Serve from a separate process, which ends with this one. It takes a second to
            start, and does not share the interpreter lock with this process.
        watch: Reload the project whenever its file changes. A problem is logged, and returned as
            the `problem` of `project()`.

    Raises:
        ProjectError: The project's file is missing or invalid; the message contains the line.
        RecordingError: The database cannot be used.
        OSError: The server cannot listen on the address or port.
        ValueError: The port is not in the range 0 to 65535.
    """

    def __init__(
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
        options = ServerOptions(
            # Absolute, because it is read again, possibly from another working directory.
            project=Path(project).absolute(),
            host=host,
            port=port,
            db=None if db is None else Path(db),
            watch=watch,
        )
        running = ServerProcess(options) if process else ServerThread(options)
        self._stop = weakref.finalize(self, running.close)
        super().__init__(running.url)

    def close(self) -> None:
        """Stop the server. Recorded events cannot be read afterwards."""
        super().close()
        self._stop()
