"""The download of ID lists by SDKs."""

import re
from typing import Final

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from ..._runtime.parsers import JsonObject
from ..config_specs.id_lists import IdListFile, IdListFiles

_FROM: Final = re.compile(r"bytes=([0-9]{1,18})-")


def id_list_lookup(files: IdListFiles, base_url: str) -> JsonObject:
    """Return the location and size of each ID list by name.

    Leave out empty lists: the core treats an empty file as a failure, and an unknown list as empty.
    """
    return {
        file.name: {
            "name": file.name,
            "url": f"{base_url}v1/download_id_list_file/{file.file_id}",
            "fileID": file.file_id,
            "size": len(file.content),
            "creationTime": file.created,
        }
        for file in files
        if file.content
    }


def id_list_response(file: IdListFile | None, request: Request) -> Response:
    """Return an ID list, or the part of it that the `Range` header requests.

    Raises:
        HTTPException: 404 if there is no such file, 416 if the range is not its end or is empty.
    """
    if file is None:
        raise HTTPException(404, "no such ID list")
    wanted = request.headers.get("range")
    if wanted is None:
        return Response(file.content, media_type="text/plain")
    size = len(file.content)
    match = _FROM.fullmatch(wanted)
    if match is None or int(match[1]) >= size:
        headers = {"content-range": f"bytes */{size}"}
        raise HTTPException(416, f"expected bytes=N-, of {size} bytes", headers)
    first = int(match[1])
    headers = {"content-range": f"bytes {first}-{size - 1}/{size}"}
    return Response(file.content[first:], 206, headers, "text/plain")
