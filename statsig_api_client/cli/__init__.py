"""The command `statsig-api`: gates, configs, experiments, layers and events from a terminal.

    export STATSIG_API_KEY=secret-...
    statsig-api check-gate new_checkout --user-id 42

`docs/cli.md` has all commands. It needs the extra `cli`.
"""

import os
import sys
from typing import Final

_INTERRUPTED: Final = 130


def run() -> int:
    """Run the command line of this process; the exit status."""
    try:
        from .main import main  # noqa: PLC0415  (see below)
    except ModuleNotFoundError:
        print(
            "statsig-api needs what the extra `cli` installs: "
            "pip install 'statsig-api-client[cli]'",
            file=sys.stderr,
        )
        return 3
    status = main()
    if status == _INTERRUPTED:
        # Python would wait for requests that are on their way.
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(status)
    return status
