"""The local Statsig server, as a Python object."""

import contextlib
import os
import socket
import threading
from pathlib import Path
from types import TracebackType
from typing import Self

from .api.app import create_app
from .connections import http_server
from .recording import Query, RecordedEvent, RecordedExposure, Recording
from .service import Service


class LocalServer:
    """A Statsig on this machine, that serves one project from a background thread.

    It evaluates as Statsig does, with Statsig's own core, and keeps every exposure and event, to be
    looked at. It runs from its construction to `close()`, or to the end of a `with` block:

        with LocalServer("project.yaml") as server:
            with Statsig(server.secret_key, base_url=server.url) as statsig:
                assert statsig.check_gate({"email": "ada@example.com"}, "staff_tools")
            assert server.exposures()[0].name == "staff_tools"

    Args:
        project: A project file (`.yaml`), or config specs downloaded from a real project (`.json`).
        port: The port to listen on; 0 takes a free one.
        db: The SQLite file for events and exposures, made if need be, and added to if it has some;
            None keeps them in memory.
        host: The address to listen on. There is no encryption: keep it on this machine.

    Raises:
        ProjectError: The project's file is missing or faulty; it says where.
        RecordingError: The database cannot be used.
        OSError: The port cannot be listened on.
    """

    def __init__(
        self,
        project: str | os.PathLike[str],
        *,
        port: int = 0,
        db: str | os.PathLike[str] | None = None,
        host: str = "127.0.0.1",
    ) -> None:
        with contextlib.ExitStack() as stack:
            recording = Recording(None if db is None else Path(db))
            stack.callback(recording.close)
            service = Service(Path(project), recording)
            stack.callback(service.close)
            listener = stack.enter_context(_listen(host, port))
            self._service = service
            self._closing = stack.pop_all()
        address = f"[{host}]" if ":" in host else host
        self._url = f"http://{address}:{listener.getsockname()[1]}/v1"
        only_this_machine = host in {"127.0.0.1", "::1", "localhost"}
        self._server = http_server(create_app(service, only_this_machine=only_this_machine))
        self._thread = threading.Thread(
            target=self._server.run, args=([listener],), name="statsig-local-server", daemon=True
        )
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    @property
    def url(self) -> str:
        """Where the API is, to be given to a client as its base URL."""
        return self._url

    @property
    def secret_key(self) -> str:
        """The project's server secret key."""
        return self._service.specs.keys.secret

    @property
    def client_key(self) -> str:
        """The project's client SDK key."""
        return self._service.specs.keys.client

    @property
    def gates(self) -> tuple[str, ...]:
        """The names of the gates; without the segments and holdouts, which other rules ask."""
        return self._service.specs.gates

    @property
    def configs(self) -> tuple[str, ...]:
        """The names of the dynamic configs."""
        return self._service.specs.configs

    @property
    def experiments(self) -> tuple[str, ...]:
        """The names of the experiments."""
        return self._service.specs.experiments

    @property
    def layers(self) -> tuple[str, ...]:
        """The names of the layers."""
        return self._service.specs.layers

    def events(self) -> list[RecordedEvent]:
        """Every logged event but exposures, in the order in which they arrived."""
        return self._service.recording.find(Query(exposures=False), limit=2**62).items

    def exposures(self) -> list[RecordedExposure]:
        """Every exposure, in the order in which they arrived."""
        found = self._service.recording.find(Query(exposures=True), limit=2**62).items
        return [event for event in found if isinstance(event, RecordedExposure)]

    def close(self) -> None:
        """Stop serving. Closing twice is fine; reading events afterwards is not."""
        self._server.should_exit = True
        self._thread.join()
        self._closing.close()


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
