"""Serving a project from a thread of this process."""

import asyncio
import contextlib
import os
import socket
import threading
from ipaddress import ip_address
from pathlib import Path
from typing import Final

from attrs import frozen

from .http.access_log import RequestLog
from .http.app import create_app
from .http.connections import http_server
from .recording import Recording
from .state import Service
from .watcher import versions, watching

_EVERY_ADDRESS: Final = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses that stand for all of this machine, each with one that can be called."""


def is_loopback(host: str) -> bool:
    """Whether only this machine can call an address."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


@frozen(kw_only=True)
class Settings:
    """What is to be served, and where; see `LocalServer`."""

    project: Path
    host: str = "127.0.0.1"
    port: int = 0
    db: Path | None = None
    watch: bool = False


class ServerThread:
    """A project, served from a thread of this process until it is closed.

    Args:
        settings: What is to be served, and where.
        log_requests: Whether each request is a line of the log.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
        RecordingError: The database cannot be used.
        OSError: The port cannot be listened on.
    """

    def __init__(self, settings: Settings, *, log_requests: bool = False) -> None:
        self._owner = os.getpid()
        with contextlib.ExitStack() as stack:
            recording = Recording(settings.db)
            stack.callback(recording.close)
            self._watched = settings.watch
            before = versions([settings.project])  # It may be saved while it is being loaded.
            self.service: Service = Service(settings.project, recording)
            self._files = versions(self.service.files) | before
            stack.callback(self.service.close)
            self._listener = stack.enter_context(_listen(settings.host, settings.port))
            self._closing = stack.pop_all()
        host = _EVERY_ADDRESS.get(settings.host, settings.host)
        address = f"[{host}]" if ":" in host else host
        self.url: str = f"http://{address}:{self._listener.getsockname()[1]}/v1"
        app = create_app(self.service, only_this_machine=is_loopback(settings.host))
        self._server = http_server(RequestLog(app, self.service) if log_requests else app)
        self._thread = threading.Thread(
            target=asyncio.run, args=(self._serve(),), name="statsig-local-server", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop serving. Closing twice is fine."""
        if os.getpid() != self._owner:
            return  # A child made by a fork has the object, but neither the thread nor the core's.
        self._server.should_exit = True
        self._thread.join()
        self._closing.close()

    async def _serve(self) -> None:
        files = self._files
        with watching(self.service, files) if self._watched else contextlib.nullcontext():
            await self._server.serve([self._listener])


def _listen(host: str, port: int) -> socket.socket:
    # Not `socket.create_server`: it leaves out the protocol, and then asyncio does not know the
    # connections for TCP, lets Nagle's algorithm wait, and each answer takes 40 ms.
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM, socket.IPPROTO_TCP)
    try:
        # Only where it means to reuse the port of a server that is gone: on Windows it would let
        # two servers have one port.
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, os.name == "posix")
        listener.bind((host, port))
        listener.listen()
    except OSError:
        listener.close()
        raise
    return listener
