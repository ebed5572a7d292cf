"""Benchmark cases: each prepares a client and returns a function that runs N calls.

Each case runs in a separate process (see `worker.py`). It sends the same request in the idiomatic
way of its library, keeps its connections and parses the response as JSON.
"""

import asyncio
import http.client
import json
import sys
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from attrs import frozen

KEY = "secret-benchmark"
HEADERS = {"STATSIG-API-KEY": KEY}
WIRE_USER = {"userID": "42", "email": "ada@example.com", "custom": {"plan": "pro"}}
WIRE_CALL = {"user": WIRE_USER, "gateName": "new_checkout"}
RESPONSE = (
    b'{"name":"new_checkout","value":true,"rule_id":"4pqmXHFDCO8xmYuAOtbyQF",'
    b'"group_name":"everyone"}'
)
# As many headers as our client sends, for the cases that measure a bare transport.
OWN_HEADERS = {
    "Accept": "application/json",
    "Accept-Encoding": "gzip, deflate",
    "Content-Type": "application/json",
    "User-Agent": "statsig-api-client-python/0.1.0",
    "STATSIG-SDK-TYPE": "py-http-api",
    "STATSIG-SDK-VERSION": "0.1.0",
    "STATSIG-API-KEY": KEY,
    "STATSIG-CLIENT-TIME": "1616826986211",
}

Rounds = Callable[[int], int]
"""Runs at least N calls and returns the exact number."""


@frozen
class Setting:
    """Server, sizes and files of a measurement."""

    url: str
    stock: Path
    """Directory with the output of openapi-python-client."""
    size: int
    """Number of events in a batch, user attributes, calls in flight or threads."""


Case = Callable[[Setting], Rounds]
CASES: dict[str, Case] = {}


def case(name: str) -> Callable[[Case], Case]:
    """Register a case under a name."""

    def register(make: Case) -> Case:
        CASES[name] = make
        return make

    return register


def again(call: Callable[[], object]) -> Rounds:
    """Run sequential calls."""

    def rounds(count: int) -> int:
        for _ in range(count):
            call()
        return count

    return rounds


def in_flight(
    make: Callable[[], Coroutine[Any, Any, Callable[[], Awaitable[object]]]], tasks: int
) -> Rounds:
    """Run a number of calls at a time, in one event loop."""
    runner = asyncio.Runner()
    call = runner.run(make())

    async def some(count: int) -> None:
        for _ in range(count):
            await call()

    async def all_of_them(count: int) -> int:
        each = -(-count // tasks)
        await asyncio.gather(*(some(each) for _ in range(tasks)))
        return each * tasks

    return lambda count: runner.run(all_of_them(count))


# ---- Sequential calls ----


@case("http.client")
def _(setting: Setting) -> Rounds:
    parts = urlsplit(setting.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port)
    headers = HEADERS | {"Content-Type": "application/json"}

    def call() -> object:
        body = json.dumps(WIRE_CALL).encode()
        connection.request("POST", f"{parts.path}/check_gate", body, headers)
        return json.loads(connection.getresponse().read())

    return again(call)


def _idiomatic(library: Any, setting: Setting) -> Rounds:
    client = library.Client(base_url=setting.url, headers=HEADERS)
    return again(lambda: client.post("check_gate", json=WIRE_CALL).raise_for_status().json())


@case("httpx")
def _(setting: Setting) -> Rounds:
    import httpx

    return _idiomatic(httpx, setting)


@case("httpx2")
def _(setting: Setting) -> Rounds:
    import httpx2

    return _idiomatic(httpx2, setting)


@case("httpx transport, ready bytes")
def _(setting: Setting) -> Rounds:
    import httpx

    transport = httpx.HTTPTransport()
    url = httpx.URL(f"{setting.url}/check_gate")
    content = json.dumps(WIRE_CALL).encode()

    def call() -> bytes:
        request = httpx.Request("POST", url, headers=OWN_HEADERS, content=content)
        with closing(transport.handle_request(request)) as response:
            return response.read()

    return again(call)


@case("pyreqwest, ready bytes")
def _(setting: Setting) -> Rounds:
    from pyreqwest.client import SyncClientBuilder

    client = SyncClientBuilder().build()
    url, headers = f"{setting.url}/check_gate", list(OWN_HEADERS.items())
    content, timeout = json.dumps(WIRE_CALL).encode(), timedelta(seconds=10)

    def call() -> bytes:
        request = client.post(url).headers(headers).body_bytes(content).timeout(timeout).build()
        return bytes(request.send().bytes())

    return again(call)


def _stock(setting: Setting) -> Any:
    sys.path.insert(0, str(setting.stock.parent))
    import stock

    return stock.AuthenticatedClient(
        base_url=setting.url, token=KEY, prefix="", auth_header_name="STATSIG-API-KEY"
    )


@case("openapi-python-client")
def _(setting: Setting) -> Rounds:
    client = _stock(setting)
    from stock.api.feature_gates import check_gate

    return again(partial(check_gate.sync, client=client, body=WIRE_CALL))


@case("openai")
def _(setting: Setting) -> Rounds:
    import openai

    client = openai.OpenAI(api_key=KEY, base_url=setting.url)
    return again(lambda: client.post("/check_gate", body=WIRE_CALL, cast_to=object))


def _ours(setting: Setting, **options: Any) -> Any:
    from statsig_api_client import Statsig

    return Statsig(KEY, base_url=setting.url, **options)


def _our_user(attributes: int = 1) -> Any:
    from statsig_api_client import StatsigUser

    custom = {f"attribute_{number}": "pro" for number in range(attributes)}
    return StatsigUser(user_id="42", email="ada@example.com", custom=custom)


@case("Statsig")
def _(setting: Setting) -> Rounds:
    return again(partial(_ours(setting).check_gate, _our_user(), "new_checkout"))


@case("Statsig, fast")
def _(setting: Setting) -> Rounds:
    return again(partial(_ours(setting, engine="fast").check_gate, _our_user(), "new_checkout"))


@case("Statsig, httpx2 client")
def _(setting: Setting) -> Rounds:
    import httpx2

    statsig = _ours(setting, http_client=httpx2.Client())
    return again(partial(statsig.check_gate, _our_user(), "new_checkout"))


@case("Statsig, transport that responds at once")
def _(setting: Setting) -> Rounds:
    from statsig_api_client._transports.base import Headers, TransportResponse

    class AtOnce:
        def send(self, _: object) -> TransportResponse:
            return TransportResponse(200, Headers(dict[str, str]().items), RESPONSE)

    statsig = _ours(setting)
    statsig._transport = AtOnce()  # noqa: SLF001  (the only way to replace the transport)
    return again(partial(statsig.check_gate, _our_user(), "new_checkout"))


@case("Statsig(...)")
def _(setting: Setting) -> Rounds:
    return again(lambda: _ours(setting).close())


@case("Statsig, users")
def _(setting: Setting) -> Rounds:
    statsig, user = _ours(setting, engine="fast"), _our_user(setting.size)
    return again(partial(statsig.check_gate, user, "new_checkout"))


@case("Statsig, threads")
def _(setting: Setting) -> Rounds:
    return _threads(_ours(setting), setting.size)


@case("Statsig, fast, threads")
def _(setting: Setting) -> Rounds:
    return _threads(_ours(setting, engine="fast"), setting.size)


def _threads(statsig: Any, threads: int) -> Rounds:
    pool, one = (
        ThreadPoolExecutor(threads),
        again(partial(statsig.check_gate, _our_user(), "new_checkout")),
    )

    def rounds(count: int) -> int:
        waiting = [pool.submit(one, -(-count // threads)) for _ in range(threads)]
        return sum(done.result() for done in waiting)

    return rounds


# ---- Concurrent calls ----


def _idiomatic_async(library: Any, setting: Setting) -> Rounds:
    async def make() -> Callable[[], Awaitable[object]]:
        client = library.AsyncClient(base_url=setting.url, headers=HEADERS)

        async def call() -> object:
            return (await client.post("check_gate", json=WIRE_CALL)).raise_for_status().json()

        return call

    return in_flight(make, setting.size)


@case("httpx, async")
def _(setting: Setting) -> Rounds:
    import httpx

    return _idiomatic_async(httpx, setting)


@case("httpx2, async")
def _(setting: Setting) -> Rounds:
    import httpx2

    return _idiomatic_async(httpx2, setting)


@case("aiohttp")
def _(setting: Setting) -> Rounds:
    import aiohttp

    async def make() -> Callable[[], Awaitable[object]]:
        session = aiohttp.ClientSession(headers=HEADERS)
        url = f"{setting.url}/check_gate"

        async def call() -> object:
            async with session.post(url, json=WIRE_CALL) as response:
                response.raise_for_status()
                return await response.json()

        return call

    return in_flight(make, setting.size)


@case("pyreqwest, async, ready bytes")
def _(setting: Setting) -> Rounds:
    from pyreqwest.client import ClientBuilder

    url, headers = f"{setting.url}/check_gate", list(OWN_HEADERS.items())
    content, timeout = json.dumps(WIRE_CALL).encode(), timedelta(seconds=10)

    async def make() -> Callable[[], Awaitable[object]]:
        client = ClientBuilder().build()

        async def call() -> bytes:
            request = client.post(url).headers(headers).body_bytes(content).timeout(timeout)
            return bytes(await (await request.build().send()).bytes())

        return call

    return in_flight(make, setting.size)


def _ours_async(setting: Setting, **options: Any) -> Rounds:
    from statsig_api_client import AsyncStatsig

    async def make() -> Callable[[], Awaitable[object]]:
        statsig = AsyncStatsig(KEY, base_url=setting.url, **options)
        return partial(statsig.check_gate, _our_user(), "new_checkout")

    return in_flight(make, setting.size)


@case("AsyncStatsig")
def _(setting: Setting) -> Rounds:
    return _ours_async(setting)


@case("AsyncStatsig, fast")
def _(setting: Setting) -> Rounds:
    return _ours_async(setting, engine="fast")


# ---- Events ----


def _wire_events(count: int) -> list[Any]:
    return [
        {
            "eventName": "purchase",
            "user": WIRE_USER,
            "value": 9.99 + number,
            "time": 1616826986211 + number,
            "metadata": {"sku": f"A{number}", "page": "/checkout"},
        }
        for number in range(count)
    ]


@case("httpx, events")
def _(setting: Setting) -> Rounds:
    import httpx

    client = httpx.Client(base_url=setting.url, headers=HEADERS)
    body = {"events": _wire_events(setting.size)}
    return again(lambda: client.post("log_event", json=body).raise_for_status().json())


@case("openapi-python-client, events")
def _(setting: Setting) -> Rounds:
    client = _stock(setting)
    from stock.api.events import log_event
    from stock.models import LogEventRequest

    body = LogEventRequest.from_dict({"events": _wire_events(setting.size)})
    return again(partial(log_event.sync, client=client, body=body))


def _our_events(setting: Setting, **options: Any) -> Rounds:
    from statsig_api_client import StatsigEvent

    events = [StatsigEvent.from_dict(event) for event in _wire_events(setting.size)]
    return again(partial(_ours(setting, **options).log_events, events))


@case("Statsig, events")
def _(setting: Setting) -> Rounds:
    return _our_events(setting)


@case("Statsig, events, gzip")
def _(setting: Setting) -> Rounds:
    return _our_events(setting, gzip_events=True)


@case("Statsig, events, gzip, no orjson")
def _(setting: Setting) -> Rounds:
    sys.modules["orjson"] = None  # type: ignore[assignment]
    return _our_events(setting, gzip_events=True)


@case("Statsig, fast, events, gzip")
def _(setting: Setting) -> Rounds:
    return _our_events(setting, engine="fast", gzip_events=True)
