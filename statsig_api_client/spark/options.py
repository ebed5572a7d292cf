"""The options of the sink, checked on the driver, before any task runs."""

import os
import re
from collections.abc import Generator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Final, cast, get_args

from attrs import frozen

from .._client import Statsig
from .._errors import ConfigurationError
from ..bulk.errors import SourceError
from ..bulk.mapping import EventMapping, read_mapping
from ..bulk.times import Times, Unit

_OPTIONS: Final = (
    *("path", "map", "timeUnit", "timeZone", "maxRate", "tasks", "concurrency", "giveUpAfter"),
    *("maxRefused", "resendAmbiguous", "allowCut", "allowNoTime", "resume"),
    *("url", "allowHttp", "environment", "apiKeyFile"),
)
_NAMES: Final = {name.lower(): name for name in _OPTIONS}
"""By what Spark makes of them: it does not tell small letters from capital ones."""

_OF_SPARK: Final = ("checkpointlocation", "queryname")
"""What Spark hands on, too."""

_KEY: Final = re.compile(r"(api_?|secret_?|sdk_?)*key")


@frozen(kw_only=True)
class Connection:
    """How a task finds Statsig. It has no key: that never leaves the machine that uses it."""

    url: str | None = None
    allow_http: bool = False
    environment: str | None = None
    api_key_file: str | None = None

    @property
    def is_complete(self) -> bool:
        """Whether there is a key on this machine."""
        if self.api_key_file is None:
            return "STATSIG_API_KEY" in os.environ
        return Path(self.api_key_file).exists()

    def client(self, *, log_exposures: bool = True) -> Statsig:
        """The client, with the key of this machine.

        Raises:
            ConfigurationError: There is no key here, or it or the URL makes no sense.
        """
        return Statsig(
            self._key(),
            base_url=self.url,
            allow_http=self.allow_http,
            environment=self.environment,
            log_exposures=log_exposures,
        )

    def _key(self) -> str | None:
        """The key in a file; None leaves it to the environment."""
        if self.api_key_file is None:
            if not self.is_complete:
                raise ConfigurationError(
                    "there is no API key: set STATSIG_API_KEY in the environment of executors, or "
                    "state a file on them that has the key (apiKeyFile; api_key_file for functions)"
                )
            return None
        try:
            return Path(self.api_key_file).read_text(encoding="utf-8").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ConfigurationError(f"the file of the API key cannot be read: {error}") from None


@frozen(kw_only=True)
class SinkOptions:
    """The options of a write."""

    path: str
    mapping: EventMapping | None
    times: Times
    rate: float | None
    """Events per second, for one task."""
    concurrency: int
    give_up_after: float
    max_refused: int
    resend_ambiguous: bool
    allow_cut: bool
    allow_no_time: bool
    resume: bool
    connection: Connection


def read_options(given: Mapping[str, str]) -> SinkOptions:
    """Read what Spark hands over.

    Raises:
        ConfigurationError: There is no such option, or its value makes no sense.
    """
    options = _Options(given)
    return SinkOptions(
        path=options.text("path", "the directory of this job, as in save('/shared/job-1')"),
        mapping=options.mapping(),
        times=options.times,
        rate=options.rate(),
        concurrency=int(options.number("concurrency", whole=True) or 8),
        give_up_after=options.number("giveUpAfter") or 120.0,
        max_refused=int(options.number("maxRefused", whole=True) or 100),
        resend_ambiguous=options.flag("resendAmbiguous"),
        allow_cut=options.flag("allowCut"),
        allow_no_time=options.flag("allowNoTime"),
        resume=options.flag("resume"),
        connection=Connection(
            url=options.given("url"),
            allow_http=options.flag("allowHttp"),
            environment=options.given("environment"),
            api_key_file=options.given("apiKeyFile"),
        ),
    )


class _Options:
    """Options by their names, each read once."""

    def __init__(self, given: Mapping[str, str]) -> None:
        self._given = {name.lower(): value for name, value in given.items()}
        for name in self._given:
            if _KEY.fullmatch(name.replace("-", "_")):
                raise ConfigurationError(
                    f"option {name}: a key is no option, since options show in plans and in "
                    "Spark's UI. Set STATSIG_API_KEY in the environment of executors, or state "
                    "apiKeyFile, a file on them"
                )
            if name not in _NAMES and name not in _OF_SPARK:
                # Its value is not told: it may be a key all the same.
                raise ConfigurationError(
                    f"unknown option {name!r}; the options are {', '.join(sorted(_OPTIONS))}"
                )
        unit = self.given("timeUnit")
        if unit is not None and unit not in get_args(Unit):
            raise ConfigurationError(
                f"option timeUnit: expected one of {', '.join(get_args(Unit))}, got {unit!r}"
            )
        with _option("timeZone"):
            self.times: Times = Times(cast("Unit | None", unit), self.given("timeZone"))

    def given(self, name: str) -> str | None:
        """An option as it was given."""
        return self._given.get(name.lower())

    def text(self, name: str, expected: str) -> str:
        """An option that must be there."""
        value = self.given(name)
        if not value:
            raise ConfigurationError(f"option {name} is missing: {expected}")
        return value

    def flag(self, name: str) -> bool:
        """A switch, off if it was not given."""
        value = (self.given(name) or "false").lower()
        if value not in ("true", "false"):
            raise ConfigurationError(f"option {name}: expected true or false, got {value!r}")
        return value == "true"

    def number(self, name: str, *, whole: bool = False) -> float | None:
        """A number above 0."""
        text = self.given(name)
        if text is None:
            return None
        pattern = r"\d+" if whole else r"\d+(\.\d*)?|\.\d+"
        if not re.fullmatch(pattern, text) or not float(text) > 0:
            kind = "whole number" if whole else "number"
            raise ConfigurationError(f"option {name}: expected a {kind} above 0, got {text!r}")
        return float(text)

    def rate(self) -> float | None:
        """The share of one task in the rate of all."""
        rate, tasks = self.number("maxRate"), self.number("tasks", whole=True)
        if rate is not None and tasks is None:
            raise ConfigurationError(
                "option tasks is missing: maxRate is divided by the number of tasks that run at "
                "once, which Spark tells no Python sink. State it, such as "
                "executors x cores of the job, or fewer if there are fewer partitions"
            )
        return None if rate is None or tasks is None else rate / tasks

    def mapping(self) -> EventMapping | None:
        """The mapping, if there is one."""
        text = self.given("map")
        if text is None:
            return None
        words = [word.strip() for word in re.split(r"[;\n]", text) if word.strip()]
        with _option("map"):
            return read_mapping(words, self.times)


@contextmanager
def _option(name: str) -> Generator[None]:
    """Says of what goes wrong in which option it is."""
    try:
        yield
    except SourceError as error:
        raise ConfigurationError(f"option {name}: {error}") from None
