"""What the outcome of a call means: a value, or an error that says what happened."""

import json
import re
from functools import partial
from typing import Final, TypeVar, cast

from ._errors import (
    APIConnectionError,
    APIStatusError,
    APITimeoutError,
    CallFacts,
    ConfigurationError,
    ResponseValidationError,
    StatsigError,
    status_error_class,
)
from ._json import codec
from ._redaction import clear_locals
from ._response import APIResponse, request_id
from ._retry import Attempts
from ._runtime.call import Call
from ._runtime.parsers import SchemaError
from ._transports.base import TransportFailure, TransportResponse, TransportResult

T = TypeVar("T")

MAX_BODY: Final = 4096
"""The most of a reply that an error carries, in characters."""
MAX_EXCERPT: Final = 200
"""The most that an error repeats at one place of what a server said."""


def reply_of(attempts: Attempts, outcome: TransportResult) -> TransportResponse:
    """The reply, if it is a successful one.

    Raises:
        ConfigurationError: Nothing can be sent.
        APIConnectionError: There is no reply.
        APIStatusError: The reply refuses.
    """
    if isinstance(outcome, TransportFailure):
        raise _no_reply(attempts, outcome)
    if not 200 <= outcome.status_code <= 299:
        raise _refused(attempts, outcome)
    return outcome


def raw(call: Call[T], attempts: Attempts, reply: TransportResponse) -> APIResponse[T]:
    """A successful reply, unread."""
    return APIResponse(
        status_code=reply.status_code,
        headers=reply.headers,
        content=reply.content,
        elapsed=attempts.elapsed,
        attempts=attempts.count,
        read=partial(meaning, call, attempts, reply),
    )


def meaning(call: Call[T], attempts: Attempts, reply: TransportResponse) -> T:
    """What a successful reply means.

    Raises:
        ResponseValidationError: It is not what the contract says.
        APIStatusError: It says that it did not accept what was delivered.
    """
    try:
        return _meaning(call, attempts, reply)
    except BaseException as error:
        clear_locals(error)  # they show what the server sent, which may be the API key
        raise


def _meaning(call: Call[T], attempts: Attempts, reply: TransportResponse) -> T:
    result = _read(call, reply)
    if isinstance(result, _Refusal):
        raise _refused(attempts, reply)
    if isinstance(result, _Problem):
        raise _not_valid(attempts, reply, result)
    return result


class _Problem:
    """A reply is not what the contract says."""

    def __init__(self, what: str, path: str | None = None) -> None:
        self.what = what
        self.path = path


class _Refusal:
    """A reply says that it does not accept what was delivered."""


def _read(  # noqa: PLR0911  (one line for each fault)
    call: Call[T], reply: TransportResponse
) -> T | _Problem | _Refusal:
    if reply.problem is not None:
        return _Problem(reply.problem)
    # The status says that a delivery was accepted; a gateway may say no more than that.
    content = reply.content or (b"{}" if call.delivers else b"")
    try:
        data = codec().parse(content)
        if call.delivers and _says_no(data):
            return _Refusal()
        return call.parse(data, "$")
    except SchemaError as error:
        return _Problem(error.problem, error.path)
    except UnicodeDecodeError:
        return _Problem("it is not UTF-8")
    except json.JSONDecodeError as error:
        return _Problem(f"it is not JSON: {error}")
    except ValueError as error:  # a number that JSON does not have, or that Python refuses
        return _Problem(str(error))
    except RecursionError:
        return _Problem("it is nested too deep")


def _says_no(data: object) -> bool:
    return isinstance(data, dict) and cast("dict[str, object]", data).get("success") is False


def _no_reply(attempts: Attempts, failure: TransportFailure) -> StatsigError:
    reason, operation = _told(attempts, failure.reason), attempts.operation
    if failure.unusable:
        return ConfigurationError(f"{operation}: {reason}", **attempts.facts())
    what = "no reply from" if failure.sent else "no connection to"
    error = APITimeoutError if failure.timeout else APIConnectionError
    return error(
        f"{operation}: {what} {_effort(attempts)}: {reason}{_doubt(attempts)}", **attempts.facts()
    )


def _refused(attempts: Attempts, reply: TransportResponse) -> APIStatusError:
    facts = _facts(attempts, reply)
    excerpt = _told(attempts, _gist(facts.get("body") or ""))
    return status_error_class(reply.status_code)(
        f"{attempts.operation}: status {reply.status_code} from {_effort(attempts)}"
        f"{excerpt and f': {excerpt}'}{_advice(reply.status_code)}{_doubt(attempts)}",
        status_code=reply.status_code,
        retry_after=attempts.retry_after(reply),
        **facts,
    )


def _not_valid(
    attempts: Attempts, reply: TransportResponse, problem: _Problem
) -> ResponseValidationError:
    path = None if problem.path is None else _told(attempts, problem.path)
    where = "" if path is None else f"{path}: "
    attempts.ambiguous = attempts.delivers is not None
    return ResponseValidationError(
        f"{attempts.operation}: the reply of {attempts.host} (status "
        f"{reply.status_code}) is not what the contract says: {where}"
        f"{_told(attempts, problem.what)}"
        f"{_doubt(attempts)}",
        status_code=reply.status_code,
        path=path,
        **_facts(attempts, reply),
    )


def _effort(attempts: Attempts) -> str:
    times = "1 attempt" if attempts.count == 1 else f"{attempts.count} attempts"
    return f"{attempts.host} after {times} in {attempts.elapsed:.3g} s"


def _doubt(attempts: Attempts) -> str:
    if not attempts.ambiguous:
        return ""
    return f"; Statsig may or may not have accepted the {attempts.delivers}"


def _advice(status_code: int) -> str:
    if status_code in (401, 403):
        return "; is the API key the right one, and is it allowed to do this?"
    if 300 <= status_code <= 399:
        return "; redirects are not followed, since the API key would go with them"
    return ""


def _facts(attempts: Attempts, reply: TransportResponse) -> CallFacts:
    name = request_id(reply.headers)
    return attempts.facts() | CallFacts(
        request_id=None if name is None else _told(attempts, name),
        body=attempts.redact(reply.content.decode(errors="replace"))[:MAX_BODY],
    )


def _told(attempts: Attempts, text: str) -> str:
    """What a server said, fit to be repeated; cut last, since a cut may go through the key."""
    words = attempts.redact(text)
    # A terminal would obey a control character, and half of a surrogate pair cannot be written.
    words = "".join(one if one.isprintable() else "�" for one in words)
    return words if len(words) <= MAX_EXCERPT else f"{words[:MAX_EXCERPT]}…"


def _gist(body: str) -> str:
    """What a refusal says: the message in its JSON, or the title of its page, or how it begins."""
    try:
        data = cast("object", json.loads(body))
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        members = cast("dict[str, object]", data)
        told = (members.get(name) for name in ("message", "error"))
        body = next((text for text in told if isinstance(text, str) and text), body)
    elif title := re.search("<title>(.*?)</title>", body, re.DOTALL | re.IGNORECASE):
        body = title[1]
    return " ".join(body.split())
