"""Mappings of columns to event fields."""

import re
from collections.abc import Collection, Iterable, Mapping
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast, get_args

from attrs import field, frozen

from ..._user_checks import USER_STRINGS
from ..errors import SourceError
from .entries import Constant, read_entries
from .times import TimeFormat, TimeUnit

if TYPE_CHECKING:
    from ..._runtime.parsers import JsonValue

_FIELD: Final = re.compile(
    r"eventName|time|value|user|metadata"
    rf"|user\.({'|'.join(USER_STRINGS)})"
    r"|user\.(custom|customIDs)\..+|user\.statsigEnvironment\.tier|metadata\..+"
)


@frozen
class EventMapping:
    """A mapping of columns to event fields.

    Args:
        fields: Event fields, such as `eventName`, `user.userID`, `user.custom.plan` or
            `metadata.*`, each with a column name, a pattern of names (for `.*`), or a `Constant`.
            In nested data a name may be a path, such as `context.user`.
        times: Unit and zone of times.

    Raises:
        SourceError: A field does not exist, or `eventName` is missing.
    """

    fields: Mapping[str, str | Constant]
    times: TimeFormat = field(factory=TimeFormat)

    def __attrs_post_init__(self) -> None:
        for target, source in self.fields.items():
            if not _FIELD.fullmatch(target):
                raise SourceError(
                    "mapping: expected eventName, time, value, metadata.KEY, user.userID, "
                    f"user.email, user.custom.KEY, user.customIDs.KEY, …, got {target!r}"
                )
            if not isinstance(cast("object", source), str | Constant):
                raise SourceError(f"mapping: {target}: expected a column name or a Constant")
            if target.endswith(".*") and not isinstance(source, str):
                raise SourceError(f"mapping: {target}: expected a pattern of columns")
        if "eventName" not in self.fields:
            raise SourceError("mapping: eventName is missing")

    def missing(self, columns: Collection[str]) -> list[str]:
        """Return the columns of the mapping that do not exist."""
        return [
            source
            for target, source in self.fields.items()
            if isinstance(source, str)
            and not target.endswith(".*")
            and source not in columns
            and source.split(".")[0] not in columns
        ]

    def to_dict(self) -> dict[str, object]:
        """Return a JSON form, for comparison with other mappings."""
        fields = {
            target: source.value if isinstance(source, Constant) else [source]
            for target, source in self.fields.items()
        }
        return {"fields": fields, "unit": self.times.unit, "zone": self.times.zone}


def mapping_by_name(columns: Iterable[str], times: TimeFormat) -> EventMapping:
    """Return the mapping of columns that have the names of event fields.

    Raises:
        SourceError: A column is not named like an event field.
    """
    return EventMapping({column: column for column in columns}, times)


def read_mapping(text: str | Iterable[str], times: TimeFormat | None = None) -> EventMapping:
    """Parse `FIELD=COLUMN` and `FIELD:=CONSTANT`, separated by commas, semicolons or line breaks.

    A constant is JSON, or a string without quotes. Names and strings that contain a separator are
    quoted as in JSON: `user.userID="id, old"`.

    Args:
        text: The mapping, or parts of it.
        times: Unit and zone of times.

    Raises:
        SourceError: An entry is malformed, or a field occurs twice.
    """
    fields: dict[str, str | Constant] = {}
    for part in [text] if isinstance(text, str) else text:
        for target, source in read_entries(part):
            if target in fields:
                raise SourceError(f"mapping: {target} occurs twice")
            fields[target] = source
    return EventMapping(fields, times or TimeFormat())


def read_mapping_file(path: str | Path, times: TimeFormat | None = None) -> EventMapping:
    """Parse a YAML file with `fields:` and, optionally, `time: {unit: s, zone: UTC}`.

    `fields` is a map, or a string in the syntax of `read_mapping`.

    Args:
        path: The file.
        times: Unit and zone that apply where the file sets none.

    Raises:
        SourceError: The file cannot be read, or is malformed.
    """
    file = _yaml_object(path)
    fields = file.pop("fields", None)
    time: object = file.pop("time", None) or {}
    if file or not isinstance(fields, dict | str) or not isinstance(time, dict):
        raise SourceError(f"{path}: expected `fields:` and, optionally, `time:`")
    try:
        format_of_times = _time_format(cast("dict[str, object]", time), times or TimeFormat())
        if isinstance(fields, str):
            return read_mapping(fields, format_of_times)
        return EventMapping(
            {
                str(target): _field_source(target, source)
                for target, source in cast("dict[object, object]", fields).items()
            },
            format_of_times,
        )
    except SourceError as error:
        raise SourceError(f"{path}: {error}") from None


def _yaml_object(path: str | Path) -> dict[str, object]:
    import yaml

    class ExactLoader(yaml.SafeLoader):
        """A YAML loader that keeps all digits of fractions."""

    def fraction(loader: ExactLoader, node: yaml.ScalarNode) -> float | Decimal:
        is_decimal = re.fullmatch(r"[-+]?(\d+\.\d*|\.\d+)", node.value)
        return Decimal(node.value) if is_decimal else loader.construct_yaml_float(node)

    ExactLoader.add_constructor("tag:yaml.org,2002:float", fraction)
    try:
        text = Path(path).read_text(encoding="utf-8")
        loader = ExactLoader(text)
        try:
            data = cast("object", loader.get_single_data())
        finally:
            loader.dispose()
    except (OSError, ValueError, yaml.YAMLError) as error:
        raise SourceError(f"{path}: cannot be read: {error}") from None
    return cast("dict[str, object]", data) if isinstance(data, dict) else {}


def _field_source(target: object, source: object) -> str | Constant:
    if isinstance(source, str):
        return source
    if isinstance(source, dict):
        members = cast("dict[str, JsonValue]", source)
        if [*members] == ["constant"]:
            return Constant(members["constant"])
    raise SourceError(
        f"fields.{target}: expected a column name, quoted unless it is a word, or {{constant: ...}}"
    )


def _time_format(members: dict[str, object], default: TimeFormat) -> TimeFormat:
    unit = members.pop("unit", default.unit)
    zone = members.pop("zone", default.zone)
    if unit is not None and unit not in get_args(TimeUnit):
        raise SourceError(f"time.unit: expected one of {', '.join(get_args(TimeUnit))}, got {unit}")
    if not (zone is None or isinstance(zone, str)):
        raise SourceError(f"time.zone: expected a quoted string, got {zone}")
    if members:
        raise SourceError(f"time: expected unit and zone, got {', '.join(map(str, members))}")
    return TimeFormat(cast("TimeUnit | None", unit), zone)
