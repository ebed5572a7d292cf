"""ID lists as files that only grow, as SDKs download them."""

import hashlib
import re
from collections.abc import Iterable, Mapping
from typing import Final

from starlette.exceptions import HTTPException

from ..._runtime.parsers import JsonObject
from ..config_specs.id_lists import hashed_id
from .event_time import now

_FROM: Final = re.compile(r"bytes=([0-9]{1,18})-")


class IdListFile:
    """A list in the form of its changes: a line `+hash` for each new member, `-hash` if it is gone.

    SDKs ask only for what is behind the bytes that they have. So a file never changes but at its
    end; and its ID says what it began with, so that one of an earlier server is not continued.
    """

    def __init__(self, name: str, ids: Iterable[str]) -> None:
        self.content: bytes = b""
        self._members: dict[str, None] = {}
        self.follow(ids)
        start = name.encode() + b"\n" + self.content
        self.file_id: Final[str] = hashlib.sha256(start).hexdigest()[:22]
        self.created: Final[int] = now()

    def follow(self, ids: Iterable[str]) -> None:
        """Append what makes these IDs the members."""
        wanted = dict.fromkeys(hashed_id(unit_id) for unit_id in ids)
        lines = [f"+{new}\n" for new in wanted if new not in self._members]
        lines += [f"-{gone}\n" for gone in self._members if gone not in wanted]
        self.content += "".join(lines).encode()
        self._members = wanted

    def read(self, wanted: str) -> tuple[int, bytes]:
        """What of the file a header `Range` asks for, and where that begins.

        Raises:
            HTTPException: 416 if there is nothing, or it is not the end of the file that is asked.
        """
        match = _FROM.fullmatch(wanted)
        if match is None or int(match[1]) >= len(self.content):
            size = {"content-range": f"bytes */{len(self.content)}"}
            raise HTTPException(416, f"expected bytes=N-, of {len(self.content)} bytes", size)
        return int(match[1]), self.content[int(match[1]) :]


class IdListFiles:
    """The files of a project's ID lists, from one state of the project to the next."""

    def __init__(self) -> None:
        self._files: dict[str, IdListFile] = {}

    def follow(self, id_lists: Mapping[str, tuple[str, ...]]) -> None:
        """Bring the files to what the lists are now."""
        for name in self._files.keys() - id_lists.keys():
            del self._files[name]
        for name, ids in id_lists.items():
            if name in self._files:
                self._files[name].follow(ids)
            else:
                self._files[name] = IdListFile(name, ids)

    def lookup(self, base_url: str) -> JsonObject:
        """What SDKs are told of the lists: where each is, and how long.

        An empty one is left out: the core takes an empty file for a failure, and a list that it
        does not know for one without members.
        """
        return {
            name: {
                "name": name,
                "url": f"{base_url}v1/download_id_list_file/{file.file_id}",
                "fileID": file.file_id,
                "size": len(file.content),
                "creationTime": file.created,
            }
            for name, file in self._files.items()
            if file.content
        }

    def file(self, file_id: str) -> IdListFile:
        """A file by its ID.

        Raises:
            HTTPException: 404 if there is none.
        """
        for file in self._files.values():
            if file.file_id == file_id:
                return file
        raise HTTPException(404, "no such ID list")
