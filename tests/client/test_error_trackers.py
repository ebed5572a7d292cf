"""Reports of error trackers, which must not contain the API key or header values."""

import asyncio
import base64
import signal
import subprocess
import sys
import threading
from typing import Any

import pytest

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig, StatsigError, StatsigUser
from statsig_api_client._redaction import clear_locals
from tests.support.clients import (
    KEY,
    ClientFactory,
    ScriptedError,
    ScriptedResponse,
    on_any_library,
)
from tests.support.loopback import Loopback, respond, silence
from tests.support.reports import reports

USER = StatsigUser(user_id="42")
GATEWAY = "hunter2-of-the-gateway"
HEADERS = {"X-Gateway": GATEWAY}
ECHO = {"X-Echo": KEY, "X-Request-Id": KEY}


class LimitReachedError(BaseException):
    """An exception like those of job runners' signal handlers."""


def secrets_in(report: str) -> list[str]:
    """Return the secrets in a report, including large parts of one."""
    return [secret for secret in (KEY, GATEWAY) if secret[3:-3] in report]


def reported(error: BaseException) -> str:
    report = reports(error)
    assert type(error).__name__ in report
    return report


@pytest.mark.parametrize(
    "outcome",
    [
        pytest.param(ScriptedResponse(401, {"message": KEY + GATEWAY}, ECHO), id="error response"),
        pytest.param(ScriptedResponse(200, {"name": KEY + GATEWAY}, ECHO), id="invalid response"),
        pytest.param(ScriptedResponse(200, (KEY + GATEWAY).encode(), ECHO), id="not JSON"),
        pytest.param(ScriptedResponse(500, {"message": KEY + GATEWAY}, ECHO), id="retries"),
        pytest.param(ScriptedError("ReadError"), id="no response"),
    ],
)
@on_any_library
def test_failed_calls_report_no_secret(make: ClientFactory, outcome: Any) -> None:
    statsig = make.script(outcome, headers=HEADERS)
    with pytest.raises(StatsigError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert not secrets_in(reported(raised.value))


def test_server_echo_reports_no_secret(make: ClientFactory, server: Loopback) -> None:
    server.script(respond(401, {"message": KEY + GATEWAY}, ECHO))
    with pytest.raises(StatsigError) as raised:
        make(base_url=server.url, headers=HEADERS).check_gate(USER, "a_gate")
    assert not secrets_in(reported(raised.value))


@pytest.mark.parametrize("event", ["request", "response"])
@on_any_library
def test_hook_errors_report_no_secret(make: ClientFactory, server: Loopback, event: str) -> None:
    def hook(message: Any) -> None:
        headers = dict(getattr(message, "request", message).headers)
        raise LimitReachedError(len(headers))

    async def async_hook(message: Any) -> None:
        hook(message)

    hooks = {event: [async_hook if make.is_async else hook]}
    http_client = make.http_client(event_hooks=hooks)
    statsig = make(base_url=server.url, http_client=http_client, headers=HEADERS)
    with pytest.raises(LimitReachedError) as raised:
        statsig.check_gate(USER, "a_gate")
    assert not secrets_in(reported(raised.value))


@pytest.mark.parametrize("make", ["sync", "sync httpx", "sync httpx2"], indirect=True)
def test_signal_errors_report_no_secret(make: ClientFactory, server: Loopback) -> None:
    def limit(*_: object) -> None:
        raise LimitReachedError

    server.script(silence)
    statsig = make(base_url=server.url, headers=HEADERS)
    before = signal.signal(signal.SIGALRM, limit)
    try:
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        with pytest.raises(LimitReachedError) as raised:
            statsig.check_gate(USER, "a_gate")
    finally:
        signal.signal(signal.SIGALRM, before)
    assert not secrets_in(reported(raised.value))


@pytest.mark.parametrize("engine", ["httpx", "fast"])
def test_cancelled_calls_report_no_secret(server: Loopback, engine: Any) -> None:
    async def run() -> BaseException:
        async with AsyncStatsig(
            KEY, base_url=server.url, engine=engine, headers=HEADERS
        ) as statsig:
            try:
                async with asyncio.timeout(0.2):
                    await statsig.check_gate(USER, "a_gate")
            except TimeoutError as error:
                return error
        raise AssertionError

    server.script(silence)
    assert not secrets_in(reported(asyncio.run(run())))


@on_any_library
def test_unserializable_arguments_report_no_secret(make: ClientFactory) -> None:
    with pytest.raises(TypeError) as raised:
        make(headers=HEADERS).check_gate({"userID": "42", "custom": {"a": object()}}, "a_gate")
    assert not secrets_in(reported(raised.value))


@pytest.mark.parametrize("client", [Statsig, AsyncStatsig])
@pytest.mark.parametrize(
    "arguments",
    [
        pytest.param({"api_key": f"{KEY} {KEY}"}, id="malformed key"),
        pytest.param({"api_key": f"console-{KEY}"}, id="console key"),
        pytest.param({"api_key": KEY, "headers": HEADERS, "timeout": -1}, id="timeout"),
        pytest.param({"api_key": KEY, "headers": HEADERS, "no_such": 1}, id="unknown option"),
        pytest.param({"api_key": KEY, "headers": HEADERS | {"a": 1}}, id="header type"),
        pytest.param({"api_key": KEY, "headers": HEADERS | {"b": f"\n{KEY}"}}, id="header value"),
        pytest.param({"api_key": KEY, "headers": [*HEADERS.items()]}, id="headers type"),
        pytest.param({"api_key": KEY, "base_url": "ftp://x"}, id="url"),
        pytest.param({"api_key": KEY, "http_client": 1}, id="http client"),
        pytest.param({"api_key": KEY, "engine": "none"}, id="engine"),
    ],
)
def test_rejected_options_report_no_secret(client: Any, arguments: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)) as raised:
        client(**arguments)
    assert not secrets_in(reported(raised.value))


def test_malformed_environment_key_reports_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", f"{KEY} {KEY}")
    with pytest.raises(ConfigurationError) as raised:
        Statsig()
    assert not secrets_in(reported(raised.value))


@pytest.mark.parametrize(
    "options",
    [
        pytest.param({"headers": HEADERS, "timeout": -1}, id="timeout"),
        pytest.param({"headers": HEADERS, "no_such": 1}, id="unknown option"),
    ],
)
def test_rejected_view_options_report_no_secret(make: ClientFactory, options: Any) -> None:
    with pytest.raises((ConfigurationError, TypeError)) as raised:
        make().with_options(**options)
    assert not secrets_in(reported(raised.value))


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_event_threads_report_no_secret(monkeypatch: pytest.MonkeyPatch, server: Loopback) -> None:
    import httpx

    raised: list[BaseException] = []
    seen = threading.Event()

    def excepthook(arguments: Any) -> None:
        raised.append(arguments.exc_value)
        seen.set()

    def hook(request: httpx.Request) -> None:
        headers = dict(request.headers)
        raise LimitReachedError(len(headers))

    monkeypatch.setattr(threading, "excepthook", excepthook)
    with (
        httpx.Client(event_hooks={"request": [hook]}) as http_client,
        Statsig(KEY, base_url=server.url, http_client=http_client, headers=HEADERS) as statsig,
    ):
        events = statsig.events(flush_interval=0.01)
        events.log(USER, "purchase")
        assert seen.wait(20)
        http_client.event_hooks = {}
        events.close()
    assert not secrets_in(reported(raised[0]))


CREDENTIALS = base64.b64encode(b"proxy-user:proxy-password").decode()


@pytest.mark.parametrize(
    "echo",
    [
        pytest.param(f"Proxy-Authorization: Basic {CREDENTIALS}", id="basic"),
        pytest.param("Proxy-Authorization: Bearer abc123.def456-ghi", id="bearer"),
        pytest.param("http://proxy-user:proxy-password@proxy:3128", id="url"),
    ],
)
@on_any_library
def test_echoed_proxy_credentials_are_redacted(make: ClientFactory, echo: str) -> None:
    statsig = make.script(ScriptedResponse(407, {"message": f"no access with {echo}"}))
    with pytest.raises(StatsigError, match="no access with") as raised:
        statsig.check_gate(USER, "a_gate")
    report = reported(raised.value) + repr(vars(raised.value))
    assert not [s for s in (CREDENTIALS, "abc123", "proxy-password") if s in report]


@pytest.mark.parametrize("words", ["Basic authentication required", "the bearer token is missing"])
@on_any_library
def test_names_of_authentication_schemes_are_kept(make: ClientFactory, words: str) -> None:
    statsig = make.script(ScriptedResponse(407, {"message": words}))
    with pytest.raises(StatsigError, match=words):
        statsig.check_gate(USER, "a_gate")


@on_any_library
def test_echoed_header_values_are_redacted(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(400, {"message": f"who is {GATEWAY}?"}), headers=HEADERS)
    with pytest.raises(StatsigError, match=r"who is \[header X-Gateway\]\?") as raised:
        statsig.check_gate(USER, "a_gate")
    assert GATEWAY not in str(vars(raised.value))


@on_any_library
def test_hook_errors_keep_their_traceback(make: ClientFactory, server: Loopback) -> None:
    def hook(_: Any) -> None:
        raise LimitReachedError

    async def async_hook(_: Any) -> None:
        raise LimitReachedError

    http_client = make.http_client(event_hooks={"request": [async_hook if make.is_async else hook]})
    with pytest.raises(LimitReachedError) as raised:
        make(base_url=server.url, http_client=http_client).check_gate(USER, "a_gate")
    assert raised.traceback[-1].name in ("hook", "async_hook")


@on_any_library
def test_caller_keeps_local_variables(make: ClientFactory) -> None:
    statsig = make.script(ScriptedResponse(400))

    def handled() -> None:
        reason = "kept"
        raise ValueError(len(reason))

    try:
        handled()
    except ValueError:
        with pytest.raises(StatsigError) as raised:
            statsig.check_gate(USER, "a_gate")
    before = raised.value.__context__
    assert before is not None
    assert before.__traceback__ is not None
    assert before.__traceback__.tb_next is not None
    assert before.__traceback__.tb_next.tb_frame.f_locals == {"reason": "kept"}


@pytest.mark.parametrize("kind", ["sync", "sync fast", "async", "async fast"])
def test_interrupts_at_any_line_report_no_secret(server: Loopback, kind: str) -> None:
    server.script(respond(401, {"message": KEY}, ECHO))
    result = subprocess.run(
        [sys.executable, "-m", "tests.client.interrupts", kind, server.url, "5"],
        capture_output=True,
        text=True,
        check=False,
        timeout=300,
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_clear_locals_clears_grouped_errors() -> None:
    def fail() -> None:
        secret = [KEY]
        raise ValueError(str(len(secret)))

    def failed() -> ValueError:
        try:
            fail()
        except ValueError as error:
            return error
        raise AssertionError

    member = failed()
    clear_locals(ExceptionGroup("group", [member]))
    assert member.__traceback__ is not None
    frame = member.__traceback__.tb_next
    assert frame is not None
    assert frame.tb_frame.f_locals == {}
