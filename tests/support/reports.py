"""Reports of an exception by error trackers: Sentry, rich and the standard library."""

import json
import traceback
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import sentry_sdk
from rich.traceback import Traceback
from sentry_sdk import serializer
from sentry_sdk.scrubber import EventScrubber
from sentry_sdk.transport import Transport
from sentry_sdk.utils import event_from_exception

TESTS = str(Path(__file__).parents[1])


class _Sink(Transport):
    def __init__(self) -> None:
        super().__init__()
        self.events: list[Any] = []

    def capture_envelope(self, envelope: Any) -> None:
        self.events.append(envelope.get_event())


@contextmanager
def generous_sentry() -> Iterator[None]:
    """Make Sentry serialize deeper and wider than by default, so that nothing is truncated."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(serializer, "MAX_DATABAG_BREADTH", 1000)
        patch.setattr(serializer, "MAX_DATABAG_DEPTH", 20)
        yield


def sentry_report(error: BaseException) -> str:
    """Return the event that Sentry would send, without the frames of tests."""
    sink = _Sink()
    client = sentry_sdk.Client(
        "http://public@127.0.0.1/1",
        transport=sink,
        default_integrations=False,
        # The default list of names would hide some variables.
        event_scrubber=EventScrubber(denylist=[], pii_denylist=[]),
        max_value_length=1_000_000,
    )
    event, hint = event_from_exception(error, client_options=client.options)
    with generous_sentry():
        client.capture_event(event, hint)
    (sent,) = sink.events
    for value in sent["exception"]["values"]:
        frames = value.get("stacktrace", {}).get("frames", [])
        frames[:] = [frame for frame in frames if not frame["abs_path"].startswith(TESTS)]
        for frame in frames:  # lines of source code
            for name in ("pre_context", "context_line", "post_context"):
                frame.pop(name, None)
    return json.dumps(sent)


def rich_report(error: BaseException) -> str:
    """Return rich's report of an exception with local variables, without the frames of tests."""
    trace = Traceback.extract(
        type(error),
        error,
        error.__traceback__,
        show_locals=True,
        locals_max_length=1000,
        locals_max_string=1_000_000,
        locals_hide_dunder=False,
    )
    parts: list[str] = []
    for stack in trace.stacks:
        parts.append(f"{stack.exc_type}: {stack.exc_value}")
        for frame in stack.frames:
            if not frame.filename.startswith(TESTS):
                parts += [f"{name}={node}" for name, node in (frame.locals or {}).items()]
    return "\n".join(parts)


def standard_report(error: BaseException) -> str:
    """Return the traceback of the standard library with local variables."""
    shown = traceback.TracebackException.from_exception(error, capture_locals=True)
    parts: list[str] = []
    pending: list[traceback.TracebackException | None] = [shown]
    while pending:
        one = pending.pop()
        if one is None:
            continue
        parts += one.format_exception_only()
        parts += [repr(f.locals) for f in one.stack if not f.filename.startswith(TESTS)]
        pending += [one.__cause__, one.__context__]
    return "\n".join(parts)


def reports(error: BaseException) -> str:
    """Return the reports of all error trackers on an exception."""
    return "\n".join([sentry_report(error), rich_report(error), standard_report(error)])
