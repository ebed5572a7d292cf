"""The examples of the OpenFeature specification, by the provider on a local server.

They are OpenFeature's `evaluation_v2.feature`; see `spec/README.md`.
"""

import asyncio
import copy
import json
import socket
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeAlias

import pytest
from attrs import define, field
from gherkin.parser import Parser
from openfeature import api
from openfeature.client import OpenFeatureClient
from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEventDetails
from openfeature.exception import OpenFeatureError
from openfeature.flag_evaluation import FlagEvaluationDetails, FlagEvaluationOptions, FlagType
from openfeature.hook import Hook
from pytest_bdd import given, parsers, scenarios, then, when

from statsig_api_client import AsyncStatsig, Statsig
from statsig_api_client.local import LocalServer
from statsig_api_client.openfeature import StatsigProvider

from .flag_project import FLAGS, flag_project

FEATURE: Final = Path(__file__).parent / "spec" / "evaluation_v2.feature"

_STATIC: Final = "Statsig does not return whether the rule had conditions, so never STATIC"
_METADATA: Final = "Statsig returns no metadata that a flag could define"
_CACHED: Final = "the provider caches nothing"
_IMMUTABLE: Final = "the SDK's details are mutable"

EXCLUDED: Final[Mapping[tuple[str, str], str]] = {
    **{
        ("Resolves zero value", f"{kind}-zero-flag"): _STATIC
        for kind in ("boolean", "string", "integer", "float", "object")
    },
    **{
        ("Complete evaluation details structure", f"{kind}-flag"): _STATIC
        for kind in ("boolean", "string", "integer", "float", "object")
    },
    ("Structure flag evaluation", ""): _STATIC,
    ("Flag metadata in evaluation details", ""): _METADATA,
    ("CACHED reason", "boolean-flag"): _CACHED,
    ("CACHED reason", "string-flag"): _CACHED,
    ("Evaluation context immutability", ""): _IMMUTABLE,
}
"""The examples that cannot pass, by scenario and flag, with the reason."""

Json: TypeAlias = dict[str, Any]

scenarios(str(FEATURE))


@define
class Evaluation:
    """The evaluation of an example."""

    server: LocalServer
    client: OpenFeatureClient = field(factory=api.get_client)
    kind: FlagType = FlagType.BOOLEAN
    key: str = ""
    fallback: Any = None
    context: EvaluationContext = field(factory=EvaluationContext)
    context_before: EvaluationContext | None = None
    options: FlagEvaluationOptions = field(factory=FlagEvaluationOptions)
    hooks_run: list[str] = field(factory=list)
    async_statsig: AsyncStatsig | None = None
    details: FlagEvaluationDetails[Any] | None = None

    @property
    def arguments(self) -> tuple[Any, ...]:
        return self.kind, self.key, self.fallback, self.context, self.options

    @property
    def result(self) -> FlagEvaluationDetails[Any]:
        assert self.details is not None
        return self.details


class RecordingHook(Hook):
    """A hook that records when it runs."""

    def __init__(self, name: str, run: list[str]) -> None:
        self.name = name
        self.run = run

    def before(self, *_: Any, **__: Any) -> None:
        self.run.append(f"before {self.name}")

    def after(self, *_: Any, **__: Any) -> None:
        self.run.append(f"after {self.name}")

    def finally_after(self, *_: Any, **__: Any) -> None:
        self.run.append(f"finally {self.name}")


@pytest.fixture(scope="module")
def flags(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalServer]:
    file = tmp_path_factory.mktemp("flags") / "project.yaml"
    file.write_text(json.dumps(flag_project(FLAGS.read_text())))
    with LocalServer(file) as server:
        yield server


@pytest.fixture
def evaluation(flags: LocalServer) -> Evaluation:
    return Evaluation(flags)


@pytest.fixture
def silent_server() -> Iterator[str]:
    """The URL of a server that does not respond until the test ends."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"


@pytest.fixture(autouse=True)
def _expect_excluded(request: pytest.FixtureRequest) -> None:
    # pytest-bdd passes the row of a table as a parameter, and the title as the docstring.
    scenario = (request.node.function.__doc__ or "").rpartition(": ")[2]
    parameters = request.node.callspec.params if hasattr(request.node, "callspec") else {}
    flag = parameters.get("_pytest_bdd_example", {}).get("key", "")
    if (scenario, flag) in EXCLUDED:
        request.applymarker(pytest.mark.xfail(reason=EXCLUDED[scenario, flag], strict=True))


def test_feature_has_82_examples() -> None:
    document = Parser().parse(FEATURE.read_text())
    found: list[tuple[str, str]] = []
    for scenario in (child["scenario"] for child in document["feature"]["children"][1:]):
        for table in scenario["examples"]:
            names = [cell["value"] for cell in table["tableHeader"]["cells"]]
            for row in table["tableBody"]:
                values = dict(zip(names, (cell["value"] for cell in row["cells"]), strict=True))
                found.append((scenario["name"], values.get("key", "")))
        if not scenario["examples"]:
            found.append((scenario["name"], ""))
    assert len(found) == 82
    assert len(EXCLUDED) == 15
    assert set(found) >= set(EXCLUDED)


@given(parsers.re(r"an? (?P<status>stable|not ready|error|fatal|stale) provider"))
def _provider(
    status: str,
    evaluation: Evaluation,
    request: pytest.FixtureRequest,
    close_later: Callable[[Any], None],
) -> None:
    server = evaluation.server
    url = request.getfixturevalue("silent_server") if status == "not ready" else server.url
    key = "secret-wrong" if status == "fatal" else server.secret_key
    statsig = Statsig(key, base_url=url, max_retries=0)
    close_later(statsig)
    evaluation.async_statsig = AsyncStatsig(key, base_url=url)
    provider = StatsigProvider(
        statsig=statsig,
        async_statsig=evaluation.async_statsig,
        # The contexts of the examples have no targeting key.
        require_targeting_key=False,
    )
    if status == "not ready":
        api.set_provider(provider)
        return
    if status == "error":
        server.fail_next(status=500)
    expected = (OpenFeatureError,) if status in {"error", "fatal"} else ()
    with suppress(*expected):
        api.set_provider_and_wait(provider)
    if status == "stale":
        provider.emit_provider_stale(ProviderEventDetails())


@pytest.fixture
def close_later() -> Iterator[Callable[[Any], None]]:
    """Close clients after the test."""
    clients: list[Statsig] = []
    yield clients.append
    for client in clients:
        client.close()


@given(
    parsers.re(
        r'an? (?P<kind>\w+)-flag with key "(?P<key>.+)" '
        r'and a fallback value "(?P<value>.*)"'
    )
)
def _flag(evaluation: Evaluation, kind: str, key: str, value: str) -> None:
    evaluation.kind = FlagType[kind.upper()]
    evaluation.key = key
    evaluation.fallback = parsed(evaluation.kind.name, value)


@given(
    parsers.re(
        r'a context containing a key "(?P<name>.+)", with type "(?P<kind>\w+)" '
        r'and with value "(?P<value>.*)"'
    )
)
def _context_value(evaluation: Evaluation, name: str, kind: str, value: str) -> None:
    evaluation.context.attributes = {
        **evaluation.context.attributes,
        name: parsed(kind.upper(), value),
    }


@given(parsers.re(r'a context containing a key "(?P<name>.+)" with null value'))
def _context_null(evaluation: Evaluation, name: str) -> None:
    attributes: Any = {**evaluation.context.attributes, name: None}
    evaluation.context.attributes = attributes


@given("evaluation options containing specific hooks")
def _hooks(evaluation: Evaluation) -> None:
    hooks: list[Hook] = [RecordingHook(name, evaluation.hooks_run) for name in ("1", "2")]
    evaluation.options = FlagEvaluationOptions(hooks=hooks)


@given("an evaluation context with modifiable data")
def _modifiable_context(evaluation: Evaluation) -> None:
    evaluation.context = EvaluationContext("42", {"tags": ["a", {"b": [1, 2]}], "custom": {}})
    evaluation.context_before = copy.deepcopy(evaluation.context)


@when("the flag was evaluated with details")
@when("the flag was evaluated with details using the evaluation options")
def _evaluate(evaluation: Evaluation) -> None:
    evaluation.details = evaluation.client.evaluate_flag_details(*evaluation.arguments)


@when("the flag was evaluated with details asynchronously")
def _evaluate_async(evaluation: Evaluation) -> None:
    async def evaluate() -> None:
        turns = 0

        async def count_turns() -> None:
            nonlocal turns
            while evaluation.details is None:
                turns += 1
                await asyncio.sleep(0)

        counting = asyncio.create_task(count_turns())
        evaluation.details = await evaluation.client.evaluate_flag_details_async(
            *evaluation.arguments
        )
        await counting
        assert turns > 1
        assert evaluation.async_statsig is not None
        await evaluation.async_statsig.aclose()

    asyncio.run(evaluate())


@then("the evaluation should complete without blocking")
def _completed(evaluation: Evaluation) -> None:
    assert evaluation.result.error_code is None


@then(parsers.re('the resolved details value should be "(?P<value>.*)"'))
def _value(evaluation: Evaluation, value: str) -> None:
    expected = parsed(evaluation.kind.name, value)
    assert evaluation.result.value == expected
    assert type(evaluation.result.value) is type(expected)


@then(parsers.re('the reason should be "(?P<reason>.+)"'))
def _reason(evaluation: Evaluation, reason: str) -> None:
    assert evaluation.result.reason == reason


@then(parsers.re('the error-code should be "(?P<code>.+)"'))
def _error_code(evaluation: Evaluation, code: str) -> None:
    assert evaluation.result.error_code == code


@then(parsers.re('the flag key should be "(?P<key>.+)"'))
def _flag_key(evaluation: Evaluation, key: str) -> None:
    assert evaluation.result.flag_key == key


@then(parsers.re('the variant should be "(?P<variant>.+)"'))
def _variant(evaluation: Evaluation, variant: str) -> None:
    assert evaluation.result.variant == variant


@then("the resolved metadata should contain")
def _metadata(evaluation: Evaluation, datatable: list[list[str]]) -> None:
    for name, kind, value in datatable[1:]:
        assert evaluation.result.flag_metadata.get(name) == parsed(kind.upper(), value)


@then(parsers.re('the provider status should be "(?P<status>.+)"'))
def _status(evaluation: Evaluation, status: str) -> None:
    assert evaluation.client.get_provider_status().name == status


@then("the specified hooks should execute during evaluation")
def _hooks_ran(evaluation: Evaluation) -> None:
    assert {"before 1", "before 2", "after 1", "after 2"} <= set(evaluation.hooks_run)


@then("the hook order should be maintained")
def _hook_order(evaluation: Evaluation) -> None:
    assert evaluation.hooks_run == [
        *("before 1", "before 2", "after 2", "after 1", "finally 2", "finally 1"),
    ]


@then("the original evaluation context should remain unmodified")
def _context_is_unmodified(evaluation: Evaluation) -> None:
    assert evaluation.context == evaluation.context_before


@then("the evaluation details should be immutable")
def _details_are_immutable(evaluation: Evaluation) -> None:
    with pytest.raises(AttributeError):
        evaluation.result.value = None


def parsed(kind: str, text: str) -> Any:
    """Return a value of an example, in which quotes are escaped."""
    match kind:
        case "BOOLEAN":
            return {"true": True, "false": False}[text]
        case "INTEGER":
            return int(text)
        case "FLOAT":
            return float(text)
        case "OBJECT":
            return json.loads(text.replace('\\"', '"'))
        case _:
            return text
