"""Transports of every kind behind one interface, and helpers for their tests."""

import asyncio
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
import trustme
from attrs import define, field

from statsig_api_client._transports.base import (
    RequestHeaders,
    TransportFailure,
    TransportRequest,
    TransportResponse,
    TransportResult,
)
from statsig_api_client._transports.httpx import HttpxTransport
from statsig_api_client._transports.httpx_asyncio import AsyncHttpxTransport
from statsig_api_client._transports.pyreqwest import AsyncPyreqwestTransport, PyreqwestTransport

TIME_LIMIT = 5.0
"""Additional seconds for an overloaded machine."""

OK = b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok"


@define
class Sender:
    """A transport of any kind with a common interface."""

    transport: Any
    library: ModuleType | None
    runner: asyncio.Runner
    is_async: bool = field(default=False, kw_only=True)
    supplied: bool = field(default=False, kw_only=True)

    def send(
        self,
        url: str,
        body: bytes = b"{}",
        *,
        headers: list[tuple[str, str]] | None = None,
        timeout: float = 5.0,
        connect_timeout: float = 5.0,
    ) -> TransportResult:
        request = TransportRequest(
            url=url,
            headers=RequestHeaders(*(headers or [])),
            body=body,
            connect_timeout=connect_timeout,
            timeout=timeout,
        )
        if not self.is_async:
            return self.transport.send(request)
        return self.runner.run(self.transport.send(request))

    def http_client(self, **options: Any) -> Any:
        assert self.library is not None
        return (self.library.AsyncClient if self.is_async else self.library.Client)(**options)

    def use(self, http_client: Any) -> None:
        """Replace the transport by one on an HTTP client."""
        self.close()
        self.transport = (AsyncHttpxTransport if self.is_async else HttpxTransport)(http_client)

    def close(self) -> None:
        if self.is_async:
            self.runner.run(self.transport.aclose())
        else:
            self.transport.close()

    @property
    def is_fast(self) -> bool:
        """Return whether the transport is pyreqwest."""
        return self.library is None

    @property
    def bounds_everything(self) -> bool:
        """Return whether the timeout limits the whole attempt, which `Client` cannot do."""
        return self.is_async or not self.supplied


@contextmanager
def open_sender(kind: str) -> Iterator[Sender]:
    is_async = "async" in kind
    library = httpx2 if "httpx2" in kind else httpx
    supplied = "client" in kind
    transport_class: Any = AsyncHttpxTransport if is_async else HttpxTransport
    with asyncio.Runner() as runner:
        if "fast" in kind:
            fast = AsyncPyreqwestTransport() if is_async else PyreqwestTransport()
            made = Sender(fast, None, runner, is_async=is_async)
            yield made
            made.close()
        elif not supplied:
            made = Sender(
                transport_class(default=library.__name__), library, runner, is_async=is_async
            )
            yield made
            made.close()
        elif is_async:
            client = library.AsyncClient()
            made = Sender(transport_class(client), library, runner, is_async=True, supplied=True)
            yield made
            runner.run(client.aclose())
        else:
            with library.Client() as client:
                yield Sender(transport_class(client), library, runner, supplied=True)


KINDS = [
    f"{way} {what}"
    for way in ("sync", "async")
    for what in ("httpx", "httpx2", "httpx client", "httpx2 client", "fast")
]

on_own_connections = pytest.mark.parametrize(
    "sender", [kind for kind in KINDS if "client" not in kind], indirect=True
)
on_http_client = pytest.mark.parametrize(
    "sender", [kind for kind in KINDS if "client" in kind], indirect=True
)


def response_of(result: TransportResult) -> TransportResponse:
    assert isinstance(result, TransportResponse), result
    return result


def failure_of(result: TransportResult) -> TransportFailure:
    assert isinstance(result, TransportFailure), result
    return result


def wait_until(happened: Callable[[], bool]) -> None:
    start = time.monotonic()
    while not happened() and time.monotonic() - start < TIME_LIMIT:
        time.sleep(0.01)


@contextmanager
def deaf_port() -> Iterator[int]:
    """Yield a port that neither accepts nor rejects more connections."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as listener:
        waiting = [socket.socket() for _ in range(3)]
        for each in waiting:
            each.settimeout(0)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def trust(authority: trustme.CA, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    file = folder / "authority.pem"
    authority.cert_pem.write_to_path(file)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))


def close(sender: Sender, client: Any) -> None:
    if sender.is_async:
        sender.runner.run(client.aclose())
    else:
        client.close()


def raising(sender: Sender, error: Exception) -> Any:
    """Return an HTTP client whose transport raises an error."""
    assert sender.library is not None

    def handler(_: Any) -> None:
        raise error

    return sender.http_client(transport=sender.library.MockTransport(handler))
