"""Serving a project anew whenever its files are saved."""

import asyncio
import logging
import threading
from collections.abc import Generator, Iterable
from contextlib import contextmanager
from pathlib import Path
from typing import Final, TypeAlias

import watchfiles

from .project.model import ProjectError
from .state import Service

_logger = logging.getLogger("statsig_api_client.local")

Versions: TypeAlias = dict[Path, tuple[int, int, int] | None]
"""What tells a file from what it was before; None if it is not there."""

_LOOK: Final = 500
"""Milliseconds after which files are looked at without notice of a change."""


@contextmanager
def watching(service: Service, served: Versions) -> Generator[None]:
    """Serve what the project's files say, also when they change, in a block of a running loop.

    What cannot be served is logged, and what was served before stays.

    Args:
        service: What serves the project.
        served: The files as they were when it read them: one may have been saved since.
    """
    loop = asyncio.get_running_loop()
    stop = threading.Event()
    # A thread of its own, and not one that watchfiles takes from a pool: those of pools would keep
    # alive a program that forgets to close its server.
    thread = threading.Thread(
        target=_watch, args=(service, served, loop, stop), name="statsig-local-watch", daemon=True
    )
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def versions(files: Iterable[Path]) -> Versions:
    """The versions of files, as they are now."""
    return {file: _version(file) for file in files}


def _watch(
    service: Service, served: Versions, loop: asyncio.AbstractEventLoop, stop: threading.Event
) -> None:
    # The folders, since many editors write another file and give it the name of the old one.
    folders = {folder for file in served for folder in (file.parent, file.resolve().parent)}
    # Without notice too, because some file systems give none: those of networks and containers.
    for changes in watchfiles.watch(
        *folders,
        watch_filter=None,
        debounce=200,
        stop_event=stop,
        rust_timeout=_LOOK,
        yield_on_timeout=True,
        recursive=False,
    ):
        found = versions(service.files)
        saved = any(version != served.get(file, version) for file, version in found.items())
        served = found
        # What is wrong may be that a file is not there yet, which then is none of those.
        if saved or (changes and service.problem is not None):
            loop.call_soon_threadsafe(_reload, service)


def _reload(service: Service) -> None:
    known = service.problem
    try:
        service.reload()
    except (ProjectError, UserWarning) as error:
        if str(error) != known:
            _logger.warning("%s (what it said before is still served)", error)
    else:
        _logger.info("%s has changed, and is served as it is now", service.specs.file)


def _version(file: Path) -> tuple[int, int, int] | None:
    try:
        stat = file.stat()
    except OSError:
        return None
    return stat.st_mtime_ns, stat.st_size, stat.st_ino
