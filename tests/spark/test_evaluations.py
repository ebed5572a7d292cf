"""Gates and experiments for columns of users."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from pyspark.errors import PythonException
from pyspark.sql import SparkSession

from statsig_api_client import APIStatusError, AuthenticationError, ConfigurationError
from statsig_api_client.local import LocalServer
from statsig_api_client.spark import EvaluationOptions, check_gate, functions, get_experiment
from statsig_api_client.spark.functions import users_of

from .conftest import ROOT


@pytest.fixture
def shop() -> Iterator[LocalServer]:
    with LocalServer(ROOT / "examples" / "project.yaml") as server:
        yield server


@pytest.fixture
def found(shop: LocalServer, tmp_path: Path) -> dict[str, Any]:
    key = tmp_path / "key"
    key.write_text(shop.secret_key)
    return {"url": shop.url, "api_key_file": str(key)}


@pytest.fixture
def without_spark(monkeypatch: pytest.MonkeyPatch) -> None:
    """Replace columns by the functions that tasks call."""
    monkeypatch.setattr(functions, "arrow_udf", lambda function, _: lambda _: function)


@pytest.mark.usefixtures("without_spark")
def test_equal_users_are_evaluated_once(shop: LocalServer, found: dict[str, Any]) -> None:
    run: Any = check_gate("user", "new_checkout", EvaluationOptions(log_exposures=True, **found))
    arrays = [pa.array(["1", "2", "1", None]), pa.array(["3"])]
    first, second = (array.to_pylist() for array in run(iter(arrays)))
    assert first == [first[0], first[1], first[0], None]
    assert len(second) == 1
    assert len(shop.exposures()) == 3


@pytest.mark.usefixtures("without_spark")
def test_experiment_has_group_rule_and_value(found: dict[str, Any]) -> None:
    run: Any = get_experiment("user", "logo_test", EvaluationOptions(**found))
    (results,) = run(iter([pa.array(["1"])]))
    assert results.to_pylist() == [
        {"group_name": "Control", "rule_id": "Control", "value": '{"shape":"circle"}'}
    ]


@pytest.mark.usefixtures("without_spark")
def test_null_replaces_failure_but_not_rejected_key(
    shop: LocalServer, found: dict[str, Any], tmp_path: Path
) -> None:
    shop.fail_next(times=None, status=418)
    run: Any = check_gate("user", "new_checkout", EvaluationOptions(**found))
    with pytest.raises(APIStatusError, match="status 418"):
        list(run(iter([pa.array(["1"])])))
    run = check_gate("user", "new_checkout", EvaluationOptions(on_error="null", **found))
    assert [array.to_pylist() for array in run(iter([pa.array(["1"])]))] == [[None]]
    shop.remove_faults()
    (tmp_path / "key").write_text("secret-wrong")
    with pytest.raises(AuthenticationError):
        list(run(iter([pa.array(["1"])])))


def test_gate_is_checked_for_structs(
    spark: SparkSession, shop: LocalServer, found: dict[str, Any]
) -> None:
    users = spark.createDataFrame(
        [
            ({"userID": "1", "email": "ada@example.com"},),
            ({"userID": "2", "email": None},),
            (None,),
        ],
        "user struct<userID: string, email: string>",
    )
    results = users.select(
        check_gate("user", "staff_tools", EvaluationOptions(**found)).alias("passes")
    )
    assert results.schema.simpleString() == "struct<passes:boolean>"
    assert [row.passes for row in results.collect()] == [True, False, None]
    assert shop.exposures() == []


def test_experiment_is_evaluated_for_ids(
    spark: SparkSession, shop: LocalServer, found: dict[str, Any]
) -> None:
    users = spark.range(0, 200, 1, 2).selectExpr("cast(id % 50 as string) id")
    experiment = get_experiment(
        users["id"], "logo_test", EvaluationOptions(log_exposures=True, **found)
    )
    rows = users.select("id", experiment.alias("logo")).select("id", "logo.*").collect()
    groups = {row.id: row.group_name for row in rows}
    assert len(rows) == 200
    assert set(groups.values()) == {"Control", "Square"}
    assert all(
        json.loads(row.value) == {"shape": "circle" if row.group_name == "Control" else "square"}
        for row in rows
    )
    # Once for each user of each task, and the second half of the IDs is the same as the first.
    assert len(shop.exposures()) == 2 * 50


def test_failure_fails_task_with_cause(
    spark: SparkSession, shop: LocalServer, found: dict[str, Any]
) -> None:
    shop.fail_next(times=None, status=418)
    users = spark.createDataFrame([("1",)], "id string")
    with pytest.raises(PythonException, match="APIStatusError: check_gate: status 418"):
        users.select(check_gate("id", "staff_tools", EvaluationOptions(**found))).collect()


def test_failure_returns_null_if_requested(
    spark: SparkSession, shop: LocalServer, found: dict[str, Any]
) -> None:
    shop.fail_next(status=418)
    users = spark.createDataFrame([("1",), ("2",)], "id string").coalesce(1)
    gate = check_gate(
        "id", "new_checkout", EvaluationOptions(on_error="null", max_concurrency=1, **found)
    )
    passes = [row[0] for row in users.select(gate).collect()]
    assert passes[0] is None
    assert passes[1] is not None


def test_rejected_key_fails_task(
    spark: SparkSession, found: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "key").write_text("secret-wrong")
    users = spark.createDataFrame([("1",)], "id string")
    with pytest.raises(PythonException, match="AuthenticationError: check_gate: status 401"):
        users.select(
            check_gate("id", "new_checkout", EvaluationOptions(on_error="null", **found))
        ).collect()


def test_unknown_option_is_rejected() -> None:
    with pytest.raises(TypeError, match="unexpected keyword argument 'timeot'"):
        check_gate("user", "gate", EvaluationOptions(timeot=3))  # type: ignore[call-arg]


@pytest.mark.parametrize(
    ("options", "error", "problem"),
    [
        (
            {"on_error": "ignore"},
            ConfigurationError,
            "on_error: expected 'raise' or 'null', got 'ignore'",
        ),
        (
            {"max_concurrency": 0},
            ConfigurationError,
            "max_concurrency: expected 1 or more, got 0",
        ),
        ({"max_concurrency": "8"}, TypeError, "max_concurrency: expected an integer, got str"),
        ({"log_exposures": "no"}, TypeError, "log_exposures: expected True or False, got str"),
        ({"url": 1}, TypeError, "url: expected a string, got int"),
    ],
)
def test_invalid_options_are_rejected_on_driver(
    options: dict[str, Any], error: type[Exception], problem: str
) -> None:
    with pytest.raises(error) as raised:
        EvaluationOptions(**options)
    assert str(raised.value) == problem


def test_gate_name_requires_string() -> None:
    name: Any = 1
    with pytest.raises(TypeError, match="gate_name: expected a string, got int"):
        check_gate("user", name)


def test_column_types_of_users() -> None:
    maps = pa.array([[("userID", "1")]], pa.map_(pa.string(), pa.string()))
    assert users_of(maps) == users_of(pa.array(["1"])) == [{"userID": "1"}]
    structs: list[Any] = [{"userID": "1", "custom": {"level": None}}, None]
    assert users_of(pa.array(structs)) == [{"userID": "1", "custom": {}}, None]
    with pytest.raises(TypeError, match=r"user: expected a column of strings, .* got int64"):
        users_of(pa.array([1]))
