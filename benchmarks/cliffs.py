"""Cost per byte of unusual bodies and responses, compared with usual ones.

    python benchmarks/cliffs.py [--examples N]

Hypothesis generates the inputs and explores expensive ones further. The table lists the worst ratio
of each path, and its input.
"""

import argparse
import enum
import json
import re
import time
import uuid
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from hypothesis import HealthCheck, Phase, given, settings, target
from hypothesis import strategies as st

from statsig_api_client import DynamicConfig, Statsig, StatsigEvent, StatsigUser
from statsig_api_client._clock import Clock
from statsig_api_client._delivery.encoder import EventEncoder
from statsig_api_client._json import OrjsonCodec, StandardCodec
from statsig_api_client._options import Options
from statsig_api_client._parse import parse_response, successful_response
from statsig_api_client._retry import RetryState
from statsig_api_client._transports.base import Headers, TransportResponse
from statsig_api_client.generated import calls

if TYPE_CHECKING:
    from statsig_api_client._request import RequestBuilder

SIZE = 30_000
"""Minimum bytes of each input, so that fixed costs do not matter."""


class Text(str):
    """A subclass of `str`, like Django's safe strings."""

    __slots__ = ()


class Color(enum.Enum):
    """A value that is not JSON itself."""

    RED = "red"


words = st.sampled_from(["value", "null", ":null,", "nullable", "ž" * 9, '"\\\n', "1" * 25, "x.y"])
texts = st.builds(str.__mul__, words, st.sampled_from([1, 10, 500]))
scalars = st.one_of(
    texts,
    st.none(),
    st.sampled_from([1, -1, 2**53, 2**63, 2**64, 2**200, 1.5, 1e-9, 1e300, 0.1234567890123456]),
    st.sampled_from([Color.RED, Text("value"), uuid.UUID(int=1), ("a", "b")]),
)
values = st.recursive(
    scalars,
    lambda children: st.lists(children, max_size=4) | st.dictionaries(texts, children, max_size=4),
    max_leaves=8,
)
deep = st.builds(
    lambda depth, value: json.loads("[" * depth + json.dumps(value) + "]" * depth),
    st.sampled_from([1, 20]),
    st.sampled_from(["a", None, 1.5]),
)
maps = st.dictionaries(texts, values | deep, min_size=1, max_size=4)


def _wide(value: object) -> dict[str, object]:
    return {f"key{index}": value for index in range(200)}


wide = st.builds(_wide, scalars)
attributes = maps | wide
markup = st.lists(
    st.sampled_from(
        ["<title>", "a.", "a-", "://", "http://a", "@", "basic ", "bearer ", " ", "{", "[", '"']
    ),
    min_size=1,
    max_size=4,
).map(lambda parts: "".join(parts).encode())
junk = markup | st.binary(min_size=1, max_size=8)

USUAL: dict[str, Any] = {"plan": "pro", "level": 3, "name": "Ada Lovelace"}


def repeated(piece: bytes) -> bytes:
    """Return a piece, repeated up to the size of an input."""
    return piece * (SIZE // len(piece) + 1)


def body(custom: dict[str, Any]) -> dict[str, Any]:
    """Return a request with enough users to reach the size of an input."""
    size = len(StandardCodec().serialize(custom)) + 60
    user = StatsigUser(user_id="42", email="ada@example.com", custom=custom)
    event = StatsigEvent(event_name="purchase", user=user, value=9.99, time=1700000000000)
    return calls.log_events([event] * (SIZE // size + 1)).body


def document(value: dict[str, Any]) -> bytes:
    """Return the JSON of configs that have a value."""
    piece = StandardCodec().serialize({"name": "a_config", "value": value})
    return b"[" + b",".join([piece] * (SIZE // len(piece) + 1)) + b"]"


def serializing(codec: Any) -> Callable[[dict[str, Any]], tuple[Callable[[], object], int]]:
    """Return the path of request bodies."""

    def prepare(custom: dict[str, Any]) -> tuple[Callable[[], object], int]:
        value = body(custom)
        return lambda: codec.serialize(value), len(codec.serialize(value))

    return prepare


def parsing(codec: Any) -> Callable[[dict[str, Any]], tuple[Callable[[], object], int]]:
    """Return the path of response bodies."""

    def prepare(value: dict[str, Any]) -> tuple[Callable[[], object], int]:
        content = document(value)
        return lambda: codec.parse(content), len(content)

    return prepare


def models(value: dict[str, Any]) -> tuple[Callable[[], object], int]:
    """Return the path from JSON to models, with unknown fields."""
    configs = json.loads(document(value))
    configs = [
        config | {f"x-{key}": each for key, each in config["value"].items()} for config in configs
    ]
    size = len(json.dumps(configs, ensure_ascii=False))
    return lambda: [DynamicConfig.from_dict(config) for config in configs], size


def logging(custom: dict[str, Any]) -> tuple[Callable[[], object], int]:
    """Return the path of `EventLogger.log()`."""
    encode = EventEncoder(None, None, 10_000_000, Clock())
    user = StatsigUser(user_id="42", custom=custom)
    size = len(encode(user, "purchase", 9.99, None, None))
    count = SIZE // size + 1

    def run() -> None:
        for _ in range(count):
            encode(user, "purchase", 9.99, None, None)

    return run, size * count


def responses(status: int) -> Callable[[bytes], tuple[Callable[[], object], int]]:
    """Return the path of error responses and of responses that are not JSON."""
    with Statsig("secret-benchmark", headers={"X-Gateway": "hunter2-of-the-gateway"}) as statsig:
        builder: RequestBuilder = vars(statsig)["_builder"]
    call = calls.check_gate(StatsigUser(user_id="42"), "a_gate")

    def prepare(piece: bytes) -> tuple[Callable[[], object], int]:
        response = TransportResponse(status, Headers(list), repeated(piece))

        def run() -> None:
            state = RetryState(builder.build(call), Options(), Clock())
            try:
                parse_response(call, state, successful_response(state, response))
            except Exception as error:  # noqa: BLE001  (each is expected)
                str(error)

        return run, len(response.content)

    return prepare


PATHS: dict[str, tuple[Callable[[Any], tuple[Callable[[], object], int]], Any, Any]] = {
    "serialize, orjson": (serializing(OrjsonCodec()), attributes, USUAL),
    "serialize, json": (serializing(StandardCodec()), attributes, USUAL),
    "parse, orjson": (parsing(OrjsonCodec()), attributes, USUAL),
    "parse, json": (parsing(StandardCodec()), attributes, USUAL),
    "models": (models, attributes, USUAL),
    "EventLogger.log()": (logging, attributes, USUAL),
    "error response": (responses(500), junk, b'{"message": "something went wrong"} '),
    "response that is not JSON": (responses(200), junk, b"<p>Something went wrong.</p>"),
}


def main() -> None:
    """Run the command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--examples", type=int, default=60)
    examples = parser.parse_args().examples
    print("| path | ns per byte, usual | worst | ratio | input |\n|---|---|---|---|---|")
    for name, (prepare, strategy, usual) in PATHS.items():
        common = _cost(prepare, usual)
        worst, found = _worst(prepare, strategy, examples)
        text = re.sub(r"\s+", " ", repr(found))[:60].replace("|", "\\|")
        ratio = worst / common
        print(f"| {name} | {common:.1f} | {worst:.1f} | {ratio:.1f} | `{text}` |", flush=True)


def _cost(prepare: Callable[[Any], tuple[Callable[[], object], int]], value: Any) -> float:
    """Return the nanoseconds per byte of an input: the best of some runs."""
    run, size = prepare(value)
    taken: list[float] = []
    for _ in range(7):
        start = time.perf_counter()
        run()
        taken.append(time.perf_counter() - start)
    return min(taken) * 1e9 / size


def _worst(
    prepare: Callable[[Any], tuple[Callable[[], object], int]], strategy: Any, examples: int
) -> tuple[float, Any]:
    """Return the highest cost that was found, and its input."""
    found: list[tuple[float, Any]] = []

    @settings(
        max_examples=examples,
        deadline=None,
        database=None,
        derandomize=True,
        phases=[Phase.generate, Phase.target],
        suppress_health_check=list(HealthCheck),
    )
    @given(strategy)
    def search(value: Any) -> None:
        cost = _cost(prepare, value)
        target(cost)
        found.append((cost, value))

    search()
    return max(found, key=lambda each: each[0])


if __name__ == "__main__":
    main()
