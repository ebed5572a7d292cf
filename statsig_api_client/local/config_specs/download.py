"""Download of the config specs that a local server delivers."""

import tempfile
from pathlib import Path
from typing import Final

import httpx

from ..control_connection import ControlError
from ..project.model import ProjectError
from .document import ConfigSpecs, load_specs

_TIMEOUT: Final = 30.0


def download_specs(url: str) -> ConfigSpecs:
    """Return the config specs of a running local server.

    Args:
        url: The server's URL, with or without `/v1`.

    Raises:
        ControlError: The server cannot be reached or is not a local server.
    """
    address = f"{url.rstrip('/').removesuffix('/v1')}/local/specs"
    try:
        response = httpx.get(address, timeout=_TIMEOUT)
    except httpx.HTTPError as error:
        raise ControlError(f"{url}: no response from the local server: {error}") from None
    if not response.is_success:
        raise ControlError(f"{url}: expected a local server, got HTTP {response.status_code}")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "specs.json"
        file.write_bytes(response.content)
        try:
            return load_specs(file)
        except ProjectError as error:
            raise ControlError(f"{url}: {error.problem}") from None
