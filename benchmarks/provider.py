"""Overhead of the OpenFeature provider over the plain call, without a network.

python benchmarks/provider.py    print the microseconds of an evaluation
"""

import gc
import time
from collections.abc import Callable
from statistics import median

import httpx
from openfeature import api
from openfeature.evaluation_context import EvaluationContext

from statsig_api_client import Statsig, StatsigUser
from statsig_api_client.openfeature import StatsigProvider

ROUNDS = 40
CALLS = 200
RESPONSE = b'{"name":"new_checkout","value":true,"rule_id":"5kTz","group_name":"half of all"}'


def main() -> None:
    """Print the median of each kind of evaluation, and its difference from the plain call."""
    transport = httpx.MockTransport(lambda _: httpx.Response(200, content=RESPONSE))
    with (
        httpx.Client(transport=transport) as http_client,
        Statsig("secret-benchmark", http_client=http_client) as statsig,
    ):
        provider = StatsigProvider(statsig=statsig, check_key=False)
        api.set_provider_and_wait(provider)
        client = api.get_client()
        attributes = {"email": "ada@example.com", "plan": "pro", "level": 3}
        context = EvaluationContext("42", attributes)
        flag = {"flag_key": "new_checkout", "default_value": False, "evaluation_context": context}

        def plain() -> None:
            custom = {"plan": "pro", "level": 3}
            user = StatsigUser(user_id="42", email="ada@example.com", custom=custom)
            assert statsig.check_gate(user, "new_checkout")

        def by_provider() -> None:
            assert provider.resolve_boolean_details(**flag).value

        def by_sdk() -> None:
            assert client.get_boolean_value(**flag)

        ways = {"plain call": plain, "provider": by_provider, "OpenFeature client": by_sdk}
        times: dict[str, list[float]] = {name: [] for name in ways}
        gc.disable()
        # Interleaved, so that a slow moment of the machine affects all of them.
        for _ in range(ROUNDS):
            for name, way in ways.items():
                times[name].append(microseconds(way))
        base = times["plain call"]
        for name, each in times.items():
            more = median(one - other for one, other in zip(each, base, strict=True))
            print(f"{name:20} {median(each):7.1f} µs {more:+7.1f} µs")
        api.shutdown()


def microseconds(way: Callable[[], None]) -> float:
    """Return the CPU time of a call, which is nearly independent of other programs."""
    started = time.thread_time()
    for _ in range(CALLS):
        way()
    return (time.thread_time() - started) / CALLS * 1e6


if __name__ == "__main__":
    main()
