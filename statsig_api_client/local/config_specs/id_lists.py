"""ID lists: named lists of IDs outside the config specs, which conditions reference."""

import base64
import hashlib
import time
from collections.abc import Iterable, Iterator, Mapping
from typing import Final

from ..._runtime.parsers import JsonObject, JsonValue

_INLINE_OPERATORS: Final = {
    "in_segment_list": "any_case_sensitive",
    "not_in_segment_list": "none_case_sensitive",
}
"""The operators that reference an ID list, and the equivalent operators for its members."""


def referenced_lists(conditions: JsonObject) -> set[str]:
    """Return the names of the ID lists that conditions reference."""
    return {
        str(condition.get("targetValue"))
        for condition in conditions.values()
        if isinstance(condition, dict) and condition.get("operator") in _INLINE_OPERATORS
    }


def inline_members(conditions: JsonObject, id_lists: Mapping[str, tuple[str, ...]]) -> JsonObject:
    """Return conditions with the members of ID lists in place of their names.

    The core would download the lists; inlined, they need no network.
    """
    return {
        condition_id: _inline_members(condition, id_lists)
        for condition_id, condition in conditions.items()
    }


def _inline_members(condition: JsonValue, id_lists: Mapping[str, tuple[str, ...]]) -> JsonValue:
    operator = condition.get("operator") if isinstance(condition, dict) else None
    if not isinstance(condition, dict) or operator not in _INLINE_OPERATORS:
        return condition
    members: list[JsonValue] = list(id_lists.get(str(condition.get("targetValue")), ()))
    return {**condition, "operator": _INLINE_OPERATORS[str(operator)], "targetValue": members}


class IdListFile:
    """An ID list as SDKs download it: a line `+hash` per added ID, `-hash` per removed ID.

    SDKs request only the bytes after those they have, so a file only grows. Its ID is a digest of
    its first content, because SDKs must not continue a file of an earlier server.
    """

    def __init__(self, name: str, ids: Iterable[str]) -> None:
        self.name = name
        self.content: bytes = b""
        self._members: dict[str, None] = {}
        self.update(ids)
        start = name.encode() + b"\n" + self.content
        self.file_id: Final[str] = hashlib.sha256(start).hexdigest()[:22]
        self.created: Final[int] = time.time_ns() // 1_000_000

    def update(self, ids: Iterable[str]) -> None:
        """Append the changes that make `ids` the members of the list."""
        members = dict.fromkeys(_hashed_id(unit_id) for unit_id in ids)
        lines = [f"+{added}\n" for added in members if added not in self._members]
        lines += [f"-{removed}\n" for removed in self._members if removed not in members]
        self.content += "".join(lines).encode()
        self._members = members


class IdListFiles:
    """The files of a project's ID lists across reloads of the project."""

    def __init__(self) -> None:
        self._files: dict[str, IdListFile] = {}

    def __iter__(self) -> Iterator[IdListFile]:
        return iter(self._files.values())

    def update(self, id_lists: Mapping[str, tuple[str, ...]]) -> None:
        """Add, update and remove files to match `id_lists`."""
        for name in self._files.keys() - id_lists.keys():
            del self._files[name]
        for name, ids in id_lists.items():
            if name in self._files:
                self._files[name].update(ids)
            else:
                self._files[name] = IdListFile(name, ids)

    def find(self, file_id: str) -> IdListFile | None:
        """Return the file with this ID, or None."""
        return next((file for file in self if file.file_id == file_id), None)


def _hashed_id(unit_id: str) -> str:
    return base64.b64encode(hashlib.sha256(unit_id.encode()).digest()).decode()[:8]
