"""Proxies that the environment configures."""

import ssl
import sys
from pathlib import Path

import pytest
import trustme

from tests.support.loopback import (
    Connection,
    Loopback,
    respond,
    unused_port,
)

from .senders import (
    Sender,
    failure_of,
    on_own_connections,
    response_of,
    trust,
)


@on_own_connections
@pytest.mark.parametrize("name", ["HTTP_PROXY", "ALL_PROXY", "http_proxy"])
@pytest.mark.parametrize("scheme", ["http://", ""])
def test_environment_proxy_is_used(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, name: str, scheme: str
) -> None:
    if name == "HTTP_PROXY" and sys.platform == "win32":
        pytest.skip("environment variables are case-insensitive")
    monkeypatch.setenv(name, f"{scheme}127.0.0.1:{server.port}")
    assert response_of(sender.send("http://statsig.test/v1/check_gate")).status_code == 200
    assert server.requests[0].path == "http://statsig.test/v1/check_gate"
    assert server.requests[0].headers["host"] == "statsig.test"


@on_own_connections
def test_uppercase_scheme_uses_same_proxy(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{server.port}")
    assert response_of(sender.send("HTTP://statsig.test/v1/check_gate")).status_code == 200


NOT_LOOPBACK = "0.0.0.0"  # noqa: S104  (although it leads here)


@on_own_connections
@pytest.mark.skipif(sys.platform == "win32", reason="it leads nowhere")
@pytest.mark.parametrize("hosts", [NOT_LOOPBACK, "*", f"example.org,{NOT_LOOPBACK}"])
def test_no_proxy_host_is_reached_directly(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, hosts: str
) -> None:
    monkeypatch.setenv("HTTP_PROXY", f"http://127.0.0.1:{unused_port()}")
    monkeypatch.setenv("NO_PROXY", hosts)
    url = server.url.replace("127.0.0.1", NOT_LOOPBACK)
    assert response_of(sender.send(url)).status_code == 200


@on_own_connections
@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_loopback_is_reached_directly(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch, host: str
) -> None:
    for name in ("HTTP_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{unused_port()}")
    assert response_of(sender.send(f"http://{host}:{server.port}/v1")).status_code == 200
    assert server.requests[0].path == "/v1"


@on_own_connections
def test_proxy_tunnels_tls(
    sender: Sender,
    server: Loopback,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("statsig.test").configure_cert(context)

    def tunnel(connection: Connection) -> None:
        connection.send(b"HTTP/1.1 200 Connection established\r\n\r\n")
        connection.socket = context.wrap_socket(connection.socket, server_side=True)

    server.script(tunnel, respond())
    assert (
        response_of(sender.send("https://statsig.test/v1/check_gate", b'{"a":1}')).status_code
        == 200
    )
    connect, request = server.requests
    assert connect.raw_headers.startswith(b"CONNECT statsig.test:443 HTTP/1.1")
    assert (request.path, request.body) == ("/v1/check_gate", b'{"a":1}')


@on_own_connections
def test_proxy_error_response_was_not_sent(
    sender: Sender, server: Loopback, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HTTPS_PROXY", f"http://127.0.0.1:{server.port}")
    server.script(respond(403, b""))
    failure = failure_of(sender.send("https://statsig.test/v1"))
    assert not failure.sent
    assert failure.reason == ("tunnel error: unsuccessful" if sender.is_fast else "403 Some Reason")


@on_own_connections
def test_unknown_proxy_scheme_makes_transport_unusable(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ALL_PROXY", "gopher://user:hunter2@127.0.0.1:70")
    failure = failure_of(sender.send("https://statsig.test/v1"))
    assert failure.unusable
    assert "hunter2" not in failure.reason


@pytest.mark.parametrize(
    "sender", ["sync httpx", "sync httpx2", "async httpx", "async httpx2"], indirect=True
)
def test_socks_proxy_without_package_is_unusable(
    sender: Sender, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "socksio", None)
    monkeypatch.setenv("ALL_PROXY", f"socks5://127.0.0.1:{unused_port()}")
    failure = failure_of(sender.send("https://statsig.test/v1"))
    assert failure.unusable
    assert "socksio" in failure.reason
