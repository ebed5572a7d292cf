"""A program that logs events and may be killed: see `__main__` below for its arguments."""

import json
import os
import sys
import time
from typing import Any

from statsig_api_client import Statsig, StatsigUser
from tests.chaos.chance import KEY, EagerLogger


def run(
    url: str, spool: str | None, name: str, count: int, delay: float = 0.0, **options: Any
) -> None:
    """Log events, telling of each when `log()` has returned."""
    user = StatsigUser(user_id="42")
    with Statsig(KEY, base_url=url, timeout=options.pop("timeout", 10.0)) as statsig:
        logger = EagerLogger(statsig, spool=spool, **options)
        for number in range(count):
            logger.log(user, "purchase", value=1, metadata={"n": f"{name}-{number}"})
            os.write(1, b"%d\n" % number)
            if delay:
                time.sleep(delay)
        logger.close()


if __name__ == "__main__":
    run(**json.loads(sys.argv[1]))
