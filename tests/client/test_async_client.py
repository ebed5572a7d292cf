"""The asynchronous client: tasks, cancellation, event loops."""

import asyncio
import gc
import time

import pytest

from statsig_api_client import (
    APITimeoutError,
    AsyncStatsig,
    ConfigurationError,
    StatsigUser,
)
from tests.support.clients import KEY
from tests.support.loopback import Loopback, respond, send_in_pieces, silence

USER = StatsigUser(user_id="42")


def test_client_is_context_manager(server: Loopback) -> None:
    async def use() -> AsyncStatsig:
        async with AsyncStatsig(KEY, base_url=server.url) as statsig:
            assert await statsig.check_gate(USER, "a_gate")
        return statsig

    statsig = asyncio.run(use())
    with pytest.raises(ConfigurationError, match="closed"):
        asyncio.run(statsig.check_gate(USER, "a_gate"))


def test_calls_run_concurrently(server: Loopback) -> None:
    def slow(connection: object) -> None:
        time.sleep(0.5)
        respond()(connection)  # type: ignore[arg-type]

    server.script(slow)

    async def together() -> float:
        async with AsyncStatsig(KEY, base_url=server.url) as statsig:
            start = time.monotonic()
            gates = await asyncio.gather(*(statsig.check_gate(USER, "a_gate") for _ in range(20)))
            assert all(gates)
            return time.monotonic() - start

    assert asyncio.run(together()) < 5


def test_slow_call_does_not_block_others(server: Loopback) -> None:
    server.script(silence, respond())

    async def both() -> None:
        async with AsyncStatsig(KEY, base_url=server.url) as statsig:
            waiting = asyncio.create_task(statsig.check_gate(USER, "a_gate"))
            await asyncio.sleep(0.1)
            assert await statsig.check_gate(USER, "a_gate")
            assert not waiting.done()
            waiting.cancel()
            with pytest.raises(asyncio.CancelledError):
                await waiting

    asyncio.run(both())


def test_cancellation_is_not_replaced_by_fallback(server: Loopback) -> None:
    server.script(silence)

    async def cancel() -> None:
        async with AsyncStatsig(KEY, base_url=server.url, on_error="fallback") as statsig:
            with pytest.raises(TimeoutError):
                await asyncio.wait_for(statsig.check_gate(USER, "a_gate"), 0.1)
            server.script(respond())
            assert await statsig.check_gate(USER, "a_gate")

    asyncio.run(cancel())


def test_supplied_client_keeps_attempt_timeout(server: Loopback) -> None:
    server.script(send_in_pieces(b"HTTP/1.1 200 OK\r\n", b"x: y\r\n", pause=0.05))

    async def call() -> None:
        async with AsyncStatsig(KEY, base_url=server.url, timeout=0.2, deadline=0.5) as statsig:
            start = time.monotonic()
            with pytest.raises(APITimeoutError):
                await statsig.check_gate(USER, "a_gate")
            assert time.monotonic() - start < 5

    asyncio.run(call())


def test_client_serves_successive_event_loops(server: Loopback) -> None:
    statsig = AsyncStatsig(KEY, base_url=server.url)

    async def handle(last: bool) -> bool:  # noqa: FBT001
        gate = await statsig.check_gate(USER, "a_gate")
        if last:
            await statsig.aclose()
        return bool(gate)

    def several_loops() -> None:
        assert [asyncio.run(handle(last)) for last in (False, False, True)] == [True] * 3
        gc.collect()

    with pytest.warns(ResourceWarning, match="unclosed"):  # leftovers of the first two loops
        several_loops()


def test_closing_copy_has_no_effect(server: Loopback) -> None:
    async def use() -> None:
        async with AsyncStatsig(KEY, base_url=server.url) as statsig:
            async with statsig.with_options(timeout=1) as view:
                assert await view.check_gate(USER, "a_gate")
            assert await statsig.check_gate(USER, "a_gate")
        assert server.connections == 1

    asyncio.run(use())
