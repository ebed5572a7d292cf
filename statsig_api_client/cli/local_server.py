"""The local Statsig server in the foreground of a terminal."""

import contextlib
import json
import logging
import signal
import socket
from collections.abc import Generator
from pathlib import Path

import click

from ..local.config_specs.document import ConfigSpecs, load_specs
from ..local.config_specs.evaluator import Evaluator
from ..local.project.model import ProjectError
from ..local.project.schema import project_schema
from ..local.recording import RecordingError
from ..local.runner import ServerOptions, ServerThread, is_loopback
from ..local.server import EXAMPLE_PROJECT
from .output import print_warning

_EXAMPLE_CALL = """\
Try it in another terminal:
  curl -H 'statsig-api-key: {key}' {url}/check_gate \\
    -d '{{"gateName": "staff_tools", "user": {{"email": "ada@example.com"}}}}'"""


def print_schema() -> None:
    """Print the JSON Schema of project files."""
    click.echo(json.dumps(project_schema(), indent=2))


def print_specs(project: Path | None) -> None:
    """Print the config specs of a project; None prints those of the example project.

    Raises:
        click.ClickException: The project cannot be served.
    """
    with _problems_as_messages():
        specs = load_specs(project or EXAMPLE_PROJECT)
        Evaluator(specs).close()  # Raises if the core cannot read the specs.
    click.echo(json.dumps(specs.document, indent=2))


def serve(
    project: Path | None,
    *,
    host: str,
    port: int,
    db: Path | None,
    watch: bool,
    log_requests: bool,
) -> None:
    """Serve a project until SIGINT or SIGTERM; None serves the example project.

    Raises:
        click.ClickException: The project, the database, the address or the port cannot be used.
    """
    options = ServerOptions(
        project=project or EXAMPLE_PROJECT, host=host, port=port, db=db, watch=watch
    )
    with (
        _problems_as_messages(),
        _stop_signals() as signals,
        _log_to_stderr(),
        contextlib.closing(_start(options, log_requests=log_requests)) as server,
    ):
        click.echo(_greeting(server.url, server.state.specs, project))
        if not is_loopback(host):
            address = host or "this machine"
            print_warning(f"other machines can reach {address}, without encryption")
        signals.recv(1)


def _start(options: ServerOptions, *, log_requests: bool) -> ServerThread:
    try:
        return ServerThread(options, log_requests=log_requests)
    except OSError as error:
        raise click.ClickException(
            f"cannot listen on {options.host}, port {options.port}: {error.strerror}; "
            "choose another with --port, or 0 for a free port"
        ) from None


@contextlib.contextmanager
def _problems_as_messages() -> Generator[None]:
    """Convert problems of a project to errors of the command line."""
    try:
        yield
    except (ProjectError, RecordingError) as error:
        raise click.ClickException(str(error)) from None


@contextlib.contextmanager
def _stop_signals() -> Generator[socket.socket]:
    """Yield a socket that receives a byte for SIGINT and SIGTERM."""
    # Not an event or another Python object: a signal just before the endless wait would be handled
    # only after it.
    signals, sender = socket.socketpair()
    with signals, sender:
        sender.settimeout(0)
        previous_fd = signal.set_wakeup_fd(sender.fileno())
        numbers = (signal.SIGINT, signal.SIGTERM)
        previous = [signal.signal(number, lambda _number, _frame: None) for number in numbers]
        try:
            yield signals
        finally:
            for number, handler in zip(numbers, previous, strict=True):
                signal.signal(number, handler)
            signal.set_wakeup_fd(previous_fd)


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


def _greeting(url: str, specs: ConfigSpecs, project: Path | None) -> str:
    counts = ", ".join(
        f"{len(names)} {kind}" + ("s" if len(names) != 1 else "")
        for kind, names in (
            ("gate", specs.gates),
            ("config", specs.configs),
            ("experiment", specs.experiments),
            ("layer", specs.layers),
        )
    )
    name, key = project or "built-in example", specs.keys.secret
    example_call = [_EXAMPLE_CALL.format(url=url, key=key), ""] if project is None else []
    return "\n".join(
        [
            f"Local Statsig server: {url}",
            f"  secret key   {key}",
            f"  client key   {specs.keys.client}",
            f"  project      {name}: {counts}",
            f"  console      {url.removesuffix('v1')}",
            "",
            *example_call,
            "For programs that use statsig_api_client:",
            f"  export STATSIG_BASE_URL={url}",
            f"  export STATSIG_API_KEY={key}",
            "",
            "Press Ctrl-C to stop.",
        ]
    )
