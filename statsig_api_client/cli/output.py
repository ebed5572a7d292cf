"""Output of commands, escaped.

Names, rules, values, file names and error responses may contain control characters, which a
terminal would interpret, or lone surrogates, which cannot be encoded.
"""

import json
import os
import re
import sys
import warnings
from collections.abc import Generator, Iterable, Mapping, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING, Final, TextIO, cast

import click

from .._errors import EventWarning, StatsigUserWarning
from .._runtime.parsers import JsonInput, JsonValue
from ..generated import DynamicConfig, Experiment, FeatureGate, Layer, RankedVariant

if TYPE_CHECKING:
    from rich.console import Console

Evaluation = FeatureGate | DynamicConfig | Experiment | Layer | RankedVariant

_UNSAFE: Final = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
)
"""Control characters except tabs and line breaks, bidirectional marks, and lone surrogates."""


def escape(text: str) -> str:
    """Return text without effects on a terminal, escaped as in JSON."""
    return _UNSAFE.sub(_escaped, text)


def _escaped(found: re.Match[str]) -> str:
    units = found[0].encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[at : at + 2].hex()}" for at in range(0, len(units), 2))


class EscapedStream:
    """A standard stream that escapes its text.

    Args:
        stream: The stream; None if the parent process has closed it.
        is_essential: Whether errors are raised. A broken pipe is never an error: it does not affect
            the result of a command.
    """

    def __init__(self, stream: TextIO | None, *, is_essential: bool) -> None:
        self.stream = stream
        self.encoding: str = getattr(stream, "encoding", None) or "utf-8"
        self.errors: str = "strict"
        self._ignored = BrokenPipeError if is_essential else OSError
        self._unencodable = None if "utf" in self.encoding.lower() else re.compile(r"[^\x00-\x7f]")

    def write(self, text: str) -> int:
        """Write text, escaped."""
        if not isinstance(cast("object", text), str):
            raise TypeError(f"expected a string, got {type(text).__name__}")
        escaped = escape(text)
        if self._unencodable is not None:
            escaped = self._unencodable.sub(self._escaped_if_necessary, escaped)
        with self._ignored_errors():
            if self.stream is not None:
                self.stream.write(escaped)
        return len(text)

    def flush(self) -> None:
        """Write buffered text."""
        with self._ignored_errors():
            if self.stream is not None:
                self.stream.flush()

    def isatty(self) -> bool:
        """Return whether the stream is a terminal."""
        return self.stream is not None and self.stream.isatty()

    def fileno(self) -> int:
        """Return the descriptor."""
        if self.stream is None:
            raise OSError("the stream is closed")
        return self.stream.fileno()

    def _escaped_if_necessary(self, found: re.Match[str]) -> str:
        try:
            found[0].encode(self.encoding)
        except UnicodeEncodeError:
            return _escaped(found)
        return found[0]

    @contextmanager
    def _ignored_errors(self) -> Generator[None]:
        try:
            yield
        except self._ignored:
            # Python flushes the stream once more at its exit.
            with suppress(OSError):
                descriptor = os.open(os.devnull, os.O_WRONLY)
                os.dup2(descriptor, self.fileno())
                os.close(descriptor)
            self.stream = None


@contextmanager
def escaped_streams() -> Generator[None]:
    """Escape everything that is written to standard output and standard error."""
    streams = sys.stdout, sys.stderr
    sys.stdout = cast("TextIO", EscapedStream(sys.stdout, is_essential=True))
    sys.stderr = cast("TextIO", EscapedStream(sys.stderr, is_essential=False))
    try:
        yield
    finally:
        sys.stdout, sys.stderr = streams


def make_console(stream: TextIO) -> "Console":
    """Return a rich console. It writes control sequences, so pass only escaped text."""
    # Importing rich takes longer than a call, and it is not used for pipes.
    from rich.console import Console

    inner = cast("object", stream)
    return Console(file=inner.stream if isinstance(inner, EscapedStream) else stream)


def print_error(message: str) -> None:
    """Print an error message with its prefix."""
    click.echo(f"error: {message}", err=True)


def print_warning(message: object) -> None:
    """Print a warning with its prefix."""
    click.echo(f"warning: {message}", err=True)


@contextmanager
def printed_warnings() -> Generator[None]:
    """Print warnings as messages, repeating those about users and events."""

    def show(message: Warning | str, *_: object, **__: object) -> None:
        print_warning(message)

    with warnings.catch_warnings():
        for category in (EventWarning, StatsigUserWarning):
            warnings.simplefilter("always", category)
        warnings.showwarning = show
        yield


def print_json(value: Mapping[str, JsonValue]) -> None:
    """Print one line of JSON."""
    click.echo(to_json(value))


def to_json(value: JsonInput) -> str:
    """Serialize a value as one line of JSON."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table on a terminal."""
    # Importing rich takes longer than a call, and it is not used for pipes.
    from rich import box
    from rich.table import Table
    from rich.text import Text

    table = Table(*columns, box=box.SIMPLE_HEAD, header_style="dim", pad_edge=False)
    colors = {"pass": "green", "fail": "red"}
    for row in rows:
        table.add_row(*(Text(escape(cell), style=colors.get(cell, "")) for cell in row))
    make_console(sys.stdout).print(table)


def print_result(result: Evaluation, *, as_json: bool) -> None:
    """Print an evaluation."""
    if as_json or not sys.stdout.isatty():
        print_json(result.to_dict())
    elif isinstance(result, FeatureGate):
        value = "passes" if result else "does not pass"
        facts = {"value": value, "rule": result.rule_id, "group": result.group_name}
        _print_panel(f"gate {result.name}", facts, color="green" if result else "red")
    else:
        kind, facts = _facts(result)
        _print_panel(f"{kind} {result.name}", facts, parameters=result.value)


def _facts(
    result: DynamicConfig | Experiment | Layer | RankedVariant,
) -> tuple[str, dict[str, str | None]]:
    if isinstance(result, Layer):
        experiment = result.allocated_experiment_name
        return "layer", {"rule": result.rule_id, "experiment": experiment}
    if isinstance(result, RankedVariant):
        return "variant", {"rule": result.rule_id, "score": f"{result.score:g}"}
    kind = "experiment" if isinstance(result, Experiment) else "config"
    return kind, {"rule": result.rule_id, "group": result.group_name}


def _print_panel(
    title: str,
    facts: Mapping[str, str | None],
    *,
    parameters: Mapping[str, JsonValue] | None = None,
    color: str = "cyan",
) -> None:
    from rich.console import Group, RenderableType
    from rich.panel import Panel
    from rich.table import Table
    from rich.text import Text

    def text(content: str, style: str) -> Text:
        return Text(escape(content).replace("\n", r"\n"), style=style)

    metadata, values = Table.grid(padding=(0, 2)), Table.grid(padding=(0, 2))
    for name, fact in facts.items():
        if fact:
            metadata.add_row(text(name, "dim"), text(fact, "bold"))
    for name, value in (parameters or {}).items():
        values.add_row(text(name, "cyan"), text(to_json(value), ""))
    content: list[RenderableType] = [metadata]
    if parameters is not None:
        # A parameter may have the name of a fact.
        content.append(Text("parameters:" if parameters else "no parameters", style="dim"))
        content.append(values)
    panel = Panel(
        Group(*content),
        title=text(title, ""),
        title_align="left",
        border_style=color,
        expand=False,
    )
    make_console(sys.stdout).print(panel)
