"""Reload of a project when its files change."""

import asyncio
import logging
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import watchfiles

from .project.model import ProjectError
from .state import ServerState

_logger = logging.getLogger("statsig_api_client.local")

FileVersions: TypeAlias = dict[Path, tuple[int, int, int] | None]
"""The modification time, size and inode of each file; None for a missing file."""

_POLL_INTERVAL: Final = 500
"""Milliseconds between checks without a notification."""


@contextmanager
def watching(state: ServerState, loaded: FileVersions) -> Generator[None]:
    """Reload the project whenever its files change, during the block.

    A problem is logged, and the previous content is still served.

    Args:
        state: The state to reload.
        loaded: The versions of the files that `state` has loaded; they may have changed since.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    # Not a pool, whose threads would keep a program alive that does not close its server.
    thread = threading.Thread(
        target=_watch, args=(state, loaded, loop, stop), name="statsig-local-watch", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def file_versions(files: Iterable[Path]) -> FileVersions:
    """Return the current versions of files."""
    return {file: _version(file) for file in files}


def _watch(
    state: ServerState, loaded: FileVersions, loop: asyncio.AbstractEventLoop, stop: threading.Event
) -> None:
    # Directories, because many editors replace a file instead of writing to it.
    directories = {
        directory for file in loaded for directory in (file.parent, file.resolve().parent)
    }
    # Poll as well: network and container file systems send no notifications.
    for changes in watchfiles.watch(
        *directories,
        watch_filter=None,
        debounce=200,
        stop_event=stop,
        rust_timeout=_POLL_INTERVAL,
        yield_on_timeout=True,
        recursive=False,
    ):
        found = file_versions(state.files)
        has_changed = any(version != loaded.get(file, version) for file, version in found.items())
        loaded = found
        # After a problem any change counts, since a missing file is not among the project's files.
        if has_changed or (changes and state.problem is not None):
            asyncio.run_coroutine_threadsafe(_reload(state), loop)


async def _reload(state: ServerState) -> None:
    known = state.problem
    try:
        await state.reload()
    except (ProjectError, UserWarning) as error:
        if str(error) != known:
            _logger.warning("%s (the previous content is still served)", error)
    else:
        _logger.info("%s has changed and was reloaded", state.specs.file)


def _version(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
