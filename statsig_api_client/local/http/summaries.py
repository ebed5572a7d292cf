"""Summaries of requests for the access log: the entity, the user and the result."""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final

from starlette.requests import Request

from ..._runtime.parsers import JsonObject, JsonValue
from ..recording import LoggedEventDict

_MAX_LENGTH: Final = 200


def summarize(request: Request, user: JsonObject, results: Mapping[str, JsonValue]) -> None:
    """Store the results of evaluations for the access log."""
    texts = [f"{_quoted(name)}: {_quoted(value)}" for name, value in results.items()]
    request.state.summary = f", {', '.join(texts)} for {_user_text(user)}"


def summarize_events(request: Request, events: Sequence[LoggedEventDict]) -> None:
    """Store the names of recorded events for the access log."""
    counts = Counter(event["eventName"] for event in events)
    texts = [f"{count} {_quoted(name)}" for name, count in counts.most_common()]
    request.state.summary = f", {', '.join(texts)}"


def request_summary(request: Request) -> str:
    """Return the summary of a request, at most 200 characters, or an empty string."""
    summary = str(getattr(request.state, "summary", ""))
    return summary if len(summary) <= _MAX_LENGTH else f"{summary[:_MAX_LENGTH]}..."


def _user_text(user: JsonObject) -> str:
    ids = {"userID": user.get("userID")}
    custom_ids = user.get("customIDs")
    if isinstance(custom_ids, dict):
        ids |= custom_ids
    known = [f"{_quoted(kind)} {_quoted(value)}" for kind, value in ids.items() if value]
    return ", ".join(known) or "a user without ID"


def _quoted(value: JsonValue) -> str:
    """Return a plain string without quotes, any other value as JSON in one line."""
    if isinstance(value, str) and value.isprintable():
        return value
    return json.dumps(value, separators=(",", ":"))
