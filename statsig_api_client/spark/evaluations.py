"""Gates and experiments for a column of users."""

# pyarrow has no types: none of it is seen outside.
# mypy: disable-error-code="import-untyped,no-any-return"
# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false
# pyright: reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportUnknownParameterType=false

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from typing import TYPE_CHECKING, Final, Literal, TypeAlias, TypedDict, Unpack, cast, get_args

import orjson
import pyarrow as pa
from attrs import field, frozen
from pyspark.sql import Column
from pyspark.sql.pandas.functions import arrow_udf

from .._client import Statsig
from .._errors import AuthenticationError, ConfigurationError, PermissionDeniedError, StatsigError
from .._options import check_names, flag
from ..bulk.cells import text
from ..bulk.parquet import json_value
from ..generated import StatsigUserDict
from .options import Connection

if TYPE_CHECKING:
    import attrs

OnError: TypeAlias = Literal["raise", "null"]

_EXPERIMENT: Final = pa.struct(
    [("group_name", pa.string()), ("rule_id", pa.string()), ("value", pa.string())]
)

Answer: TypeAlias = bool | dict[str, str | None] | None
Evaluation: TypeAlias = Callable[[Statsig, StatsigUserDict], Answer]


class EvaluationOptions(TypedDict, total=False):
    """The options of `check_gate` and `get_experiment`."""

    log_exposures: bool
    """Whether Statsig logs an exposure of each evaluation. Default False."""
    on_error: OnError
    """What a failed evaluation does: fail the task, or give null for its row. A refused key fails
    the task in any case. Default `raise`."""
    concurrency: int
    """The most requests on their way from one task. An executor runs as many tasks at once as it
    has cores. Default 8."""
    url: str | None
    """The server, if it is not Statsig's, nor in STATSIG_BASE_URL."""
    allow_http: bool
    """Allow plain http to other machines, although the key can be read on the way. Default False.
    """
    environment: str | None
    """The environment of users who have none."""
    api_key_file: str | None
    """The file on executors that has the key; else it is in STATSIG_API_KEY."""


def check_gate(user: Column | str, gate_name: str, **options: Unpack[EvaluationOptions]) -> Column:
    """Whether a gate passes, for a column of users: a column of booleans, null for no user.

    Args:
        user: A column of `userID`s, or of structs or maps in the wire's shape.
        gate_name: The name of the gate.
        **options: How it behaves; see `EvaluationOptions`.

    Raises:
        TypeError: There is no such option, or an argument has the wrong type.
        ValueError: An option makes no sense.

    Example:
        >>> users.withColumn("new_checkout", check_gate("user_id", "new_checkout"))
    """
    _see_name("gate_name", gate_name)

    def evaluate(statsig: Statsig, user: StatsigUserDict) -> Answer:
        return statsig.check_gate(user, gate_name).value

    return _column(user, evaluate, "boolean", pa.bool_(), options)


def get_experiment(
    user: Column | str, experiment_name: str, **options: Unpack[EvaluationOptions]
) -> Column:
    """An experiment, for a column of users: structs, null for no user.

    The fields are `group_name`, `rule_id`, and `value`, which is JSON.

    Args:
        user: A column of `userID`s, or of structs or maps in the wire's shape.
        experiment_name: The name of the experiment.
        **options: How it behaves; see `EvaluationOptions`.

    Raises:
        TypeError: There is no such option, or an argument has the wrong type.
        ValueError: An option makes no sense.

    Example:
        >>> users.withColumn("group", get_experiment("user_id", "logo_test")["group_name"])
    """
    _see_name("experiment_name", experiment_name)

    def evaluate(statsig: Statsig, user: StatsigUserDict) -> Answer:
        found = statsig.get_experiment(user, experiment_name)
        value = orjson.dumps(found.value).decode()
        return {"group_name": found.group_name, "rule_id": found.rule_id, "value": value}

    kind = "group_name string, rule_id string, value string"
    return _column(user, evaluate, kind, _EXPERIMENT, options)


def _see_name(argument: str, name: object) -> None:
    if not isinstance(name, str):
        raise TypeError(f"{argument}: expected a string, got {type(name).__name__}")


def _behaviour(_: object, attribute: "attrs.Attribute[OnError]", value: object) -> None:
    if value not in get_args(OnError):
        raise ValueError(f"{attribute.name}: expected 'raise' or 'null', got {value!r}")


def _count(_: object, attribute: "attrs.Attribute[int]", value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{attribute.name}: expected a whole number, got {type(value).__name__}")
    if value < 1:
        raise ValueError(f"{attribute.name}: expected more than 0, got {value}")


def _text(_: object, attribute: "attrs.Attribute[str | None]", value: object) -> None:
    if not isinstance(value, str | None):
        raise TypeError(f"{attribute.name}: expected a string, got {type(value).__name__}")


@frozen(kw_only=True)
class _Settings:
    """The options, checked; see `EvaluationOptions`."""

    log_exposures: bool = field(default=False, validator=flag)
    on_error: OnError = field(default="raise", validator=_behaviour)
    concurrency: int = field(default=8, validator=_count)
    url: str | None = field(default=None, validator=_text)
    allow_http: bool = field(default=False, validator=flag)
    environment: str | None = field(default=None, validator=_text)
    api_key_file: str | None = field(default=None, validator=_text)

    def client(self) -> Statsig:
        """The client of a task."""
        connection = Connection(
            url=self.url,
            allow_http=self.allow_http,
            environment=self.environment,
            api_key_file=self.api_key_file,
        )
        return connection.client(log_exposures=self.log_exposures)


def _column(
    user: Column | str,
    evaluate: Evaluation,
    kind: str,
    arrow_kind: object,
    options: EvaluationOptions,
) -> Column:
    check_names(options, _Settings)
    settings = _Settings(**options)

    # Spark reads the annotations: once per task, with all of its arrays.
    def run(arrays: Iterator[pa.Array]) -> Iterator[pa.Array]:
        with settings.client() as statsig, ThreadPoolExecutor(settings.concurrency) as pool:
            for array in arrays:
                answers = _answers(statsig, users_of(array), evaluate, settings, pool)
                yield pa.array(answers, arrow_kind)

    # The stubs demand what the function warns of.
    return arrow_udf(run, kind)(user)  # type: ignore[call-overload]


def _answers(
    statsig: Statsig,
    users: list[StatsigUserDict | None],
    evaluate: Evaluation,
    settings: _Settings,
    pool: ThreadPoolExecutor,
) -> list[Answer]:
    """The answers for users, each different one of whom is asked about once."""
    keys = [
        None if user is None else orjson.dumps(user, option=orjson.OPT_SORT_KEYS) for user in users
    ]
    different = {key: user for key, user in zip(keys, users, strict=True) if user is not None}

    def answer(user: StatsigUserDict) -> Answer:
        try:
            return evaluate(statsig, user)
        except (ConfigurationError, AuthenticationError, PermissionDeniedError):
            raise
        except StatsigError:
            if settings.on_error == "null":
                return None
            raise

    answers = dict(zip(different, pool.map(answer, different.values()), strict=True))
    return [answers.get(key) for key in keys]


def users_of(array: object) -> list[StatsigUserDict | None]:
    """The users in a column.

    Raises:
        TypeError: Its values can be none.
    """
    column = cast("pa.Array", array)
    cells = column.to_pylist(maps_as_pydicts="lossy")
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        return [None if cell is None else {"userID": cell} for cell in cells]
    if pa.types.is_struct(column.type) or pa.types.is_map(column.type):
        return [None if cell is None else _user_of(json_value(cell)) for cell in cells]
    raise TypeError(f"user: expected a column of strings, structs or maps, got {column.type}")


def _user_of(cell: object) -> StatsigUserDict:
    user = cast("dict[str, object]", cell)
    for name, value in user.items():
        if name == "userID" and isinstance(value, int | Decimal):
            user[name] = text(value)
        elif name == "customIDs" and isinstance(value, dict):
            user[name] = {key: text(one) for key, one in cast("dict[str, object]", value).items()}
        else:
            user[name] = _comparable(value)
    return cast("StatsigUserDict", user)


def _comparable(value: object) -> object:
    """Return an attribute without decimals.

    Statsig compares attributes as doubles, so a fraction loses nothing that an evaluation sees.
    """
    if isinstance(value, dict):
        return {name: _comparable(one) for name, one in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [_comparable(one) for one in cast("list[object]", value)]
    if isinstance(value, Decimal):
        return int(value) if value == value.to_integral_value() else float(value)
    return value
