"""The command `python -m statsig_api_client.local`."""

import argparse
import signal
import sys
import threading
from collections.abc import Sequence
from typing import Final

from . import LocalServer, ProjectError, RecordingError

DEFAULT_PORT: Final = 8765

_LOOPBACK: Final = frozenset({"127.0.0.1", "::1", "localhost"})


class _Options(argparse.Namespace):
    """What the command line says."""

    project: str
    port: int
    host: str
    db: str | None


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve a project until Ctrl-C or a request to terminate.

    Args:
        arguments: The words of the command line; those of this process if None.

    Returns:
        The exit status: 0 after serving, 2 if the project, the database or the port cannot be used.
    """
    options = _parser().parse_args(arguments, _Options())
    stop = threading.Event()
    for name in (signal.SIGINT, signal.SIGTERM):
        signal.signal(name, lambda _signal, _frame: stop.set())
    try:
        server = LocalServer(options.project, port=options.port, db=options.db, host=options.host)
    except (ProjectError, RecordingError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(
            f"cannot listen on {options.host}, port {options.port}: {error.strerror}; "
            "choose another with --port, or 0 for any that is free",
            file=sys.stderr,
        )
        return 2
    with server:
        print(_greeting(server, options.project), flush=True)
        if options.host not in _LOOPBACK:
            print(
                f"Warning: {options.host} can be reached from other machines, unencrypted.",
                file=sys.stderr,
            )
        stop.wait()
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m statsig_api_client.local",
        description="Serve a Statsig project on this machine, with no account and no network.",
    )
    parser.add_argument(
        "project",
        help="a project file (.yaml), or config specs downloaded from a real project (.json)",
    )
    parser.add_argument(
        "--port",
        type=_port,
        default=DEFAULT_PORT,
        help="the port to listen on; 0 takes a free one (default: %(default)s)",
    )
    parser.add_argument(
        "--host",
        default="127.0.0.1",
        help="the address to listen on (default: %(default)s, which is this machine only)",
    )
    parser.add_argument(
        "--db",
        metavar="FILE",
        help="the SQLite file for events and exposures (default: none, they are kept in memory)",
    )
    return parser


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, got {text!r}")
    return int(text)


def _greeting(server: LocalServer, project: str) -> str:
    counts = ", ".join(
        f"{len(names)} {kind}" + ("s" if len(names) != 1 else "")
        for kind, names in (
            ("gate", server.gates),
            ("config", server.configs),
            ("experiment", server.experiments),
            ("layer", server.layers),
        )
    )
    return (
        f"Statsig, locally: {server.url}\n"
        f"  secret key  {server.secret_key}\n"
        f"  client key  {server.client_key}\n"
        f"  project     {project}: {counts}\n"
        "Ctrl-C stops it."
    )


if __name__ == "__main__":
    sys.exit(main())
