"""The command `python -m statsig_api_client.cli`, the same as `statsig-api`."""

import sys

from . import run

if __name__ == "__main__":
    sys.exit(run())
