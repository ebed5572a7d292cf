"""Why the core cannot read specs, which it tells to its log alone.

It keeps its logger for as long as the process lives, and calls it with a lock held that all its
threads need. The logger needs Python's lock, the others have it: so they wait for each other, for
seconds. Therefore this file is also a program, and the core is heard in a process of its own.
"""

import os
import subprocess
import sys

from statsig_python_core import (
    DataStore,
    DataStoreResponse,
    OutputLoggerProvider,
    StatsigBasePy,
    StatsigOptions,
)


def complaint(specs: str) -> str:
    """Say why the core cannot read specs."""
    heard = subprocess.run(  # noqa: S603  (this very file)
        [sys.executable, "-P", __file__],
        input=specs.encode(),
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        check=False,
    )
    return heard.stdout.decode().partition(" at line ")[0] or "it does not say why"


def _listen() -> None:  # pragma: no cover  (in a process of its own)
    response = DataStoreResponse(result=sys.stdin.buffer.read().decode(), time=1)

    class Specs(DataStore):
        def get(self, key: str) -> DataStoreResponse:  # noqa: ARG002
            return response

    class Log(OutputLoggerProvider):
        def error(self, tag: str, msg: str) -> None:
            os.write(1, f"{tag}: {msg}".encode())
            os._exit(0)  # It is the first complaint that counts.

    options = StatsigOptions(
        output_log_level="error",
        output_logger_provider=Log(),  # type: ignore[no-untyped-call]  # it is untyped there
        data_store=Specs(),  # type: ignore[no-untyped-call]  # it is untyped there
        disable_network=True,
        disable_all_logging=True,
    )
    StatsigBasePy("secret-local", options).initialize().wait()


if __name__ == "__main__":  # pragma: no cover  (in a process of its own)
    _listen()
