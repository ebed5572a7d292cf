"""Redaction of secrets in server text and in the frames of tracebacks."""

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

from ._fork import hold_forks
from ._transports.base import RequestHeaders

if TYPE_CHECKING:
    from types import FrameType

_MIN_LENGTH: Final = 6
"""Minimum characters of a header value to redact; shorter ones occur in ordinary words."""
_MAX_CREDENTIALS: Final = 4096
"""Characters of credentials in a URL or a header."""
_REDACTED: Final = "[redacted]"
_CREDENTIALS: Final = r"(?i)\b(basic|bearer)(\s+)([a-z0-9._~+/-]{8,}=*)"
# Each run of letters is tried only at its start; a long one would take quadratic time.
_USER_IN_URL: Final = r"(?i)(?<![a-z0-9+.-])([a-z0-9+.-]*://)[^\s/@]+@"


class Redactor:
    """Redaction of secrets in text, since a server may echo a request.

    The secrets are the API key, the values of the user's headers, passwords in URLs, and the
    credentials of `Authorization` and `Proxy-Authorization` headers.
    """

    __slots__ = ("_secrets", "longest")

    def __init__(self, api_key: str, headers: RequestHeaders) -> None:
        secrets = [(api_key, "[API key]")]
        secrets += [
            (value, f"[header {name}]")
            for name, value in headers.items()
            if len(value) >= _MIN_LENGTH
        ]
        # Longest first: a secret may contain another.
        self._secrets = sorted(secrets, key=lambda secret: -len(secret[0]))
        self.longest: int = len(self._secrets[0][0]) + _MAX_CREDENTIALS
        """Number of characters at the end of truncated text that may be part of a secret."""

    def __call__(self, text: str) -> str:
        """Return `text` without secrets."""
        for secret, substitute in self._secrets:
            text = text.replace(secret, substitute)
        text = re.sub(_USER_IN_URL, rf"\1{_REDACTED}@", text)
        return re.sub(_CREDENTIALS, _without_credentials, text)

    def __repr__(self) -> str:
        return "<Redactor>"


def _without_credentials(found: re.Match[str]) -> str:
    scheme, space, value = found.groups()
    is_secret = any(letter.isdigit() for letter in value)
    if scheme.lower() == "basic":  # "basic authentication" is not a secret
        with hold_forks():
            import binascii

        is_secret = False
        with suppress(binascii.Error):
            is_secret = b":" in binascii.a2b_base64(value)
    return f"{scheme}{space}{_REDACTED}" if is_secret else found[0]


def clear_locals(error: BaseException) -> None:
    """Clear the local variables in all finished frames of an exception.

    The traceback keeps its lines. Error trackers report local variables, and the HTTP libraries
    keep the headers of a request, including the API key, in dicts, lists and bytes, which no `repr`
    of this package can hide.
    """
    running: set[FrameType] = set()
    # The traceback starts at the frame that caught the error.
    frame = None if error.__traceback__ is None else error.__traceback__.tb_frame
    while frame is not None:
        running.add(frame)
        frame = frame.f_back
    pending: list[BaseException | None] = [error]
    seen: set[int] = set()
    while pending:
        one = pending.pop()
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        entry = one.__traceback__
        if one is not error and entry is not None and entry.tb_frame in running:
            continue  # the caller is handling it
        while entry is not None:
            if entry.tb_frame not in running:
                with suppress(RuntimeError):  # a suspended generator
                    entry.tb_frame.clear()
            entry = entry.tb_next
        pending += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            pending += cast("BaseExceptionGroup[BaseException]", one).exceptions
