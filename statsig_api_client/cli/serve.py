"""Command `serve`: options of the local Statsig server."""

from pathlib import Path
from typing import TypedDict, Unpack

import click

from .exit_codes import ExitCode
from .extras import require_extra
from .options import examples


class ServeOptions(TypedDict):
    """Values of the options of `serve`."""

    project: Path | None
    example: bool
    port: int
    host: str
    db: Path | None
    watch: bool
    verbose: bool
    print_specs: bool
    print_schema: bool


@click.command(
    epilog=examples(
        "statsig-api serve --example",
        "statsig-api serve project.yaml --port 0 --db events.db",
        "statsig-api serve --print-schema > project.schema.json",
    )
)
@click.argument("project", type=click.Path(path_type=Path), required=False)
@click.option("--example", is_flag=True, help="Serve a built-in example project, a small shop.")
@click.option(
    "--port",
    type=click.IntRange(0, 65535),
    default=8765,
    show_default=True,
    help="Port to listen on; 0 selects a free port.",
)
@click.option(
    "--host",
    default="127.0.0.1",
    show_default=True,
    help="Address to listen on. The default is reachable only from this machine.",
)
@click.option(
    "--db",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="SQLite file for events and exposures. Without it, they are discarded at exit.",
)
@click.option(
    "--watch/--no-watch",
    default=True,
    show_default=True,
    help="Reload the project whenever its file changes.",
)
@click.option("--verbose", is_flag=True, help="Print a line for each request.")
@click.option(
    "--print-specs",
    is_flag=True,
    help="Print the project's config specs in the form that Statsig's SDKs download, and exit.",
)
@click.option(
    "--print-schema", is_flag=True, help="Print the JSON Schema of project files, and exit."
)
def serve(**given: Unpack[ServeOptions]) -> int:
    """Run a local Statsig server, without an account or network.

    PROJECT is a project file (.yaml), or config specs downloaded from a real project (.json).
    """
    require_extra("serve", "local", "cli.local_server")
    from . import local_server

    if given["print_schema"]:
        local_server.print_schema()
        return ExitCode.OK
    project = given["project"]
    if given["example"] == (project is not None):
        raise click.UsageError("expected either PROJECT or --example")
    if given["print_specs"]:
        local_server.print_specs(project)
    else:
        local_server.serve(
            project,
            host=given["host"],
            port=given["port"],
            db=given["db"],
            watch=given["watch"],
            log_requests=given["verbose"],
        )
    return ExitCode.OK
