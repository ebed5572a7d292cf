"""Results of calls: a parsed value, or an error with the facts of the call."""

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
    status_error,
)
from ._json import codec
from ._redaction import clear_locals
from ._response import APIResponse, request_id
from ._retry import RetryState
from ._runtime.call import Call
from ._runtime.parsers import SchemaError
from ._transports.base import TransportFailure, TransportResponse, TransportResult

T = TypeVar("T")

MAX_BODY: Final = 4096
"""Maximum characters of a response in an error."""
_MAX_REDACTED: Final = 64 * 1024
"""Bytes of a response that are searched for secrets; it may have megabytes."""
MAX_EXCERPT: Final = 200
"""Maximum characters of server text in an error message."""


def successful_response(state: RetryState, result: TransportResult) -> TransportResponse:
    """Return a response with a status of 2xx.

    Raises:
        ConfigurationError: The transport cannot send requests.
        APIConnectionError: No response was received.
        APIStatusError: The response has another status.
    """
    if isinstance(result, TransportFailure):
        raise _no_response(state, result)
    if not 200 <= result.status_code <= 299:
        raise _status_error(state, result)
    return result


def raw_response(call: Call[T], state: RetryState, response: TransportResponse) -> APIResponse[T]:
    """Return a successful response that is parsed on demand."""
    return APIResponse(
        status_code=response.status_code,
        headers=response.headers,
        content=response.content,
        elapsed=state.elapsed,
        attempts=state.attempts,
        read=partial(parse_response, call, state, response),
    )


def parse_response(call: Call[T], state: RetryState, response: TransportResponse) -> T:
    """Return the value of a successful response.

    Raises:
        ResponseValidationError: The response does not match the API schema.
        APIStatusError: The response reports that a delivery was not accepted.
    """
    try:
        result = _parse(call, response)
        if not isinstance(result, _Problem):
            return result
        raise _problem_error(state, response, result)  # noqa: TRY301  (cleared below)
    except BaseException as error:
        clear_locals(error)  # they may contain the API key if the server echoed it
        raise


class _Problem:
    """The reason why a response with a status of 2xx is not a success."""

    def __init__(self, text: str, path: str | None = None, *, rejected: bool = False) -> None:
        self.text = text
        self.path = path
        self.rejected = rejected
        """Whether the response reports that a delivery was not accepted."""


def _parse(  # noqa: PLR0911  (one line per problem)
    call: Call[T], response: TransportResponse
) -> T | _Problem:
    if response.problem is not None:
        return _Problem(response.problem)
    # The status confirms a delivery; a gateway may send no body.
    content = response.content or (b"{}" if call.delivers else b"")
    try:
        data = codec(1 + (len(content) >> 10)).parse(content)
        if call.delivers and _reports_rejection(data):
            return _Problem("", rejected=True)
        return call.parse(data, "$")
    except SchemaError as error:
        return _Problem(error.problem, error.path)
    except UnicodeDecodeError:
        return _Problem("not UTF-8")
    except json.JSONDecodeError as error:
        return _Problem(f"not JSON: {error}")
    except ValueError as error:  # NaN, infinity, or an integer that is too long for Python
        return _Problem(str(error))
    except RecursionError:
        return _Problem("nested too deep")


def _reports_rejection(data: object) -> bool:
    return isinstance(data, dict) and cast("dict[str, object]", data).get("success") is False


# ---- Errors ----


def _no_response(state: RetryState, failure: TransportFailure) -> StatsigError:
    reason, operation = _excerpt(state, failure.reason), state.request.operation
    if failure.unusable:
        return ConfigurationError(f"{operation}: {reason}", **state.facts())
    problem = "no response from" if failure.sent else "no connection to"
    error = APITimeoutError if failure.timeout else APIConnectionError
    return error(
        f"{operation}: {problem} {_effort(state)}: {reason}{_ambiguity(state)}", **state.facts()
    )


def _status_error(state: RetryState, response: TransportResponse) -> APIStatusError:
    facts = _facts(state, response)
    excerpt = _excerpt(state, _summary(facts.get("body") or ""))
    return status_error(response.status_code)(
        f"{state.request.operation}: status {response.status_code} from {_effort(state)}"
        f"{excerpt and f': {excerpt}'}{_hint(response.status_code)}{_ambiguity(state)}",
        status_code=response.status_code,
        retry_after=state.retry_after(response),
        **facts,
    )


def _problem_error(
    state: RetryState, response: TransportResponse, problem: _Problem
) -> StatsigError:
    if problem.rejected:
        return _status_error(state, response)
    path = None if problem.path is None else _excerpt(state, problem.path)
    place = "" if path is None else f"{path}: "
    state.ambiguous = state.request.delivers is not None
    return ResponseValidationError(
        f"{state.request.operation}: response from {state.request.host} (HTTP "
        f"{response.status_code}) does not match the API schema: {place}"
        f"{_excerpt(state, problem.text)}{_ambiguity(state)}",
        status_code=response.status_code,
        path=path,
        **_facts(state, response),
    )


def _effort(state: RetryState) -> str:
    attempts = "1 attempt" if state.attempts == 1 else f"{state.attempts} attempts"
    return f"{state.request.host} after {attempts} in {state.elapsed:.3g} s"


def _ambiguity(state: RetryState) -> str:
    if not state.ambiguous:
        return ""
    return f"; Statsig may or may not have accepted the {state.request.delivers}"


def _hint(status_code: int) -> str:
    if status_code in (401, 403):
        return "; check that the API key is correct and allows this call"
    if 300 <= status_code <= 399:
        return "; redirects are not followed, since they would disclose the API key"
    return ""


def _facts(state: RetryState, response: TransportResponse) -> CallFacts:
    name = request_id(response.headers)
    return state.facts() | CallFacts(
        request_id=None if name is None else _excerpt(state, name),
        body=_body(state, response.content),
    )


def _body(state: RetryState, content: bytes) -> str:
    """Return the start of a response, without secrets."""
    redact = state.request.redact
    text = redact(content[:_MAX_REDACTED].decode(errors="replace"))
    if len(content) > _MAX_REDACTED:
        text = text[: -redact.longest]  # the end may be part of a secret
    return text[:MAX_BODY]


def _excerpt(state: RetryState, text: str) -> str:
    """Redact, sanitize and truncate server text. Truncate last: half a key could survive it."""
    text = state.request.redact(text)
    # Terminals interpret control characters, and lone surrogates cannot be encoded.
    excerpt = "".join(each if each.isprintable() else "�" for each in text[:MAX_EXCERPT])
    return excerpt if len(text) <= MAX_EXCERPT else f"{excerpt}…"


def _summary(body: str) -> str:
    """Return the message of an error response: a field of its JSON, its page title, or its body."""
    try:
        data = cast("object", json.loads(body))
    except (ValueError, RecursionError):
        data = None
    if isinstance(data, dict):
        members = cast("dict[str, object]", data)
        texts = (members.get(name) for name in ("message", "error"))
        body = next((text for text in texts if isinstance(text, str) and text), body)
    elif title := re.search("<title>([^<]*)</title>", body, re.IGNORECASE):
        body = title[1]
    return " ".join(body.split())
