"""Options of the data source, checked on the driver before any task runs."""

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final, cast, get_args

import attrs
from attrs import frozen

from .._client import Statsig
from .._errors import ConfigurationError
from ..bulk.errors import SourceError
from ..bulk.mapping.fields import EventMapping, read_mapping
from ..bulk.mapping.times import TimeFormat, TimeUnit
from ..bulk.options import ImportOptions

_GIVE_UP_AFTER: Final = 120.0
"""Seconds; shorter than for an import, since Spark retries failed tasks."""


def _camel_case(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


_IMPORT_OPTIONS: Final = {
    _camel_case(name): name
    for name in (
        *("allow_truncation", "allow_missing_time", "max_concurrency", "max_rate"),
        *("give_up_after", "max_rejected", "resend_ambiguous"),
    )
}
"""Import options that apply to tasks, by their names in Spark."""
_OPTIONS: Final = (
    *("path", "map", "timeUnit", "timeZone", "tasks", "resume", *_IMPORT_OPTIONS),
    *("url", "allowHttp", "environment", "apiKeyFile"),
)
_LOWER_CASE_OPTIONS: Final = frozenset(name.lower() for name in _OPTIONS)
"""Spark does not distinguish upper and lower case."""
_SPARK_OPTIONS: Final = ("checkpointlocation", "queryname")
"""Options of streams, which Spark passes to the data source."""
_KEY: Final = re.compile(r"(api_?|secret_?|sdk_?)*key")


@frozen(kw_only=True)
class TaskConnection:
    """Connection of a task to Statsig. The API key never leaves the machine that uses it."""

    url: str | None = None
    allow_http: bool = False
    environment: str | None = None
    api_key_file: str | None = None

    @property
    def has_key(self) -> bool:
        """True if there is an API key on this machine."""
        if self.api_key_file is None:
            return "STATSIG_API_KEY" in os.environ
        return Path(self.api_key_file).exists()

    def client(self, *, log_exposures: bool = True) -> Statsig:
        """Return a client with the API key of this machine.

        Raises:
            ConfigurationError: The API key is missing, or it or the URL is invalid.
        """
        return Statsig(
            self._key(),
            base_url=self.url,
            allow_http=self.allow_http,
            environment=self.environment,
            log_exposures=log_exposures,
        )

    def _key(self) -> str | None:
        """Return the API key in the file, or None to use that of the environment."""
        if self.api_key_file is None:
            if not self.has_key:
                raise ConfigurationError(
                    "the API key is missing: set STATSIG_API_KEY in the environment of executors, "
                    "or pass a file on them (apiKeyFile; api_key_file for functions)"
                )
            return None
        try:
            return Path(self.api_key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the file of the API key cannot be read: {error}") from None


@frozen(kw_only=True)
class WriteOptions:
    """Options of a write."""

    path: str
    mapping: EventMapping | None
    times: TimeFormat
    resume: bool
    imports: ImportOptions
    """Options of each task; `max_rate` is the share of one task."""
    connection: TaskConnection


def read_options(given: Mapping[str, str]) -> WriteOptions:
    """Parse the options that Spark passes.

    Raises:
        ConfigurationError: An option does not exist, or its value is invalid.
    """
    options = _SparkOptions(given)
    return WriteOptions(
        path=options.required("path", "the directory of this job, as in save('/shared/job-1')"),
        mapping=options.mapping(),
        times=options.times,
        resume=options.flag("resume"),
        imports=options.imports(),
        connection=TaskConnection(
            url=options.get("url"),
            allow_http=options.flag("allowHttp"),
            environment=options.get("environment"),
            api_key_file=options.get("apiKeyFile"),
        ),
    )


class _SparkOptions:
    """Options by name."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items()}
        for name in self._given:
            if _KEY.fullmatch(name.replace("-", "_")):
                raise ConfigurationError(
                    f"option {name}: an API key is not an option, since plans and Spark's UI show "
                    "options. Set STATSIG_API_KEY in the environment of executors, or pass "
                    "apiKeyFile, a file on them"
                )
            if name not in _LOWER_CASE_OPTIONS and name not in _SPARK_OPTIONS:
                # Omit the value; it may be an API key.
                raise ConfigurationError(
                    f"unknown option {name!r}; expected one of {', '.join(sorted(_OPTIONS))}"
                )
        unit = self.get("timeUnit")
        if unit is not None and unit not in get_args(TimeUnit):
            raise ConfigurationError(
                f"option timeUnit: expected one of {', '.join(get_args(TimeUnit))}, got {unit!r}"
            )
        with _option_errors("timeZone"):
            self.times: TimeFormat = TimeFormat(cast("TimeUnit | None", unit), self.get("timeZone"))

    def get(self, name: str) -> str | None:
        """Return the value of an option."""
        return self._given.get(name.lower())

    def required(self, name: str, expected: str) -> str:
        """Return the value of an option that is required."""
        value = self.get(name)
        if not value:
            raise ConfigurationError(f"option {name} is missing: {expected}")
        return value

    def flag(self, name: str) -> bool:
        """Return an option that is true or false; the default is false."""
        value = (self.get(name) or "false").lower()
        if value not in ("true", "false"):
            raise ConfigurationError(f"option {name}: expected true or false, got {value!r}")
        return value == "true"

    def number(self, name: str, *, is_integer: bool = False) -> float | None:
        """Return a number above 0."""
        text = self.get(name)
        if text is None:
            return None
        pattern = r"\d+" if is_integer else r"\d+(\.\d*)?|\.\d+"
        if not re.fullmatch(pattern, text) or not float(text) > 0:
            kind = "an integer" if is_integer else "a number"
            raise ConfigurationError(f"option {name}: expected {kind} above 0, got {text!r}")
        return int(text) if is_integer else float(text)

    def imports(self) -> ImportOptions:
        """Return the options of imports; their types follow from the defaults."""
        values: dict[str, Any] = {"give_up_after": _GIVE_UP_AFTER}
        fields = attrs.fields_dict(ImportOptions)
        for name, field_name in _IMPORT_OPTIONS.items():
            if self.get(name) is None:
                continue
            default = fields[field_name].default
            if isinstance(default, bool):
                values[field_name] = self.flag(name)
            else:
                values[field_name] = self.number(name, is_integer=isinstance(default, int))
        if "max_rate" in values:
            tasks = self.number("tasks", is_integer=True)
            if tasks is None:
                raise ConfigurationError(
                    "option tasks is missing: maxRate is divided by the number of tasks that run "
                    "at the same time, which Spark does not report. Pass executors x cores of the "
                    "job, or the number of partitions if that is lower"
                )
            values["max_rate"] /= tasks
        return ImportOptions(**values)

    def mapping(self) -> EventMapping | None:
        """Return the mapping, or None."""
        text = self.get("map")
        if text is None:
            return None
        with _option_errors("map"):
            return read_mapping(text, self.times)


@contextmanager
def _option_errors(name: str) -> Generator[None]:
    """Add the name of an option to errors."""
    try:
        yield
    except SourceError as error:
        raise ConfigurationError(f"option {name}: {error}") from None
