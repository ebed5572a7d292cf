"""Execution of a server in a thread of this process, or in a separate process."""

import asyncio
import contextlib
import os
import pickle
import re
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import BinaryIO, Final, TypeAlias, cast

from attrs import frozen

from .._transports.base import LOOPBACK
from .http.access_log import AccessLog
from .http.app import create_app
from .http.connections import http_server, limit_accept_errors
from .project.model import ProjectError
from .recording import Recording, RecordingError
from .state import ServerState
from .watcher import file_versions, watching

STOP_TIMEOUT: Final = 10
"""Maximum seconds for a server process to stop before it is killed."""

_WILDCARDS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Wildcard addresses, with addresses that clients can connect to."""

_StartResult: TypeAlias = str | ProjectError | RecordingError | OSError
"""The URL of a started server, or the error that prevented its start."""

_START_MARK: Final = b"statsig-local-server\n"
"""The line before the result of a start, after all output of the interpreter."""

# All later output of any library is redirected to stderr.
_PROGRAM: Final = f"""
import os, sys
result_output = os.fdopen(os.dup(1), "wb")
os.dup2(2, 1)
from {__name__} import serve
serve(sys.stdin.buffer, result_output)
"""


def is_loopback(host: str) -> bool:
    """Return whether an address accepts only connections from this machine."""
    return re.fullmatch(LOOPBACK, _url_host(host)) is not None


@frozen(kw_only=True)
class ServerOptions:
    """The options of a server; see `LocalServer`."""

    project: Path
    host: str = "127.0.0.1"
    port: int = 0
    db: Path | None = None
    watch: bool = False


class ServerThread:
    """A server in a thread of this process, until it is closed.

    Args:
        options: The options of the server.
        log_requests: Log a line for each request.

    Raises:
        ProjectError: The project's file is missing or invalid; the message contains the line.
        RecordingError: The database cannot be used.
        OSError: The server cannot listen on the address or port.
    """

    def __init__(self, options: ServerOptions, *, log_requests: bool = False) -> None:
        self._owner = os.getpid()
        with contextlib.ExitStack() as stack:
            recording = Recording(options.db)
            stack.callback(recording.close)
            self._watches = options.watch
            before = file_versions([options.project])  # It may change while it is being loaded.
            self.state: ServerState = ServerState(options.project, recording)
            self._files = file_versions(self.state.files) | before
            stack.callback(self.state.close)
            self._listener = stack.enter_context(_listen(options.host, options.port))
            self._closing = stack.pop_all()
        host = _url_host(_WILDCARDS.get(options.host, options.host))
        self.url: str = f"http://{host}:{self._listener.getsockname()[1]}/v1"
        app = create_app(self.state, loopback_only=is_loopback(options.host))
        self._server = http_server(AccessLog(app, self.state) if log_requests else app)
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(),), name="statsig-local-server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop the server. Further calls have no effect."""
        if os.getpid() != self._owner:
            return  # A forked child has this object, but not the threads.
        self._server.should_exit = True
        self._thread.join()
        self._closing.close()

    async def _serve(self) -> None:
        limit_accept_errors(asyncio.get_running_loop())
        files = self._files
        with watching(self.state, files) if self._watches else contextlib.nullcontext():
            await self._server.serve([self._listener])


class ServerProcess:
    """A server in a separate process, until it is closed or this process ends.

    A thread shares the interpreter lock with the program under test, which matters to benchmarks
    and load tests; `multiprocessing` would import that program's main module again.

    Args:
        options: The options of the server.

    Raises:
        ProjectError: The project's file is missing or invalid; the message contains the line.
        RecordingError: The database cannot be used.
        OSError: The server cannot listen on the address or port.
        RuntimeError: The process ended before it could serve; its stderr contains the reason.
    """

    def __init__(self, options: ServerOptions) -> None:
        with contextlib.ExitStack() as stack:
            process = subprocess.Popen(  # noqa: S603
                # With -P and this process's path, it imports the same modules as this process.
                [sys.executable, "-P", "-c", _PROGRAM],
                env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                # Ctrl-C goes to this process, which then stops the server.
                process_group=0,
            )
            stack.callback(_stop, process)
            self.url: str = _start(process, options)
            self._closing = stack.pop_all()

    def close(self) -> None:
        """Stop the server. Further calls have no effect."""
        self._closing.close()


def serve(options_input: BinaryIO, result_output: BinaryIO) -> None:
    """Serve in a separate process until the input ends.

    Args:
        options_input: A pipe with the pickled options; its end stops the server.
        result_output: A pipe for the pickled URL, or for the error of the start.
    """
    result_output.write(b"\n" + _START_MARK)
    options = cast("ServerOptions", pickle.load(options_input))  # noqa: S301  (from the parent)
    try:
        server = ServerThread(options)
    except (ProjectError, RecordingError, OSError) as error:
        pickle.dump(error, result_output)
        result_output.flush()
        return
    with contextlib.closing(server):
        pickle.dump(server.url, result_output)
        result_output.flush()
        options_input.read()


def _start(process: "subprocess.Popen[bytes]", options: ServerOptions) -> str:
    pipe_in, pipe_out = cast("BinaryIO", process.stdin), cast("BinaryIO", process.stdout)
    try:
        pickle.dump(options, pipe_in)
        pipe_in.flush()
        while pipe_out.readline() not in {_START_MARK, b""}:
            pass
        result = cast("_StartResult", pickle.load(pipe_out))  # noqa: S301  (from our own process)
    except (EOFError, BrokenPipeError):
        status = process.wait(STOP_TIMEOUT)
        raise RuntimeError(f"the local server's process ended with status {status}") from None
    if isinstance(result, str):
        return result
    raise result


def _stop(process: "subprocess.Popen[bytes]") -> None:
    # The pipe also closes when this process ends in any other way.
    with contextlib.suppress(BrokenPipeError):
        cast("BinaryIO", process.stdin).close()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
    process.__exit__(None, None, None)


def _url_host(address: str) -> str:
    return f"[{address}]" if ":" in address else address


def _listen(host: str, port: int) -> socket.socket:
    # Not `socket.create_server`: it omits the protocol, so that asyncio does not disable
    # Nagle's algorithm and each response takes 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # On Windows the option would let two servers share one port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
