"""Why httpx brought back no reply."""

import os
from typing import Any

from .base import TransportFailure, TransportRequest, within_a_sentence
from .httpx_library import Library
from .interruptions import causes


def failure(
    error: Exception, message: Any, request: TransportRequest, library: Library
) -> TransportFailure:
    """Why there is no reply.

    Args:
        error: What the library raised.
        message: The request in the library's own form; None if it could not be made.
        request: What was to be sent.
        library: The library.
    """
    if message is None:  # the URL, the certificates or the proxy of the environment is unusable
        return TransportFailure(
            f"nothing can be sent: {reason_of(error)}", sent=False, unusable=True
        )
    timeout = isinstance(error, library.timeouts)
    if isinstance(error, library.connect_timeouts):
        reason = f"connecting took more than {min(request.connect_timeout, request.timeout):.3g} s"
    elif timeout:
        reason = f"it took more than {request.timeout:.3g} s"
    else:
        reason = reason_of(error)
    # The body for our own transports knows. With a user's client the kind of error must do, since
    # a transport may take the body before it sends anything.
    sent = getattr(message.stream, "sent", not isinstance(error, library.unsent))
    return TransportFailure(reason=reason, sent=sent, timeout=timeout)


def reason_of(error: BaseException) -> str:
    """What an error says, in the words of the one that caused it all."""
    *_, error = causes(error)
    words = str(error) or type(error).__name__
    if isinstance(error, ConnectionError) and error.errno:
        words = os.strerror(error.errno)  # without the address, which the reader knows
    elif isinstance(error, OSError) and error.strerror:
        words = error.strerror
    return within_a_sentence(words)
