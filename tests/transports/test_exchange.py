"""Requests and responses of all transports, on a real server."""

import gzip
import zlib
from collections.abc import Callable

import pytest

from statsig_api_client._transports.base import (
    TransportFailure,
)
from tests.support.loopback import (
    Connection,
    Loopback,
    loopback,
    raw,
    respond,
    send_and_reset,
    send_in_pieces,
)

from .senders import (
    OK,
    Sender,
    close,
    failure_of,
    on_http_client,
    response_of,
)


def test_request_is_sent_unchanged(sender: Sender, server: Loopback) -> None:
    sender.send(f"{server.url}/check_gate", b'{"a":1}', headers=[("X-Own", "1")])
    (received,) = server.requests
    assert received.raw_headers.startswith(b"POST /v1/check_gate HTTP/1.1\r\n")
    assert received.body == b'{"a":1}'
    assert received.headers["x-own"] == "1"
    assert received.headers["host"] == f"127.0.0.1:{server.port}"
    assert received.headers["content-length"] == "7"
    assert "transfer-encoding" not in received.headers


def test_response_is_returned_unchanged(sender: Sender, server: Loopback) -> None:
    server.script(respond(418, b"short and stout", {"X-Tea": "pot"}))
    response = response_of(sender.send(server.url))
    assert (response.status_code, response.content, response.problem) == (
        418,
        b"short and stout",
        None,
    )
    assert response.headers["x-tea"] == "pot"


@pytest.mark.parametrize("status", [200, 202, 299, 301, 404, 500, 599, 600, 999])
def test_any_status_returns_response(sender: Sender, server: Loopback, status: int) -> None:
    server.script(respond(status, b"x"))
    assert response_of(sender.send(server.url)).status_code == status


@pytest.mark.parametrize("status", [204, 304])
def test_response_without_body_is_empty(sender: Sender, server: Loopback, status: int) -> None:
    server.script(raw(f"HTTP/1.1 {status} Fine\r\n\r\n".encode(), keep=True))
    assert response_of(sender.send(server.url)).content == b""


def test_switching_protocols_does_not_hang(sender: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 101 Switching Protocols\r\nupgrade: x\r\n\r\n"))
    result = sender.send(server.url, timeout=2)
    assert isinstance(result, TransportFailure) or result.status_code == 101


def test_informational_responses_are_skipped(sender: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n" + OK))
    assert response_of(sender.send(server.url)).content == b"ok"


def test_chunked_response_is_joined(sender: Sender, server: Loopback) -> None:
    chunked = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
    server.script(raw(chunked + b"2\r\n{}\r\n3;x=y\r\n   \r\n0\r\nTrailer: 1\r\n\r\n", keep=True))
    assert response_of(sender.send(server.url)).content == b"{}   "


def test_response_without_length_ends_with_connection(sender: Sender, server: Loopback) -> None:
    server.script(raw(b"HTTP/1.1 200 OK\r\n\r\nall of it"))
    assert response_of(sender.send(server.url)).content == b"all of it"


def test_large_bodies_are_sent_and_received(sender: Sender, server: Loopback) -> None:
    server.script(respond(200, b"r" * 9_000_000))
    assert (
        len(response_of(sender.send(server.url, b"q" * 9_000_000, timeout=20)).content) == 9_000_000
    )
    assert len(server.requests[0].body) == 9_000_000


@pytest.mark.parametrize(
    ("encoding", "encode"),
    [
        ("gzip", gzip.compress),
        ("deflate", zlib.compress),
        ("identity", bytes),
        ("GZIP", gzip.compress),
    ],
)
def test_compressed_response_is_decompressed(
    sender: Sender, server: Loopback, encoding: str, encode: Callable[[bytes], bytes]
) -> None:
    server.script(respond(200, encode(b'{"name":"x"}'), {"Content-Encoding": encoding}))
    assert response_of(sender.send(server.url)).content == b'{"name":"x"}'


def test_second_address_is_used_if_first_fails(sender: Sender, server: Loopback) -> None:
    url = server.url.replace("127.0.0.1", "localhost")  # often ::1 first, without a listener
    assert response_of(sender.send(url)).status_code == 200
    assert server.requests[0].headers["host"] == f"localhost:{server.port}"


def test_deflate_without_header_is_decompressed(sender: Sender, server: Loopback) -> None:
    packing = zlib.compressobj(wbits=-zlib.MAX_WBITS)
    packed = packing.compress(b'{"name":"x"}') + packing.flush()
    server.script(respond(200, packed, {"Content-Encoding": "deflate"}))
    assert response_of(sender.send(server.url)).content == b'{"name":"x"}'


def test_non_ascii_header_keeps_other_headers(sender: Sender, server: Loopback) -> None:
    head = b"HTTP/1.1 200 OK\r\nx-odd: \xff\r\nx-more: 1\r\ncontent-length: 2\r\n\r\nok"
    server.script(raw(head, keep=True))
    response = response_of(sender.send(server.url))
    assert response.content == b"ok"
    assert response.headers["x-more"] == "1"


def test_non_ascii_encoding_returns_response(sender: Sender, server: Loopback) -> None:
    head = b"HTTP/1.1 200 OK\r\ncontent-encoding: \xff\r\ncontent-length: 2\r\n\r\nok"
    server.script(raw(head, keep=True))
    response = response_of(sender.send(server.url))
    if sender.is_fast:  # documented: the header is omitted
        assert (response.content, response.problem) == (b"ok", None)
    else:
        assert response.problem == "the body has a content-encoding that was not requested"


@pytest.mark.parametrize(
    "lengths",
    [
        b"",
        b"content-length: 50000000\r\n",
        b"transfer-encoding: chunked\r\n",
        b"content-length: 2\r\ntransfer-encoding: chunked\r\n",
    ],
)
def test_huge_response_is_not_read_completely(
    sender: Sender, server: Loopback, lengths: bytes
) -> None:
    body = b" " * 50_000_000
    if b"chunked" in lengths:
        body = b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)
    server.script(raw(b"HTTP/1.1 200 OK\r\n" + lengths + b"\r\n" + body))
    response = response_of(sender.send(server.url, timeout=20))
    assert response.problem == "the body is larger than 10 MiB"
    assert len(response.content) <= 10 * 1024 * 1024


def test_decompression_bomb_is_not_decompressed_completely(
    sender: Sender, server: Loopback
) -> None:
    bomb = gzip.compress(b"\0" * 200_000_000, compresslevel=1)
    server.script(respond(200, bomb, {"Content-Encoding": "gzip"}))
    assert (
        response_of(sender.send(server.url, timeout=20)).problem == "the body is larger than 10 MiB"
    )


@pytest.mark.parametrize("encoding", ["br", "zstd", "gzip, gzip", "gzip, deflate", "rot13", ""])
def test_unrequested_encoding_is_not_decompressed(
    sender: Sender, server: Loopback, encoding: str
) -> None:
    server.script(respond(200, b"{}", {"Content-Encoding": encoding}))
    response = response_of(sender.send(server.url))
    assert response.problem == "the body has a content-encoding that was not requested"


def test_invalid_compressed_body_is_reported(sender: Sender, server: Loopback) -> None:
    server.script(respond(200, b"not gzip at all", {"Content-Encoding": "gzip"}))
    assert response_of(sender.send(server.url)).problem == "the body cannot be decompressed"


@pytest.mark.parametrize(
    "script",
    [
        raw(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial"),
        send_and_reset(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial"),
        send_in_pieces(b"HTTP/1.1 503 No\r\ncontent-length: 100\r\n\r\npartial", b"", pause=0.03),
    ],
    ids=["cut", "reset", "dribbling"],
)
def test_error_response_with_incomplete_body_keeps_status(
    sender: Sender, server: Loopback, script: Callable[[Connection], None]
) -> None:
    server.script(script)
    result = sender.send(server.url, timeout=0.2)
    if sender.is_fast:  # documented: pyreqwest reads small bodies first
        assert failure_of(result).sent
    else:
        response = response_of(result)
        assert (response.status_code, response.problem) == (503, "the body is incomplete")


def test_large_incomplete_error_response_keeps_status(sender: Sender, server: Loopback) -> None:
    start = b"HTTP/1.1 503 No\r\ncontent-length: 1000000\r\n\r\n" + b" " * 200_000
    server.script(raw(start))
    response = response_of(sender.send(server.url))
    assert (response.status_code, response.problem) == (503, "the body is incomplete")


# ---- Redirects ----


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_redirect_is_not_followed(sender: Sender, server: Loopback, status: int) -> None:
    with loopback() as elsewhere:
        server.script(respond(status, b"", {"Location": f"{elsewhere.url}/thief"}))
        assert response_of(sender.send(server.url)).status_code == status
        assert elsewhere.requests == []


@on_http_client
def test_redirect_is_not_followed_by_following_client(sender: Sender, server: Loopback) -> None:
    client = sender.http_client(follow_redirects=True)
    sender.use(client)
    server.script(respond(302, b"", {"Location": "/elsewhere"}))
    assert response_of(sender.send(server.url)).status_code == 302
    assert len(server.requests) == 1
    close(sender, client)


def test_redirect_to_invalid_url_does_not_raise(sender: Sender, server: Loopback) -> None:
    server.script(respond(302, b"", {"Location": "https://[what/"}))
    result = sender.send(server.url)
    # A client of httpx parses the location even if it does not follow it.
    assert isinstance(result, TransportFailure) or result.status_code == 302
