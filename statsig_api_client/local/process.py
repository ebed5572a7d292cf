"""Serving a project from a process of its own."""

import contextlib
import os
import pickle
import subprocess
import sys
from typing import BinaryIO, Final, TypeAlias, cast

from .project.model import ProjectError
from .recording import RecordingError
from .runner import ServerThread, Settings

_Start: TypeAlias = str | ProjectError | RecordingError | OSError
"""What comes of a start: the URL, or why there is none."""

_PROGRAM: Final = f"""
import sys
from {__name__} import serve
serve(sys.stdin.buffer, sys.stdout.buffer)
"""

PATIENCE: Final = 10
"""Seconds that a process may take to end."""


class ServerProcess:
    """A project, served from a process of its own until it is closed, or until this one ends.

    Args:
        settings: What is to be served, and where.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
        RecordingError: The database cannot be used.
        OSError: The port cannot be listened on.
        RuntimeError: The process ended before it served; its stderr says why.
    """

    def __init__(self, settings: Settings) -> None:
        with contextlib.ExitStack() as stack:
            process = subprocess.Popen(  # noqa: S603
                # -P, and the same path, so that it imports what this process would.
                [sys.executable, "-P", "-c", _PROGRAM],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Out of reach of Ctrl-C, which is for this process to obey.
                process_group=0,
            )
            stack.callback(_end, process)
            self.url: str = _start(process, settings)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Stop serving. Closing twice is fine."""
        self._closing.close()


def _start(process: "subprocess.Popen[bytes]", settings: Settings) -> str:
    given, told = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    try:
        pickle.dump(settings, given)
        given.flush()
        start = cast("_Start", pickle.load(told))  # noqa: S301  (it comes from our own process)
    except (EOFError, BrokenPipeError):
        status = process.wait(PATIENCE)
        raise RuntimeError(f"the local server's process ended with status {status}") from None
    if isinstance(start, str):
        return start
    raise start


def _end(process: "subprocess.Popen[bytes]") -> None:
    # Its input ends with this process too, however that comes about.
    with contextlib.suppress(BrokenPipeError):
        cast("BinaryIO", process.stdin).close()
    try:
        process.wait(PATIENCE)
    except subprocess.TimeoutExpired:
        process.kill()
    process.__exit__(None, None, None)


def serve(given: BinaryIO, told: BinaryIO) -> None:
    """Serve until the input ends.

    Args:
        given: Has the settings, and ends when the server is to end.
        told: Where the URL is written, or the error that prevents it.
    """
    settings = cast("Settings", pickle.load(given))  # noqa: S301  (from the process that waits)
    try:
        server = ServerThread(settings)
    except (ProjectError, RecordingError, OSError) as error:
        pickle.dump(error, told)
        told.flush()
        return
    with contextlib.closing(server):
        pickle.dump(server.url, told)
        told.flush()
        given.read()
