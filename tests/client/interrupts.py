"""A program that interrupts a call at every line, and checks the reports of error trackers.

Run as `python -m tests.client.interrupts KIND URL [STEP]`. It prints every place that exposes a
secret; with STEP 3, it checks one line in three.
"""

import asyncio
import sys
from types import FrameType
from typing import Any

from tests.support.clients import KEY, KINDS, Blocking
from tests.support.reports import generous_sentry, rich_report, sentry_report

GATEWAY = "hunter2-of-the-gateway"
LIBRARIES = ("httpx", "httpcore", "h11", "anyio")
LOCKS = "_synchronization"
"""A module of httpcore whose locks an interrupt would leave acquired, blocking later calls."""
EVERY = 11
"""One in this number of function calls in libraries is interrupted."""


class InterruptedCallError(BaseException):
    """An exception like those of signal handlers."""


class Interrupter:
    """Tracer that raises at the n-th place that a call passes, counted from 1."""

    def __init__(self, at: int) -> None:
        self.at = at
        self.passed = 0
        self.place = ""
        self._library_calls = 0

    def trace(self, frame: FrameType, event: str, _: object) -> Any:
        """Trace functions of this package and of the libraries under it."""
        if self.place:
            return None
        package = str(frame.f_globals.get("__name__")).partition(".")[0]
        if package == "statsig_api_client" and frame.f_code.co_name != "__del__":
            return self._trace_lines
        if package in LIBRARIES and LOCKS not in frame.f_code.co_filename and event == "call":
            self._library_calls += 1
            if self._library_calls % EVERY == 0:
                self._pass(frame)
        return None

    def _trace_lines(self, frame: FrameType, event: str, _: object) -> Any:
        if event == "line":
            self._pass(frame)
        return None if self.place else self._trace_lines

    def _pass(self, frame: FrameType) -> None:
        self.passed += 1
        if self.passed == self.at:
            self.place = f"{frame.f_code.co_filename}:{frame.f_lineno}"
            raise InterruptedCallError


def interrupted(kind: str, url: str, at: int, runner: asyncio.Runner) -> tuple[Interrupter, Any]:
    """Interrupt a call, and return the tracer and the error, or None if the call ended before."""
    client, _, engine = KINDS[kind]
    target: Any = client(KEY, base_url=url, engine=engine, headers={"X-Gateway": GATEWAY})
    is_async = hasattr(target, "aclose")
    statsig = Blocking(target, runner) if is_async else target
    tracer = Interrupter(at)
    error: BaseException | None = None
    sys.settrace(tracer.trace)
    try:
        statsig.check_gate({"userID": "42"}, "a_gate")
    except BaseException as raised:  # noqa: BLE001
        error = raised
    finally:
        sys.settrace(None)
    statsig.close()
    return tracer, error


def main(kind: str, url: str, step: str = "1") -> int:
    """Interrupt a call at each place in turn; return 1 if a report exposes a secret."""
    leaks = 0
    at = 1 - int(step)
    with asyncio.Runner() as runner, generous_sentry():
        interrupted(kind, url, 0, runner)  # imports everything
        while True:
            at += int(step)
            tracer, error = interrupted(kind, url, at, runner)
            if not tracer.place:
                break
            report = rich_report(error) + (sentry_report(error) if at % 5 == 0 else "")
            if any(secret[3:-3] in report for secret in (KEY, GATEWAY)):
                leaks += 1
                print("a secret is shown after an interrupt at", tracer.place)
    print(f"{at // int(step)} places, {leaks} leaks")
    return 0 if at > 200 and not leaks else 1


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
