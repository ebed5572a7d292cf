"""TLS contexts for the transport's own connections."""

import ssl

import certifi

from .._fork import hold_forks


class _Socket(ssl.SSLSocket):
    """A socket whose handshake holds forks, since OpenSSL acquires process-wide locks in it."""

    def do_handshake(self, block: bool = False) -> None:  # noqa: FBT001, FBT002  (as inherited)
        with hold_forks():
            super().do_handshake(block)


class _Object(ssl.SSLObject):
    """The same for asyncio, whose handshakes never block on the network."""

    def do_handshake(self) -> None:
        with hold_forks():
            super().do_handshake()


def create_tls_context(file: str | None, directory: str | None) -> ssl.SSLContext:
    """Return a context with certifi's certificates, or those of a file or directory, like httpx."""
    if file:
        context = ssl.create_default_context(cafile=file)
    elif directory:
        context = ssl.create_default_context(capath=directory)
    else:
        context = ssl.create_default_context(cafile=certifi.where())
    context.sslsocket_class = _Socket
    context.sslobject_class = _Object
    return context
