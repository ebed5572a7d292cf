"""Overrides in the form of the control API."""

from typing import NotRequired, TypedDict

from ..._runtime.parsers import JsonObject
from ..config_specs.overrides import Override, OverrideKind, Unit


class UnitIDDict(TypedDict):
    """The ID of a unit."""

    type: str
    id: str


class OverrideRequestDict(TypedDict):
    """An override: a value or a group, for one unit or for all users."""

    kind: OverrideKind
    name: str
    userID: NotRequired[str]
    unitID: NotRequired[UnitIDDict]
    value: NotRequired[bool | JsonObject]
    group: NotRequired[str]


def requested_override(wanted: OverrideRequestDict) -> Override:
    """Return the override that a request describes."""
    unit: Unit | None = None
    if "userID" in wanted:
        unit = Unit(id_type="userID", id=wanted["userID"])
    elif "unitID" in wanted:
        unit = Unit(id_type=wanted["unitID"]["type"], id=wanted["unitID"]["id"])
    return Override(
        kind=wanted["kind"],
        name=wanted["name"],
        unit=unit,
        value=wanted.get("value"),
        group=wanted.get("group"),
    )


def override_result(override: Override) -> OverrideRequestDict:
    """Return the JSON form of an override."""
    result = OverrideRequestDict(kind=override.kind, name=override.name)
    if override.unit is not None:
        if override.unit.id_type == "userID":
            result["userID"] = override.unit.id
        else:
            result["unitID"] = {"type": override.unit.id_type, "id": override.unit.id}
    if override.value is not None:
        result["value"] = override.value
    if override.group is not None:
        result["group"] = override.group
    return result
