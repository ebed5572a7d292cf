"""`python -m statsig_api_client.cli`, the same as `statsig-api`."""

import sys

from . import run

sys.exit(run())
