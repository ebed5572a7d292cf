"""Clients of every kind, for real servers and for scripted outcomes."""

import asyncio
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import ModuleType
from typing import Any

import httpx
import httpx2
import pytest
from attrs import define, field, frozen

from statsig_api_client import AsyncStatsig, Statsig
from tests.support.clock import FakeClock
from tests.support.loopback import GATE

KEY = "secret-CanYouKeepIt42"


class Blocking:
    """A blocking facade of an asynchronous client, so that one test covers both."""

    def __init__(self, target: Any, runner: asyncio.Runner) -> None:
        self.target = target
        self._runner = runner

    def __getattr__(self, name: str) -> Any:
        value = getattr(self.target, {"close": "aclose"}.get(name, name))
        if name == "with_raw_response":
            return Blocking(value, self._runner)
        if not callable(value):
            return value

        def call(*args: Any, **kwargs: Any) -> Any:
            async def run() -> Any:
                return await value(*args, **kwargs)

            if name == "with_options":
                return Blocking(value(*args, **kwargs), self._runner)
            return self._runner.run(run())

        return call


@frozen
class ScriptedResponse:
    """A response after some seconds."""

    status: int = 200
    body: object = field(factory=lambda: GATE)
    headers: dict[str, str] = field(factory=dict)
    after: float = 0.0


@frozen
class ScriptedError:
    """An httpx error, given by its name, after some seconds."""

    error: str
    after: float = 0.0


@define
class ScriptedHandler:
    """A handler of requests with scripted outcomes, in order; the last one is repeated."""

    library: ModuleType
    clock: FakeClock
    outcomes: list[ScriptedResponse | ScriptedError]
    sent: list[Any] = field(factory=list)

    def __call__(self, request: Any) -> Any:
        self.sent.append(request)
        outcome = self.outcomes.pop(0) if len(self.outcomes) > 1 else self.outcomes[0]
        self.clock.pass_(outcome.after)
        if isinstance(outcome, ScriptedError):
            raise getattr(self.library, outcome.error)("it went wrong")
        body = outcome.body
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        return self.library.Response(outcome.status, headers=outcome.headers, content=content)


@define
class ClientFactory:
    """Factory of clients of one kind; see `client_factory`."""

    client: type[Statsig | AsyncStatsig]
    library: ModuleType | None
    engine: str
    clock: FakeClock
    runner: asyncio.Runner
    scripted: ScriptedHandler | None = None
    _closing: list[Callable[[], object]] = field(factory=list)

    @property
    def is_async(self) -> bool:
        return self.client is AsyncStatsig

    def __call__(self, api_key: str | None = KEY, **options: Any) -> Any:
        """Create a client of a real server."""
        if self.library is not None:
            options.setdefault("http_client", self.http_client())
        elif self.engine != "httpx":
            options.setdefault("engine", self.engine)
        return self._opened(self.client(api_key, **options))

    def script(self, *outcomes: ScriptedResponse | ScriptedError, **options: Any) -> Any:
        """Create a client with scripted outcomes, whose delays follow the fake clock."""
        assert self.library is not None
        self.scripted = ScriptedHandler(self.library, self.clock, [*outcomes])
        transport = self.library.MockTransport(self.scripted)
        clocked = type(self.client.__name__, (self.client,), {"_clock": self.clock})
        return self._opened(
            clocked(KEY, http_client=self.http_client(transport=transport), **options)
        )

    @property
    def sent(self) -> list[Any]:
        """The requests that the scripted client has sent."""
        assert self.scripted is not None
        return self.scripted.sent

    def http_client(self, **options: Any) -> Any:
        assert self.library is not None
        made = (self.library.AsyncClient if self.is_async else self.library.Client)(**options)
        self._closing.append(Blocking(made, self.runner).close if self.is_async else made.close)
        return made

    def close(self) -> None:
        for close in reversed(self._closing):
            close()

    def _opened(self, client: Any) -> Any:
        opened = Blocking(client, self.runner) if self.is_async else client
        self._closing.append(opened.close)
        return opened


KINDS: dict[str, tuple[type[Statsig | AsyncStatsig], ModuleType | None, str]] = {
    "sync": (Statsig, None, "httpx"),
    "sync httpx": (Statsig, httpx, "httpx"),
    "sync httpx2": (Statsig, httpx2, "httpx"),
    "sync fast": (Statsig, None, "fast"),
    "async": (AsyncStatsig, None, "httpx"),
    "async httpx": (AsyncStatsig, httpx, "httpx"),
    "async httpx2": (AsyncStatsig, httpx2, "httpx"),
    "async fast": (AsyncStatsig, None, "fast"),
}


@contextmanager
def client_factory(kind: str, clock: FakeClock) -> Iterator[ClientFactory]:
    """Yield a factory of clients of one kind, and close them afterwards."""
    with asyncio.Runner() as runner:
        made = ClientFactory(*KINDS[kind], clock, runner)
        try:
            yield made
        finally:
            made.close()


on_any_library = pytest.mark.parametrize(
    "make", [kind for kind, (_, library, _) in KINDS.items() if library], indirect=True
)
"""Marker of tests with scripted outcomes, which run with each httpx library."""
