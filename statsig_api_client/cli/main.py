"""Command group of `statsig-api`, and the exit code of each error."""

import os
from collections.abc import Sequence
from contextlib import nullcontext
from typing import Final, cast

import click
from click.shell_completion import get_completion_class

from .._errors import StatsigError
from .._version import __version__
from .derived_options import add_help
from .evaluate import (
    check_gate,
    check_gates,
    get_config,
    get_experiment,
    get_layer,
    get_ranked_list,
)
from .exit_codes import ExitCode, exit_code_for
from .explain import explain
from .flags import flags
from .import_events import import_events
from .lift import lift
from .local_connection import LocalServerError
from .local_control import local
from .log_event import log_event
from .log_exposures import log_exposures
from .options import examples
from .output import escaped_streams, print_error, printed_warnings
from .serve import serve
from .spool import spool

_COMPLETE: Final = "_STATSIG_API_COMPLETE"
"""The environment variable by which a shell requests completions."""


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "export STATSIG_API_KEY=secret-...",
        "statsig-api check-gate new_checkout --user-id 42",
    )
    + "\n\n\b\nExit codes:\n"
    "  0    success\n"
    "  1    a gate does not pass (with --exit-code); spool: an operation failed or events remain\n"
    "  2    invalid arguments, or a named file that cannot be read\n"
    "  3    configuration: missing key, malformed key or URL, missing extra\n"
    "  4    API: an error response, or no response\n"
    "  5    import-events: some lines were not delivered\n"
    "  130  interrupted",
)
@click.version_option(__version__, prog_name="statsig-api")
def commands() -> None:
    """Evaluate gates, configs, experiments and layers, and log events.

    The API key is read from STATSIG_API_KEY or --api-key-file, the server from STATSIG_BASE_URL.
    Results are tables on a terminal, and JSON lines in a pipe or with --json. NO_COLOR disables
    colors.
    """


@commands.command(
    epilog=examples(
        'eval "$(statsig-api completion bash)"             # in ~/.bashrc',
        'eval "$(statsig-api completion zsh)"              # in ~/.zshrc',
        "statsig-api completion fish > ~/.config/fish/completions/statsig-api.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
def completion(shell: str) -> int:
    """Print the completion script for a shell."""
    completion_class = get_completion_class(shell)
    assert completion_class is not None
    click.echo(completion_class(commands, {}, "statsig-api", _COMPLETE).source())
    return ExitCode.OK


for _command in (
    *(check_gate, check_gates, get_config, get_experiment, get_layer, get_ranked_list),
    *(log_event, log_exposures, import_events, lift, flags, serve, explain, local, spool),
):
    commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The command-line arguments; None for those of this process.

    Returns:
        The exit code; see `ExitCode`.
    """
    add_help(commands)
    # click writes completions, which are names of commands and options, as bytes.
    streams = nullcontext() if _COMPLETE in os.environ else escaped_streams()
    with streams, printed_warnings():
        return _run(arguments)


def _run(arguments: Sequence[str] | None) -> int:
    try:
        return cast(
            "int", commands.main(arguments, prog_name="statsig-api", standalone_mode=False) or 0
        )
    except click.ClickException as error:
        if isinstance(error, click.UsageError) and error.ctx is not None:
            click.echo(f"{error.ctx.get_usage()}\n{_hint(error.ctx)}\n", err=True)
        is_local = isinstance(error, LocalServerError)
        return _report(error.format_message(), ExitCode.API if is_local else ExitCode.USAGE)
    except (click.Abort, KeyboardInterrupt):
        return ExitCode.INTERRUPTED
    except StatsigError as error:
        return _report(str(error), exit_code_for(error))
    except (TypeError, ValueError, OSError) as error:
        # An argument that the client rejects, or standard output on a full disk.
        return _report(str(error), ExitCode.USAGE)


def _hint(context: click.Context) -> str:
    return f"Try '{context.command_path} --help' for help."


def _report(message: str, code: ExitCode) -> ExitCode:
    print_error(message)
    return code
