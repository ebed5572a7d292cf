"""The command that prints what a shell needs to complete the words of the others."""

import click
from click.shell_completion import get_completion_class

from .help import examples


@click.command(
    epilog=examples(
        'eval "$(statsig-api completion bash)"             # in ~/.bashrc',
        'eval "$(statsig-api completion zsh)"              # in ~/.zshrc',
        "statsig-api completion fish > ~/.config/fish/completions/statsig-api.fish",
    )
)
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def completion(context: click.Context, shell: str) -> int:
    """Print the script that makes a shell complete the words of statsig-api."""
    of_shell = get_completion_class(shell)
    assert of_shell is not None  # noqa: S101  (click has all three)
    commands = context.find_root().command
    click.echo(of_shell(commands, {}, "statsig-api", "_STATSIG_API_COMPLETE").source())
    return 0
