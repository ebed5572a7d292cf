"""Transports on a client that the user supplies."""

import gzip
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest

from statsig_api_client._transports import httpx_client
from statsig_api_client._transports.base import (
    RequestHeaders,
    TransportFailure,
    TransportRequest,
)
from statsig_api_client._transports.httpx import HttpxTransport
from statsig_api_client._transports.httpx_asyncio import AsyncHttpxTransport
from tests.support.loopback import (
    Loopback,
    respond,
    unused_port,
)

from .senders import (
    Sender,
    close,
    failure_of,
    on_http_client,
    open_sender,
    raising,
    response_of,
)


@on_http_client
def test_http_client_headers_are_added_not_replaced(sender: Sender, server: Loopback) -> None:
    client = sender.http_client(
        headers={"X-Gateway": "1", "Content-Type": "text/plain"},
        cookies={"session": "abc"},
        auth=("ada", "pw"),
        params={"tenant": "7"},
        base_url="https://elsewhere.example",
        timeout=None,
    )
    sender.use(client)
    sender.send(f"{server.url}/check_gate", headers=[("Content-Type", "application/json")])
    (received,) = server.requests
    assert received.path == "/v1/check_gate?tenant=7"
    assert received.headers["x-gateway"] == "1"
    assert received.headers["cookie"] == "session=abc"
    assert received.headers["authorization"].startswith("Basic ")
    assert received.headers["content-type"] == "application/json"
    close(sender, client)


@on_http_client
def test_hooks_receive_request_and_response(sender: Sender, server: Loopback) -> None:
    seen: list[object] = []

    def request_hook(request: Any) -> None:
        seen.append(request.content)

    def response_hook(response: Any) -> None:
        seen.append(response.read()[:7])

    async def async_request_hook(request: Any) -> None:
        request_hook(request)

    async def async_response_hook(response: Any) -> None:
        seen.append((await response.aread())[:7])

    hooks = (
        {"request": [async_request_hook], "response": [async_response_hook]}
        if sender.is_async
        else {"request": [request_hook], "response": [response_hook]}
    )
    client = sender.http_client(event_hooks=hooks)
    sender.use(client)
    server.script(respond(200, gzip.compress(b'{"name": 1}'), {"Content-Encoding": "gzip"}))
    assert response_of(sender.send(server.url, b"sent")).content == b'{"name": 1}'
    assert seen == [b"sent", b'{"name"']
    close(sender, client)


@on_http_client
def test_hook_error_surfaces_and_client_stays_usable(sender: Sender, server: Loopback) -> None:
    class HookError(Exception):
        """An exception of the user."""

    errors: list[Exception] = [HookError(), LookupError("no token"), ValueError(), RuntimeError()]

    def hook(_: Any) -> None:
        if errors:
            raise errors.pop()

    async def async_hook(request: Any) -> None:
        hook(request)

    hooks = [async_hook if sender.is_async else hook]
    client = sender.http_client(event_hooks={"request": hooks})
    sender.use(client)
    for expected in (RuntimeError, ValueError, LookupError, HookError):
        with pytest.raises(expected):
            sender.send(server.url)
    assert response_of(sender.send(server.url)).status_code == 200
    close(sender, client)


@on_http_client
def test_reason_is_message_of_root_cause(sender: Sender) -> None:
    cause = ExceptionGroup("all addresses", [OSError(101, "Network is unreachable")])
    error = sender.library.ConnectError("All connection attempts failed")
    error.__cause__ = cause
    client = raising(sender, error)
    sender.use(client)
    failure = failure_of(sender.send("http://statsig.test/"))
    assert failure == TransportFailure(reason="network is unreachable", sent=False)
    close(sender, client)


def test_reason_keeps_capitals_of_abbreviations(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALL_PROXY", f"socks5h://127.0.0.1:{unused_port()}")
    with open_sender("sync fast") as sender:
        failure = failure_of(sender.send("http://statsig.test/"))
    assert failure.reason.startswith("SOCKS error")


@on_http_client
def test_error_without_message_reports_class(sender: Sender) -> None:
    assert sender.library is not None
    client = raising(sender, sender.library.ReadError(""))
    sender.use(client)
    assert failure_of(sender.send("http://statsig.test/")).reason == "ReadError"
    close(sender, client)


@on_http_client
def test_http_client_stays_open_after_close(sender: Sender, server: Loopback) -> None:
    client = sender.http_client()
    sender.use(client)
    sender.send(server.url)
    sender.close()
    assert not client.is_closed
    assert failure_of(sender.send(server.url)).unusable
    close(sender, client)


@on_http_client
def test_closed_http_client_makes_transport_unusable(sender: Sender, server: Loopback) -> None:
    client = sender.http_client()
    sender.use(client)
    close(sender, client)
    failure = failure_of(sender.send(server.url))
    assert failure == TransportFailure(reason="the client is closed", sent=False, unusable=True)


@on_http_client
def test_client_subclass_is_accepted(sender: Sender, server: Loopback) -> None:
    base = sender.library.AsyncClient if sender.is_async else sender.library.Client
    client = type("CompanyClient", (base,), {"__module__": "company.http"})()
    sender.use(client)
    assert response_of(sender.send(server.url)).status_code == 200
    close(sender, client)


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_other_kind_of_client_is_rejected(library: ModuleType) -> None:
    with pytest.raises(
        TypeError, match="expected an AsyncClient, got Client; Statsig accepts a Client"
    ):
        AsyncHttpxTransport(library.Client())
    with pytest.raises(
        TypeError, match="expected a Client, got AsyncClient; AsyncStatsig accepts an AsyncClient"
    ):
        HttpxTransport(library.AsyncClient())


@pytest.mark.parametrize("transport_class", [HttpxTransport, AsyncHttpxTransport])
def test_other_object_is_rejected(transport_class: Any) -> None:
    with pytest.raises(TypeError, match="expected a client of httpx or httpx2, got Session"):
        transport_class(type("Session", (), {})())


@pytest.mark.parametrize("library", [httpx, httpx2])
def test_pool_of_interrupted_request_is_repaired(
    server: Loopback, library: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Interrupted(library.HTTPTransport):  # type: ignore[misc]
        """A transport whose first request is interrupted after httpcore has sent it."""

        def handle_request(self, request: Any) -> Any:
            response = super().handle_request(request)
            if len(server.requests) == 1:
                self._pool._optional_thread_lock._lock.acquire()  # noqa: SLF001
                raise KeyboardInterrupt
            return response

    monkeypatch.setattr(httpx_client, "_LOCK_TIMEOUT", 0.01)
    limits = library.Limits(max_connections=1)
    with library.Client(transport=Interrupted(limits=limits)) as client:
        transport = HttpxTransport(client)
        request = TransportRequest(
            url=server.url, headers=RequestHeaders(), body=b"{}", connect_timeout=5, timeout=5
        )
        with pytest.raises(KeyboardInterrupt):
            transport.send(request)
        assert response_of(transport.send(request)).status_code == 200
