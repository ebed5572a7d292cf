"""The command `python -m statsig_api_client.local`."""

import argparse
import contextlib
import json
import logging
import signal
import socket
import sys
import warnings
from collections.abc import Generator, Sequence
from pathlib import Path
from typing import Final

from . import ProjectError, RecordingError
from .config_specs.document import ConfigSpecs, load_specs
from .config_specs.evaluator import Evaluator
from .runner import ServerThread, Settings, is_loopback

DEFAULT_PORT: Final = 8765


class _Options(argparse.Namespace):
    """What the command line says."""

    project: Path
    port: int
    host: str
    db: Path | None
    watch: bool
    verbose: bool
    print_specs: bool


def main(
    arguments: Sequence[str] | None = None, *, name: str = "python -m statsig_api_client.local"
) -> int:
    """Serve a project until Ctrl-C or a request to terminate.

    Args:
        arguments: The words of the command line; those of this process if None.
        name: What the command is called.

    Returns:
        The exit status: 0 after serving, 2 if the project, the database or the port cannot be used,
        or nothing can be printed.
    """
    options = _parser(name).parse_args(arguments, _Options())
    try:
        with _plain_warnings():
            if options.print_specs:
                _print_specs(options.project)
            else:
                _serve(options)
    except (ProjectError, RecordingError, _ListenError) as error:
        print(error, file=sys.stderr)
        return 2
    except OSError as error:
        print(f"cannot print: {error.strerror}", file=sys.stderr)
        return 2
    return 0


class _ListenError(Exception):
    """An address or a port that cannot be listened on; the message says what to do."""


def _parser(name: str) -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog=name,
        description="Serve a Statsig project on this machine, with no account and no network.",
    )
    parser.add_argument(
        "project",
        type=Path,
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
        type=Path,
        metavar="FILE",
        help="the SQLite file for events and exposures (default: they go when the server ends)",
    )
    parser.add_argument(
        "--watch",
        action=argparse.BooleanOptionalAction,
        default=True,
        help="serve the project anew whenever its file is saved (default: it does)",
    )
    parser.add_argument("--verbose", action="store_true", help="print a line for each request")
    parser.add_argument(
        "--print-specs",
        action="store_true",
        help="print the project's config specs, as Statsig's SDKs download them, and serve nothing",
    )
    parser.add_argument(
        "--print-schema",
        action=_PrintSchema,
        nargs=0,
        help="print the JSON Schema of project files, for editors, and serve nothing",
    )
    return parser


class _PrintSchema(argparse.Action):
    """Prints the schema and ends, as `--help` does: it needs no project."""

    def __call__(self, parser: argparse.ArgumentParser, *_: object) -> None:
        from .project.schema import project_schema  # noqa: PLC0415  (only this needs it)

        print(json.dumps(project_schema(), indent=2))
        parser.exit()


def _port(text: str) -> int:
    if not text.isdecimal() or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"expected a number from 0 to 65535, got {text!r}")
    return int(text)


def _print_specs(project: Path) -> None:
    specs = load_specs(project)
    Evaluator(specs).close()  # It notices what the core cannot read.
    print(json.dumps(specs.document, indent=2), flush=True)


def _serve(options: _Options) -> None:
    with (
        _stop_signals() as signals,
        _log_to_stderr(),
        contextlib.closing(_start(options)) as server,
    ):
        print(_greeting(server.url, server.service.specs, options.project), flush=True)
        if not is_loopback(options.host):
            address = options.host or "this machine"
            print(
                f"Warning: {address} can be reached from other machines, unencrypted.",
                file=sys.stderr,
            )
        signals.recv(1)


def _start(options: _Options) -> ServerThread:
    settings = Settings(
        project=options.project,
        host=options.host,
        port=options.port,
        db=options.db,
        watch=options.watch,
    )
    try:
        return ServerThread(settings, log_requests=options.verbose)
    except OSError as error:
        raise _ListenError(
            f"cannot listen on {options.host}, port {options.port}: {error.strerror}; "
            "choose another with --port, or 0 for any that is free"
        ) from None


@contextlib.contextmanager
def _stop_signals() -> Generator[socket.socket]:
    """Have Ctrl-C, and a request to terminate, written to a socket."""
    # Not to an event, or whatever else is waited for in Python: a signal in the moment in which the
    # wait begins would be seen after it, which is never.
    signals, written = socket.socketpair()
    with signals, written:
        written.settimeout(0)
        socket_before = signal.set_wakeup_fd(written.fileno())
        numbers = (signal.SIGINT, signal.SIGTERM)
        before = [signal.signal(number, lambda _number, _frame: None) for number in numbers]
        try:
            yield signals
        finally:
            for number, handler in zip(numbers, before, strict=True):
                signal.signal(number, handler)
            signal.set_wakeup_fd(socket_before)


@contextlib.contextmanager
def _plain_warnings() -> Generator[None]:
    """Print warnings without the line of code that they come from, which is none of the user's."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print(f"Warning: {message}", file=sys.stderr)

    with warnings.catch_warnings():
        warnings.showwarning = show
        yield


@contextlib.contextmanager
def _log_to_stderr() -> Generator[None]:
    logger = logging.getLogger("statsig_api_client.local")
    handler = logging.StreamHandler()
    handler.setFormatter(logging.Formatter("%(asctime)s %(message)s", "%H:%M:%S"))
    logger.addHandler(handler)
    logger.setLevel(logging.INFO)
    try:
        yield
    finally:
        logger.removeHandler(handler)
        logger.setLevel(logging.NOTSET)


def _greeting(url: str, specs: ConfigSpecs, project: Path) -> str:
    counts = ", ".join(
        f"{len(names)} {kind}" + ("s" if len(names) != 1 else "")
        for kind, names in (
            ("gate", specs.gates),
            ("config", specs.configs),
            ("experiment", specs.experiments),
            ("layer", specs.layers),
        )
    )
    return (
        f"Statsig, locally: {url}\n"
        f"  secret key  {specs.keys.secret}\n"
        f"  client key  {specs.keys.client}\n"
        f"  project     {project}: {counts}\n"
        f"  look inside {url.removesuffix('/v1')}/local/\n"
        "\n"
        "For programs that use statsig_api_client:\n"
        f"  export STATSIG_BASE_URL={url}\n"
        f"  export STATSIG_API_KEY={specs.keys.secret}\n"
        "\n"
        "Ctrl-C stops it."
    )


if __name__ == "__main__":
    sys.exit(main())
