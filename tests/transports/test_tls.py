"""TLS of all transports."""

import re
import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import trustme

from statsig_api_client._transports.httpcore_library import HttpcoreLibrary
from statsig_api_client._transports.proxies import Origin
from statsig_api_client._transports.tls import create_tls_context
from tests.support.loopback import (
    Loopback,
    loopback,
    raw,
)

from .senders import (
    TIME_LIMIT,
    Sender,
    close,
    failure_of,
    on_http_client,
    on_own_connections,
    response_of,
    trust,
)


def test_unknown_authority_fails_before_sending(sender: Sender, tls_server: Loopback) -> None:
    failure = failure_of(sender.send(tls_server.url))
    assert not failure.sent
    assert "certificate" in failure.reason
    assert tls_server.requests == []


@on_own_connections
def test_certificate_for_other_host_fails(
    sender: Sender,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("somewhere.example").configure_cert(context)
    with loopback(context) as other:
        failure = failure_of(sender.send(other.url))
        assert other.requests == []
    assert not failure.sent
    assert re.search('mismatch|not valid for name "127.0.0.1"', failure.reason)


@on_own_connections
def test_ssl_cert_file_is_trusted(
    sender: Sender,
    tls_server: Loopback,
    authority: trustme.CA,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trust(authority, tmp_path, monkeypatch)
    assert response_of(sender.send(tls_server.url)).status_code == 200
    assert response_of(sender.send(tls_server.url)).status_code == 200
    assert tls_server.connections == 1


def test_concurrent_first_requests_read_certificates_once(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    created: list[ssl.SSLContext] = []

    create = ssl.create_default_context

    def create_default_context(**_: object) -> ssl.SSLContext:
        time.sleep(0.02)  # lets the other threads in
        created.append(create())
        return created[-1]

    monkeypatch.setattr(ssl, "create_default_context", create_default_context)
    library = HttpcoreLibrary("httpcore")
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(library.connection_options, [Origin("https", "statsig.test")] * 8))
    assert len(created) == 1


@on_own_connections
@pytest.mark.parametrize("content", [None, "no certificate"])
def test_invalid_ssl_cert_file_makes_transport_unusable(
    sender: Sender, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, content: str | None
) -> None:
    file = tmp_path / "bad.pem"
    if content is not None:
        file.write_text(content)
    monkeypatch.setenv("SSL_CERT_FILE", str(file))
    failure = failure_of(sender.send("https://127.0.0.1:1/v1"))
    assert failure.unusable
    assert failure.reason.startswith("no request can be sent: ")


@on_http_client
def test_http_client_uses_its_own_certificates(
    sender: Sender, tls_server: Loopback, authority: trustme.CA
) -> None:
    context = ssl.create_default_context()
    authority.configure_trust(context)
    client = sender.http_client(verify=context)
    sender.use(client)
    assert response_of(sender.send(tls_server.url)).status_code == 200
    close(sender, client)


def test_plain_server_receives_nothing_over_tls(sender: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    failure = failure_of(sender.send(server.url.replace("http:", "https:"), connect_timeout=0.15))
    assert not failure.sent
    assert server.requests == []


def test_tls_handshake_times_out(sender: Sender) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"https://127.0.0.1:{listener.getsockname()[1]}/v1"
        start = time.monotonic()
        failure = failure_of(sender.send(url, connect_timeout=0.15))
        assert time.monotonic() - start < TIME_LIMIT
    assert (failure.sent, failure.timeout) == (False, True)


def test_certificates_of_directory_are_loaded(tmp_path: Path) -> None:
    assert create_tls_context(None, str(tmp_path)).get_ca_certs() == []
