"""The provider's life: registration, keys, faults, concurrency and shutdown."""

import asyncio
import importlib
import json
import logging
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import Executor, Future
from typing import Any, Final

import pytest
from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import EventDetails, ProviderEvent
from openfeature.exception import ErrorCode, GeneralError, ProviderFatalError
from openfeature.provider import ProviderStatus

from statsig_api_client import AsyncStatsig, ConfigurationError, Statsig
from statsig_api_client._transports.httpx_connections import MAX_CONNECTIONS
from statsig_api_client.events import EventLogger
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider
from tests.support.clients import KEY
from tests.support.loopback import GATE, Connection, Loopback, raw, respond, unused_port
from tests.support.reports import reports

USER: Final = EvaluationContext("42", {"email": "ada@example.com"})


@pytest.fixture
def statsig(shop: LocalServer) -> Iterator[Statsig]:
    with Statsig(shop.secret_key, base_url=shop.url, max_retries=0) as client:
        yield client


def resolve(provider: StatsigProvider, key: str = "staff_tools") -> Any:
    return provider.resolve_boolean_details(key, default_value=False, evaluation_context=USER)


class InlineExecutor(Executor):
    """Runs functions at once."""

    def submit(self, function: Any, /, *args: Any, **options: Any) -> Future[Any]:
        function(*args, **options)
        return Future()


@pytest.fixture
def inline_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Run event handlers at once; the SDK runs them in threads, so that a count may come early."""
    monkeypatch.setattr("openfeature._event_support._event_executor", InlineExecutor())


def handled(event: ProviderEvent) -> list[EventDetails]:
    """Return the list to which each later event of a kind is appended."""
    events: list[EventDetails] = []
    api.add_handler(event, events.append)
    return events


@pytest.mark.usefixtures("inline_handlers")
def test_ready_handlers_run_once(statsig: Statsig) -> None:
    # openfeature-sdk 0.10 emits the event itself; a version that leaves it to providers fails here.
    ready = handled(ProviderEvent.PROVIDER_READY)
    ready.clear()  # The default provider is ready.
    api.set_provider_and_wait(StatsigProvider(statsig=statsig))
    assert [event.provider_name for event in ready] == ["Statsig"]
    assert api.get_client().get_provider_status() is ProviderStatus.READY


@pytest.mark.usefixtures("inline_handlers")
def test_wrong_key_is_fatal(shop: LocalServer) -> None:
    errors = handled(ProviderEvent.PROVIDER_ERROR)
    with Statsig("secret-wrong", base_url=shop.url) as statsig:
        with pytest.raises(ProviderFatalError) as raised:
            api.set_provider_and_wait(StatsigProvider(statsig=statsig))
        assert "status 401" in (raised.value.error_message or "")
        client = api.get_client()
        assert client.get_provider_status() is ProviderStatus.FATAL
        details = client.get_boolean_details("staff_tools", False, USER)  # noqa: FBT003
    assert (details.value, details.error_code) == (False, ErrorCode.PROVIDER_FATAL)
    assert [error.error_code for error in errors] == [ErrorCode.PROVIDER_FATAL]


@pytest.mark.usefixtures("inline_handlers")
@pytest.mark.parametrize("status", [401, 403])
def test_rejected_key_stops_evaluations_once(
    shop: LocalServer, statsig: Statsig, status: int
) -> None:
    errors = handled(ProviderEvent.PROVIDER_ERROR)
    provider = StatsigProvider(statsig=statsig)
    api.set_provider_and_wait(provider)
    shop.fail_next(times=2, status=status)
    try:
        details = [resolve(provider) for _ in range(2)]
    finally:
        shop.reset()
    assert [one.error_code for one in details] == [ErrorCode.GENERAL] * 2
    assert [error.error_code for error in errors] == [ErrorCode.PROVIDER_FATAL]
    assert api.get_client().get_provider_status() is ProviderStatus.FATAL


def test_unreachable_server_is_error_until_reachable(statsig: Statsig, shop: LocalServer) -> None:
    shop.fail_next(status=500)
    with pytest.raises(GeneralError):
        api.set_provider_and_wait(StatsigProvider(statsig=statsig))
    client = api.get_client()
    assert client.get_provider_status() is ProviderStatus.ERROR
    assert client.get_boolean_value("staff_tools", False, USER) is True  # noqa: FBT003


def test_key_check_records_no_exposure(statsig: Statsig, shop: LocalServer) -> None:
    shop.reset()
    api.set_provider_and_wait(StatsigProvider(statsig=statsig))
    assert shop.exposures() == []


def test_key_check_can_be_disabled(loopback_server: Loopback) -> None:
    with Statsig(KEY, base_url=loopback_server.url) as statsig:
        api.set_provider_and_wait(StatsigProvider(statsig=statsig, check_key=False))
    assert loopback_server.requests == []


def test_fallbacks_of_client_do_not_hide_errors(shop: LocalServer) -> None:
    with Statsig("secret-wrong", base_url=shop.url, on_error="fallback") as statsig:
        details = resolve(StatsigProvider(statsig=statsig))
    assert details.error_code is ErrorCode.GENERAL


def test_provider_describes_itself(statsig: Statsig, shop: LocalServer) -> None:
    provider = StatsigProvider(statsig=statsig)
    assert provider.get_metadata().name == "Statsig"
    assert provider.get_provider_hooks() == []
    assert repr(provider) == f"<StatsigProvider of <Statsig {shop.url}>>"
    assert len({provider, provider, StatsigProvider(statsig=statsig)}) == 2


# ---- Construction and shutdown ----


def test_provider_makes_clients_from_environment(
    shop: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("STATSIG_API_KEY", shop.secret_key)
    monkeypatch.setenv("STATSIG_BASE_URL", shop.url)
    api.set_provider_and_wait(StatsigProvider())
    client = api.get_client()
    assert client.get_boolean_value("staff_tools", False, USER) is True  # noqa: FBT003
    api.shutdown()


def test_blocking_client_is_made_for_given_async_client(shop: LocalServer) -> None:
    async def evaluate() -> list[bool]:
        async with AsyncStatsig(shop.secret_key, base_url=shop.url) as client:
            provider = StatsigProvider(shop.secret_key, base_url=shop.url, async_statsig=client)
            api.set_provider_and_wait(provider)
            flags = api.get_client()
            return [
                await flags.get_boolean_value_async("staff_tools", False, USER),  # noqa: FBT003
                flags.get_boolean_value("staff_tools", False, USER),  # noqa: FBT003
            ]

    assert asyncio.run(evaluate()) == [True, True]


def test_missing_extra_is_reported(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "statsig_api_client.openfeature"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "openfeature.evaluation_context", None)
    with pytest.raises(ModuleNotFoundError, match=r"pip install 'statsig-api-client\[openfeature"):
        importlib.import_module(package)


@pytest.mark.parametrize("where", ["inside the loop", "in a thread", "after the loop"])
def test_shutdown_closes_own_clients(shop: LocalServer, where: str) -> None:
    provider = StatsigProvider(shop.secret_key, base_url=shop.url)

    async def evaluate() -> None:
        details = await provider.resolve_boolean_details_async("staff_tools", False, USER)  # noqa: FBT003
        assert details.value is True
        if where == "inside the loop":
            provider.shutdown()
            await asyncio.sleep(0.01)  # the connections close in the loop's next turn
        elif where == "in a thread":
            await asyncio.to_thread(provider.shutdown)
        else:
            async_statsig = provider._clients.async_statsig  # noqa: SLF001
            assert async_statsig is not None
            await async_statsig.aclose()  # the connections end with their loop

    asyncio.run(evaluate())
    provider.shutdown()
    assert "the client is closed" in resolve(provider).error_message


def test_shutdown_leaves_given_clients_open(statsig: Statsig) -> None:
    with EventLogger(statsig) as events:
        provider = StatsigProvider(statsig=statsig, events=events)
        provider.shutdown()
        events.log({"userID": "42"}, "still_open")
    assert resolve(provider).value is True


@pytest.mark.parametrize("option", [{"api_key": KEY}, {"base_url": "https://example.com"}])
def test_key_and_client_are_rejected(statsig: Statsig, option: Any) -> None:
    with pytest.raises(ConfigurationError, match="expected a key or a client, got both") as raised:
        StatsigProvider(statsig=statsig, **option)
    assert KEY not in reports(raised.value)


@pytest.mark.parametrize("key", [None, "", KEY + " "])
def test_invalid_key_is_rejected(key: str | None) -> None:
    with pytest.raises(ConfigurationError, match="API key") as raised:
        StatsigProvider(key)
    assert KEY not in reports(raised.value)


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"statsig": "x"}, "statsig: expected a Statsig, got str"),
        ({"async_statsig": 1}, "async_statsig: expected an AsyncStatsig, got int"),
        ({"events": object()}, "events: expected an EventLogger, got object"),
    ],
)
def test_option_of_wrong_type_is_rejected(option: Any, message: str) -> None:
    with pytest.raises(TypeError, match=message):
        StatsigProvider(KEY, **option)


# ---- Concurrency ----


def test_hundred_evaluations_are_in_flight_together(loopback_server: Loopback) -> None:
    # No response is sent before as many requests have arrived as the client has connections.
    all_arrived = threading.Event()

    def respond_together(connection: Connection) -> None:
        if len(loopback_server.requests) >= MAX_CONNECTIONS:
            all_arrived.set()
        all_arrived.wait(30)
        respond(200, GATE)(connection)

    loopback_server.script(respond_together)

    async def evaluate() -> list[Any]:
        async with AsyncStatsig(KEY, base_url=loopback_server.url, timeout=30) as client:
            with Statsig(KEY, base_url=loopback_server.url) as blocking:
                provider = StatsigProvider(statsig=blocking, async_statsig=client)
                return await asyncio.gather(
                    *(
                        provider.resolve_boolean_details_async("a_gate", False, USER)  # noqa: FBT003
                        for _ in range(100)
                    )
                )

    assert [details.value for details in asyncio.run(evaluate())] == [True] * 100


@pytest.mark.slow
def test_hundred_evaluations_take_less_than_three_times_one(shop: LocalServer) -> None:
    async def evaluate(client: AsyncStatsig, blocking: Statsig, count: int) -> float:
        provider = StatsigProvider(statsig=blocking, async_statsig=client)
        started = time.perf_counter()
        await asyncio.gather(
            *(
                provider.resolve_boolean_details_async("staff_tools", False, USER)  # noqa: FBT003
                for _ in range(count)
            )
        )
        return time.perf_counter() - started

    async def compare(blocking: Statsig) -> tuple[float, float]:
        async with AsyncStatsig(shop.secret_key, base_url=shop.url) as client:
            return await evaluate(client, blocking, 1), await evaluate(client, blocking, 100)

    # Long enough for a loaded machine to start a hundred requests.
    shop.fail_next(times=None, delay=4, status=None)
    try:
        with Statsig(shop.secret_key, base_url=shop.url) as blocking:
            one, hundred = asyncio.run(compare(blocking))
    finally:
        shop.reset()
    assert hundred < 3 * one


def test_blocking_client_does_not_block_loop(loopback_server: Loopback) -> None:
    released = threading.Event()

    def respond_late(connection: Connection) -> None:
        released.wait(30)
        respond(200, GATE)(connection)

    loopback_server.script(respond_late)

    async def evaluate() -> Any:
        with Statsig(KEY, base_url=loopback_server.url) as blocking:
            provider = StatsigProvider(statsig=blocking)
            evaluation = asyncio.create_task(
                provider.resolve_boolean_details_async("a_gate", False, USER)  # noqa: FBT003
            )
            # A blocked loop would not come this far.
            asyncio.get_running_loop().call_soon(released.set)
            return await evaluation

    assert asyncio.run(evaluate()).value is True


def test_async_details_of_all_types(shop: LocalServer, statsig: Statsig) -> None:
    async def evaluate() -> list[Any]:
        async with AsyncStatsig(shop.secret_key, base_url=shop.url) as client:
            api.set_provider_and_wait(StatsigProvider(statsig=statsig, async_statsig=client))
            flags = api.get_client()
            return [
                await flags.get_boolean_value_async("staff_tools", False, USER),  # noqa: FBT003
                await flags.get_string_value_async("homepage:button_color", "x", USER),
                await flags.get_integer_value_async("homepage:products_shown", 1, USER),
                await flags.get_float_value_async("homepage:products_shown", 0.5, USER),
                await flags.get_object_value_async("homepage", {}, USER),
            ]

    values = asyncio.run(evaluate())
    assert values[:4] == [True, "purple", 24, 24.0]
    assert (
        values[4]
        == statsig.get_config({"userID": "42", "email": "ada@example.com"}, "homepage").value
    )


# ---- Secrets ----

ECHO: Final = {"X-Echo": KEY, "X-Request-Id": KEY}


def faults() -> list[Any]:
    """Return responses that repeat the key."""
    body = {"message": f"the key is {KEY}", "name": KEY, "value": KEY}
    return [
        *(respond(status, body, ECHO) for status in (400, 401, 403, 404, 413, 429, 500, 503, 520)),
        respond(200, body, ECHO),
        respond(200, KEY.encode(), ECHO),
        respond(200, {"name": "a", "value": True, "rule_id": [KEY]}, ECHO),
        respond(302, body, ECHO | {"Location": f"http://127.0.0.1/{KEY}"}),
        raw(f"HTTP/1.1 200 {KEY}\r\n".encode()),
        raw(KEY.encode()),
        lambda connection: connection.reset(),
    ]


@pytest.mark.usefixtures("inline_handlers")
def test_thousand_faults_show_no_key(
    loopback_server: Loopback, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    events = handled(ProviderEvent.PROVIDER_ERROR)
    scripts = faults()
    texts: list[str] = []
    with Statsig(KEY, base_url=loopback_server.url, max_retries=0) as statsig:
        provider = StatsigProvider(statsig=statsig, check_key=False)
        api.set_provider_and_wait(provider)
        client = api.get_client()
        for number in range(1000):
            loopback_server.script(scripts[number % len(scripts)])
            texts.append(str(resolve(provider, "a_gate")))
            if number < len(scripts):
                with pytest.raises((GeneralError, ProviderFatalError)) as raised:
                    StatsigProvider(statsig=statsig).initialize(USER)
                texts += [reports(raised.value), str(client.get_string_details("a", "x", USER))]
        texts += [repr(provider), repr(events), repr(client)]
    assert len(events) == 1
    # At debug level, httpcore logs what the server sent.
    texts += [
        record.getMessage() + str(record.exc_text)
        for record in caplog.records
        if not record.name.startswith("httpcore")
    ]
    texts += capfd.readouterr()
    assert sum("ERROR" in text for text in texts) > 1000
    assert not [text for text in texts if KEY[3:-3] in text]


def test_unserializable_flag_key_has_code(statsig: Statsig) -> None:
    assert resolve(StatsigProvider(statsig=statsig), "\ud800").error_code is not None


def test_closed_port_has_code() -> None:
    url = f"http://127.0.0.1:{unused_port()}/v1"
    with Statsig(KEY, base_url=url, max_retries=0) as statsig:
        details = resolve(StatsigProvider(statsig=statsig))
    assert (details.value, details.error_code) == (False, ErrorCode.GENERAL)
    assert json.dumps(details.error_message)
