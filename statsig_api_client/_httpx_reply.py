"""What httpx brings back: a reply as it comes in, or why there is none."""

import os
from typing import TYPE_CHECKING, Final, cast

from ._engine import Failure, Reply, WireRequest
from ._httpx_library import Library

if TYPE_CHECKING:
    import httpx

MAX_REPLY: Final = 10 * 1024 * 1024
"""Bytes: the most that a reply may have, decompressed. A config of Statsig has at most 100 kB."""


class Unwanted(Exception):  # noqa: N818  (nobody sees it)
    """The rest of a reply is not worth reading."""


class Incoming:
    """A reply whose body is still to come."""

    def __init__(self, response: "httpx.Response", library: Library) -> None:
        self._response = response
        self._headers = response.headers.raw
        self._decoding_error = library.decoding_error
        self._chunks: list[bytes] = []
        self._size = 0
        self._problem: str | None = None

    def encoded(self) -> bool:
        """Whether httpx has to decompress the body, or has done so.

        Raises:
            Unwanted: The encoding was not asked for. A chain of encodings, or a kind that unpacks
                further than those that were, could fill the memory with one chunk.
        """
        # A hook or a transport of a user's client may have read the body already.
        if self._response.is_stream_consumed:
            return True
        encodings = [
            value.strip().lower()
            for name, value in self._headers
            if name.lower() == b"content-encoding"
        ]
        if encodings in ([], [b"identity"]):
            return False
        if encodings in ([b"gzip"], [b"deflate"]):
            return True
        raise Unwanted("it has a content-encoding that was not asked for")

    def add(self, chunk: bytes) -> None:
        """Take a piece of the body.

        Raises:
            Unwanted: It is too much.
        """
        self._size += len(chunk)
        if self._size > MAX_REPLY:
            raise Unwanted(f"it is larger than {MAX_REPLY >> 20} MiB")
        self._chunks.append(chunk)

    def break_off(self, error: Exception) -> None:
        """Do without the rest of the body.

        Raises:
            Exception: `error`, when the reply means nothing without the rest.
        """
        if isinstance(error, Unwanted):
            self._problem = str(error)
        elif isinstance(error, self._decoding_error):
            self._problem = "it cannot be decompressed"
        elif 200 <= self._response.status_code <= 299:
            raise error
        else:  # the status says what happened
            self._problem = "it broke off"

    def reply(self) -> Reply:
        """What has come in."""
        return Reply(
            status_code=self._response.status_code,
            headers=self._headers,
            content=b"".join(self._chunks),
            problem=self._problem,
        )


def failure(
    error: Exception, message: "httpx.Request", request: WireRequest, library: Library
) -> Failure:
    """Why there is no reply. Whatever a client, its transport or its hooks raise has an answer."""
    timeout = isinstance(error, library.timeouts)
    if isinstance(error, library.connect_timeout):
        reason = f"connecting took more than {request.connect_timeout:.3g} s"
    elif timeout:
        reason = f"it took more than {request.timeout:.3g} s"
    else:
        reason = reason_of(error)
    # The body for our own transports knows. With a user's client the kind of error must do, since
    # a transport may take the body before it sends anything.
    sent = getattr(message.stream, "sent", not isinstance(error, library.unsent))
    return Failure(reason=reason, sent=sent, timeout=timeout)


def reason_of(error: BaseException) -> str:
    """What an error says, in the words of the one that caused it all."""
    cause = _cause(error)
    if cause is not None:
        return reason_of(cause)
    words = str(error) or type(error).__name__
    if isinstance(error, ConnectionError) and error.errno:
        words = os.strerror(error.errno)  # without the address, which the reader knows
    elif isinstance(error, OSError) and error.strerror:
        words = error.strerror
    return words[:1].lower() + words[1:]


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # of the addresses of a host
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[-1]
    # httpcore drops the chain of causes, but keeps the last one as its own argument.
    wrapped = error.args[0] if error.args else None
    return error.__cause__ or (wrapped if isinstance(wrapped, BaseException) else None)
