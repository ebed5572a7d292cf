"""Fixtures of the transport tests."""

import ssl
from collections.abc import Iterator

import pytest
import trustme

from tests.support.loopback import (
    Loopback,
    loopback,
)

from .senders import KINDS, Sender, open_sender


@pytest.fixture(params=KINDS)
def sender(request: pytest.FixtureRequest) -> Iterator[Sender]:
    with open_sender(request.param) as made:
        yield made


@pytest.fixture(scope="module")
def authority() -> trustme.CA:
    return trustme.CA()


@pytest.fixture
def tls_server(authority: trustme.CA) -> Iterator[Loopback]:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with loopback(context) as running:
        yield running
