"""The clients and the event logger of a provider."""

import asyncio
import threading
from typing import Final

from .._async_client import AsyncStatsig
from .._client import Statsig
from .._errors import ConfigurationError
from .._redaction import clear_locals
from ..events import EventLogger

CLOSE_TIMEOUT: Final = 30.0
"""Seconds that `close` waits for pending events, and for the event loop of an own client."""


class Clients:
    """The clients and the logger of a provider: passed by its user, or created on first use.

    Args:
        api_key: See `StatsigProvider`.
        base_url: See `StatsigProvider`.
        statsig: The client to evaluate with; None to make one.
        async_statsig: The client to evaluate with in an event loop. None to make one; if `statsig`
            is given, there is no key to make one with, and threads use that client instead.
        events: The logger for tracking; None to make one.

    Raises:
        ConfigurationError: The key is missing or malformed, or a client is given, too.
        TypeError: An argument has the wrong type.
    """

    def __init__(
        self,
        api_key: str | None,
        base_url: str | None,
        statsig: Statsig | None,
        async_statsig: AsyncStatsig | None,
        events: EventLogger | None,
    ) -> None:
        _check_type("statsig", statsig, Statsig)
        _check_type("async_statsig", async_statsig, AsyncStatsig)
        _check_type("events", events, EventLogger)
        self._owned: list[Statsig] = []
        self._owned_async: AsyncStatsig | None = None
        self._owned_events: EventLogger | None = None
        if statsig is None:
            statsig = self._new(api_key, base_url)
            if async_statsig is None:
                async_statsig = self._new_async(api_key, base_url)
        elif api_key is not None or base_url is not None:
            del api_key  # a traceback would show the key
            raise ConfigurationError(
                "StatsigProvider: expected a key or a client, got both; remove api_key and base_url"
            )
        self.statsig: Statsig = statsig
        self.async_statsig: AsyncStatsig | None = async_statsig
        """None if threads use `statsig`."""
        self._events = events
        self._lock = threading.Lock()
        self._closed = False
        self._loop: asyncio.AbstractEventLoop | None = None
        """The event loop that used the own asynchronous client last."""
        self._closing: asyncio.Task[None] | None = None

    def _new(self, api_key: str | None, base_url: str | None) -> Statsig:
        try:
            self._owned.append(Statsig(api_key, base_url=base_url))
        except BaseException as error:
            clear_locals(error)
            del api_key
            raise
        return self._owned[0]

    def _new_async(self, api_key: str | None, base_url: str | None) -> AsyncStatsig:
        self._owned_async = AsyncStatsig(api_key, base_url=base_url)
        return self._owned_async

    @property
    def events(self) -> EventLogger:
        """The logger for tracking, created on first use unless one was passed.

        Raises:
            ConfigurationError: It was closed.
        """
        with self._lock:
            if self._events is None:
                if self._closed:
                    raise ConfigurationError("the provider is shut down")
                self._events = self._owned_events = EventLogger(self.statsig)
            return self._events

    def note_loop(self) -> None:
        """Note the running event loop as the one to close the own asynchronous client in."""
        self._loop = asyncio.get_running_loop()

    def close(self) -> None:
        """Send pending events, and close what the provider created. Closing twice is allowed."""
        with self._lock:
            self._closed = True
        if self._owned_events is not None:
            self._owned_events.close(CLOSE_TIMEOUT)
        elif self._events is not None:
            self._events.flush(CLOSE_TIMEOUT)
        for client in self._owned:
            client.close()
        if self._owned_async is not None:
            self._close_async(self._owned_async)

    def _close_async(self, client: AsyncStatsig) -> None:
        # Connections can only be closed in their own event loop.
        loop = self._loop
        if loop is None or not loop.is_running():
            # In a thread, since another event loop may be running in this one.
            closing = threading.Thread(target=asyncio.run, args=(client.aclose(),))
            closing.start()
            closing.join()
        elif loop is _running_loop():
            self._closing = loop.create_task(client.aclose())
        else:
            asyncio.run_coroutine_threadsafe(client.aclose(), loop).result(CLOSE_TIMEOUT)


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _check_type(name: str, value: object, wanted: type) -> None:
    if value is not None and not isinstance(value, wanted):
        article = "an" if wanted.__name__[0] in "AE" else "a"
        raise TypeError(f"{name}: expected {article} {wanted.__name__}, got {type(value).__name__}")
