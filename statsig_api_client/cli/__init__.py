"""Command line `statsig-api`: gates, configs, experiments, layers and events from a terminal.

    export STATSIG_API_KEY=secret-...
    statsig-api check-gate new_checkout --user-id 42

Requires the extra `cli`. `docs/cli.md` describes all commands.
"""

import os
import sys
from typing import Final, TextIO, cast

_INTERRUPTED: Final = 130


def run() -> int:
    """Run the command line of this process and return its exit code."""
    _reserve_descriptors()
    try:
        # Not installed without the extra.
        from .main import main
    except ModuleNotFoundError:
        print(
            "statsig-api requires the extra `cli`: pip install 'statsig-api-client[cli]'",
            file=sys.stderr,
        )
        return 3
    status = main()
    if status == _INTERRUPTED:
        # A regular exit would wait for the threads of requests in progress.
        for stream in cast("tuple[TextIO | None, ...]", (sys.stdout, sys.stderr)):
            if stream is not None:
                stream.flush()
        os._exit(status)
    return status


def _reserve_descriptors() -> None:
    """Reopen closed standard streams, before a file can receive their descriptor."""
    for descriptor in range(3):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, os.O_RDWR)
