"""Output of results: a panel on a terminal, one line of JSON elsewhere."""

import json
import sys
from collections.abc import Iterable, Mapping, Sequence

import click

from .._runtime.parsers import JsonValue
from ..generated import DynamicConfig, Experiment, FeatureGate, Layer


def print_result(
    result: FeatureGate | DynamicConfig | Experiment | Layer, *, as_json: bool
) -> None:
    """Print an evaluation."""
    if as_json or not sys.stdout.isatty():
        print_json(result.to_dict())
    elif isinstance(result, FeatureGate):
        _print_panel(
            f"gate {result.name}",
            {
                "value": "passes" if result else "does not pass",
                "rule": result.rule_id,
                "group": result.group_name,
            },
            color="green" if result else "red",
        )
    else:
        _print_panel(_title(result), _facts(result), parameters=result.value)


def print_json(value: Mapping[str, JsonValue]) -> None:
    """Print one line of JSON."""
    click.echo(json.dumps(value, ensure_ascii=False, separators=(",", ":")))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal."""
    # Importing rich takes longer than a call, and pipes do not need it.
    from rich import box
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    colors = {"pass": "green", "fail": "red"}
    for row in rows:
        table.add_row(*(Text(cell, style=colors.get(cell, "")) for cell in row))
    Console(file=sys.stdout).print(table)


def _title(result: DynamicConfig | Experiment | Layer) -> str:
    kind = {DynamicConfig: "config", Experiment: "experiment", Layer: "layer"}[type(result)]
    return f"{kind} {result.name}"


def _facts(result: DynamicConfig | Experiment | Layer) -> dict[str, str | None]:
    if isinstance(result, Layer):
        return {"rule": result.rule_id, "experiment": result.allocated_experiment_name}
    return {"rule": result.rule_id, "group": result.group_name}


def _print_panel(
    title: str,
    facts: Mapping[str, str | None],
    *,
    parameters: Mapping[str, JsonValue] | None = None,
    color: str = "cyan",
) -> None:
    # Importing rich takes longer than a call, and pipes do not need it.
    from rich.console import Console, Group, RenderableType
    from rich.panel import Panel
    from rich.pretty import Pretty
    from rich.table import Table
    from rich.text import Text

    table = Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        if fact:
            table.add_row(Text(name, style="dim"), Text(fact, style="bold"))
    for name, value in (parameters or {}).items():
        table.add_row(Text(name, style="cyan"), Pretty(value))
    content: RenderableType = table
    if parameters == {}:
        content = Group(table, Text("no parameters", style="dim"))
    panel = Panel(content, title=Text(title), title_align="left", border_style=color, expand=False)
    Console(file=sys.stdout).print(panel)
