"""`main`: all commands, and what their errors mean to the shell."""

from collections.abc import Sequence
from typing import cast

import click

from .._errors import StatsigError
from .._version import __version__
from .completion import completion
from .delegated import serve, spool
from .evaluations import check_gate, check_gates, get_config, get_experiment, get_layer
from .exits import Exit, exit_of
from .help import examples
from .imports import import_events
from .log_event import log_event


@click.group(
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    epilog=examples(
        "export STATSIG_API_KEY=secret-...",
        "statsig-api check-gate new_checkout --user-id 42",
    )
    + "\n\n\b\nExit status:\n"
    "  0  all is well\n"
    "  1  a gate does not pass (with --exit-code); spool: something went wrong or is left\n"
    "  2  usage: the words of the command, or a file that they name\n"
    "  3  configuration: no key, a malformed key or URL, an extra that is not installed\n"
    "  4  API: Statsig refused, or there was no reply\n"
    "  5  import-events: not every line was delivered\n"
    "  130  interrupted",
)
@click.version_option(__version__, prog_name="statsig-api")
def commands() -> None:
    """Gates, configs, experiments, layers and events of Statsig, from a terminal.

    The API key is in the environment variable STATSIG_API_KEY or in the file of --api-key-file,
    the server, if it is not Statsig's, in STATSIG_BASE_URL. On a terminal results are shown to be
    read; elsewhere, and with --json, each is one line of JSON. NO_COLOR turns colors off.
    """


for _command in (
    *(check_gate, check_gates, get_config, get_experiment, get_layer),
    *(log_event, import_events, serve, spool, completion),
):
    commands.add_command(_command)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line.

    Args:
        arguments: The words of the command line; those of this process if None.

    Returns:
        The exit status; see `Exit`.
    """
    try:
        return cast(
            "int", commands.main(arguments, prog_name="statsig-api", standalone_mode=False) or 0
        )
    except click.ClickException as error:
        error.show()
        return Exit.USAGE
    except (click.Abort, KeyboardInterrupt):
        return Exit.INTERRUPTED
    except StatsigError as error:
        return _failed(error, exit_of(error))
    except (TypeError, ValueError, OSError) as error:
        # An argument that the client does not take, or a full disk for what is printed.
        return _failed(error, Exit.USAGE)


def _failed(error: Exception, status: Exit) -> Exit:
    click.echo(f"error: {error}", err=True)
    return status
