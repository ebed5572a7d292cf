"""Evaluations of gates and experiments for a column of users."""

# pyarrow is untyped, so its objects do not leave this module.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import Final, Literal, TypeAlias, cast, get_args

import orjson
import pyarrow as pa
from attrs import field, frozen
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf

from .. import _validators as validators
from .._client import Statsig
from .._errors import AuthenticationError, ConfigurationError, PermissionDeniedError, StatsigError
from ..bulk.mapping.arrow import json_value
from ..bulk.mapping.cells import string
from ..bulk.mapping.exact_json import serialize, with_serializable_integers
from ..generated import StatsigUserDict
from .options import TaskConnection

OnFailure: TypeAlias = Literal["raise", "null"]

_EXPERIMENT: Final = pa.struct(
    [("group_name", pa.string()), ("rule_id", pa.string()), ("value", pa.string())]
)

EvaluationResult: TypeAlias = bool | dict[str, str | None] | None
Evaluate: TypeAlias = Callable[[Statsig, StatsigUserDict], EvaluationResult]


_optional_string = validators.optional(validators.string(example="https://statsig.example.com/v1"))


@frozen(kw_only=True)
class EvaluationOptions:
    """Options of `check_gate` and `get_experiment`.

    Raises:
        TypeError: An option does not exist, or its value has the wrong type.
        ConfigurationError: A value is out of range.
    """

    log_exposures: bool = field(default=False, validator=validators.boolean)
    """Log an exposure for each evaluation."""
    on_error: OnFailure = field(default="raise", validator=validators.one_of(*get_args(OnFailure)))
    """Behaviour of a failed evaluation: fail the task, or return null. A rejected API key always
    fails the task."""
    max_concurrency: int = field(default=8, validator=validators.integer(minimum=1))
    """Maximum number of concurrent requests of a task. An executor runs one task per core."""
    url: str | None = field(default=None, validator=_optional_string)
    """Base URL of the server. None uses STATSIG_BASE_URL, then Statsig."""
    allow_http: bool = field(default=False, validator=validators.boolean)
    """Allow plain HTTP to other machines, which exposes the API key."""
    environment: str | None = field(default=None, validator=_optional_string)
    """Environment of users without one."""
    api_key_file: str | None = field(default=None, validator=_optional_string)
    """File on executors that contains the API key. None uses STATSIG_API_KEY."""

    def client(self) -> Statsig:
        """Return the client of a task."""
        connection = TaskConnection(
            url=self.url,
            allow_http=self.allow_http,
            environment=self.environment,
            api_key_file=self.api_key_file,
        )
        return connection.client(log_exposures=self.log_exposures)


def check_gate(
    user: Column | str, gate_name: str, options: EvaluationOptions | None = None
) -> Column:
    """Return a boolean column with the result of a gate for each user; null without a user.

    Args:
        user: A column of user IDs, or of structs or maps in the format of the HTTP API.
        gate_name: The name of the gate.
        options: Options of the evaluation.

    Raises:
        TypeError: An argument has the wrong type.

    Example:
        >>> users.withColumn("new_checkout", check_gate("user_id", "new_checkout"))
    """
    _check_name("gate_name", gate_name)

    def evaluate(statsig: Statsig, user: StatsigUserDict) -> EvaluationResult:
        return statsig.check_gate(user, gate_name).value

    return _column(user, evaluate, "boolean", pa.bool_(), options or EvaluationOptions())


def get_experiment(
    user: Column | str, experiment_name: str, options: EvaluationOptions | None = None
) -> Column:
    """Return a struct column with the experiment of each user; null without a user.

    The fields are `group_name`, `rule_id`, and `value` as JSON.

    Args:
        user: A column of user IDs, or of structs or maps in the format of the HTTP API.
        experiment_name: The name of the experiment.
        options: Options of the evaluation.

    Raises:
        TypeError: An argument has the wrong type.

    Example:
        >>> users.withColumn("group", get_experiment("user_id", "logo_test")["group_name"])
    """
    _check_name("experiment_name", experiment_name)

    def evaluate(statsig: Statsig, user: StatsigUserDict) -> EvaluationResult:
        found = statsig.get_experiment(user, experiment_name)
        value = serialize(with_serializable_integers(found.value)).decode()
        return {"group_name": found.group_name, "rule_id": found.rule_id, "value": value}

    kind = "group_name string, rule_id string, value string"
    return _column(user, evaluate, kind, _EXPERIMENT, options or EvaluationOptions())


def users_of(array: object) -> list[StatsigUserDict | None]:
    """Return the users of an Arrow column.

    Raises:
        TypeError: The column has another type.
    """
    column = cast("pa.Array", array)
    cells = column.to_pylist(maps_as_pydicts="lossy")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [None if cell is None else {"userID": cell} for cell in cells]
    if pa.types.is_struct(column.type) or pa.types.is_map(column.type):
        return [None if cell is None else _user(json_value(cell)) for cell in cells]
    raise TypeError(f"user: expected a column of strings, structs or maps, got {column.type}")


def _check_name(argument: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a string, got {type(name).__name__}")


def _column(
    user: Column | str,
    evaluate: Evaluate,
    kind: str,
    arrow_kind: object,
    options: EvaluationOptions,
) -> Column:
    # Spark reads the annotations: the function is called once per task, with all of its arrays.
    def run(arrays: Iterator[pa.Array]) -> Iterator[pa.Array]:
        with options.client() as statsig, ThreadPoolExecutor(options.max_concurrency) as pool:
            for array in arrays:
                results = _results(statsig, users_of(array), evaluate, options, pool)
                yield pa.array(results, arrow_kind)

    # The stubs of pyspark declare no overload for iterators of arrays.
    make = cast("Callable[[object, str], Callable[[Column | str], Column]]", arrow_udf)
    return make(run, kind)(user)


def _results(
    statsig: Statsig,
    users: list[StatsigUserDict | None],
    evaluate: Evaluate,
    options: EvaluationOptions,
    pool: ThreadPoolExecutor,
) -> list[EvaluationResult]:
    """Evaluate users, equal ones only once."""
    keys = [
        None if user is None else orjson.dumps(user, option=orjson.OPT_SORT_KEYS) for user in users
    ]
    distinct = {key: user for key, user in zip(keys, users, strict=True) if user is not None}

    def result(user: StatsigUserDict) -> EvaluationResult:
        try:
            return evaluate(statsig, user)
        except (ConfigurationError, AuthenticationError, PermissionDeniedError):
            raise
        except StatsigError:
            if options.on_error == "null":
                return None
            raise

    results = dict(zip(distinct, pool.map(result, distinct.values()), strict=True))
    return [results.get(key) for key in keys]


def _user(cell: object) -> StatsigUserDict:
    user = cast("dict[str, object]", cell)
    for name, value in user.items():
        if name == "userID" and isinstance(value, int | Decimal):
            user[name] = string(value)
        elif name == "customIDs" and isinstance(value, dict):
            user[name] = {key: string(one) for key, one in cast("dict[str, object]", value).items()}
        else:
            user[name] = _attribute(value)
    return cast("StatsigUserDict", user)


def _attribute(value: object) -> object:
    """Return an attribute with decimals as floats; Statsig compares fractions as doubles anyway."""
    if isinstance(value, dict):
        return {name: _attribute(one) for name, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_attribute(one) for one in cast("list[object]", value)]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
