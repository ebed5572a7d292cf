"""Why httpx brought back no reply."""

import os
from typing import TYPE_CHECKING, cast

from .base import Failure, WireRequest, within_a_sentence
from .httpx_library import Library

if TYPE_CHECKING:
    import httpx


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
    return within_a_sentence(words)


def _cause(error: BaseException) -> BaseException | None:
    if isinstance(error, BaseExceptionGroup):  # of the addresses of a host
        return cast("BaseExceptionGroup[BaseException]", error).exceptions[-1]
    # httpcore drops the chain of causes, but keeps the last one as its own argument.
    wrapped = error.args[0] if error.args else None
    return error.__cause__ or (wrapped if isinstance(wrapped, BaseException) else None)
