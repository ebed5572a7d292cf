"""Cost of typed flags: of a call, and of 2,000 gates and 500 configs with 6 parameters each.

python benchmarks/flags.py    print each cost next to its limit, within a minute

All values are CPU time in user mode, which depends little on other load of the machine.
"""

import gc
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Literal

from statsig_api_client import DynamicConfig, Statsig, StatsigUser
from statsig_api_client._request import PreparedRequest
from statsig_api_client._transports.base import Headers, TransportResponse
from statsig_api_client.flags import Config, Experiment, Gate, Layer, Parameters
from statsig_api_client.flags.generation.definitions import Config as ConfigDefinition
from statsig_api_client.flags.generation.definitions import Gate as GateDefinition
from statsig_api_client.flags.generation.definitions import Project
from statsig_api_client.flags.generation.output import write_files
from statsig_api_client.flags.generation.sources import merge_parameters
from statsig_api_client.flags.generation.writer import Options, write_package

GATES = 2000
CONFIGS = 500
RUNS = 5
ROUNDS = 100
CALLS = 200
DEFAULTS = {"a": "x", "b": 1, "c": 0.5, "d": True, "e": ["x"], "f": "y"}
VALUES = {"a": "z", "b": 2, "c": 0.25, "d": False, "e": ["y", "z"], "f": "w"}


class Page(Parameters):
    """Parameters of every type."""

    a: str = "x"
    b: int = 1
    c: float = 0.5
    d: bool = True
    e: Sequence[str] = ["x"]
    f: str = "y"


def main() -> None:
    """Print each measurement on a line."""
    print(f"{'measurement':60} {'limit':>10} {'value':>10}")
    for name, (plain, typed) in call_costs().items():
        row(f"{name}: above {plain:.1f} µs of the plain call", 2.0, typed - plain, "µs")
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        row("generation", 2.0, generation(directory), "s")
        (directory / "use.py").write_text(uses())
        row("import", 100.0, median(import_time(directory) for _ in range(RUNS)) * 1e3, "ms")
        mypy = ("mypy", "--strict", "--no-incremental", "use.py")
        row("mypy, cold", 2.0, tool_time(directory, *mypy), "s")
        pyright = ("pyright", "--pythonpath", sys.executable, "use.py")
        row("pyright", 4.0, tool_time(directory, *pyright), "s")


class AtOnce:
    """Transport that responds at once."""

    def send(self, request: PreparedRequest) -> TransportResponse:
        """Return a gate, or the parameters of anything else."""
        value = True if request.url.endswith("check_gate") else VALUES
        body = {"name": "name", "value": value, "rule_id": "5kTz", "group_name": "Test"}
        return TransportResponse(200, Headers(dict[str, str]().items), json.dumps(body).encode())


def call_costs() -> Mapping[str, tuple[float, float]]:
    """Return the microseconds of a plain and of a typed call, by kind."""
    statsig = Statsig("secret-benchmark")
    statsig._transport = AtOnce()  # noqa: SLF001  (the only way to replace the transport)
    user = StatsigUser(user_id="42", email="ada@example.com", custom={"plan": "pro"})
    gate: Gate = Gate("name")
    config: Config[Page] = Config("name", Page)
    groups: tuple[Literal["Control"], Literal["Test"]] = ("Control", "Test")
    experiment: Experiment[Page, Literal["Control", "Test"]] = Experiment("name", Page, groups)
    layer: Layer[Page] = Layer("name", Page)
    pairs: dict[str, tuple[Callable[[], object], Callable[[], object]]] = {
        "gate": (
            lambda: statsig.check_gate(user, "name"),
            lambda: gate.check(statsig, user),
        ),
        "config, 6 parameters": (
            lambda: statsig.get_config(user, "name"),
            lambda: config.get(statsig, user),
        ),
        "experiment, 6 parameters": (
            lambda: statsig.get_experiment(user, "name"),
            lambda: experiment.get(statsig, user),
        ),
        "layer, 6 parameters": (
            lambda: statsig.get_layer(user, "name"),
            lambda: layer.get(statsig, user),
        ),
        "config, 6 parameters, and reading them": (
            lambda: read_plain(statsig.get_config(user, "name")),
            lambda: read(config.get(statsig, user)),
        ),
    }
    gc.disable()
    found = {name: paired_costs(plain, typed) for name, (plain, typed) in pairs.items()}
    gc.enable()
    return found


def read(page: Page) -> tuple[object, ...]:
    """Read the typed parameters."""
    return page.a, page.b, page.c, page.d, page.e, page.f


def read_plain(config: DynamicConfig) -> tuple[object, ...]:
    """Read the same parameters with their defaults."""
    return (
        *(config.get("a", "x"), config.get("b", 1), config.get("c", 0.5)),
        *(config.get("d", True), config.get("e", ["x"]), config.get("f", "y")),
    )


def paired_costs(plain: Callable[[], object], typed: Callable[[], object]) -> tuple[float, float]:
    """Return the microseconds of both calls, each of its least disturbed round."""
    costs: dict[Callable[[], object], list[float]] = {plain: [], typed: []}
    for number in range(ROUNDS):
        for call in (plain, typed) if number % 2 else (typed, plain):
            costs[call].append(microseconds(call))
    return min(costs[plain]), min(costs[typed])


def microseconds(call: Callable[[], object]) -> float:
    """Return the CPU time of a call."""
    started = time.process_time_ns()
    for _ in range(CALLS):
        call()
    return (time.process_time_ns() - started) / CALLS / 1e3


def generation(directory: Path) -> float:
    """Return the seconds of writing the package."""
    started = time.process_time()
    write_files(directory / "shop_flags", write_package(project(), Options()).files)
    return time.process_time() - started


def project() -> Project:
    """Return a project with parameters of every type."""
    return Project(
        source="a benchmark",
        gates=tuple(GateDefinition(name=f"gate_{number:04}") for number in range(GATES)),
        configs=tuple(
            ConfigDefinition(name=f"config_{number:03}", parameters=merge_parameters(DEFAULTS, []))
            for number in range(CONFIGS)
        ),
    )


def uses() -> str:
    """Return a program with 500 functions that each use a gate and a config."""
    head = (
        "from shop_flags import configs, gates\n"
        "from statsig_api_client import Statsig, StatsigUser\n"
    )
    return head + "".join(
        f"\n\ndef use_{number}(statsig: Statsig, user: StatsigUser) -> str:\n"
        f"    if gates.gate_{number * 4:04}.check(statsig, user):\n"
        f"        return configs.config_{number:03}.get(statsig, user).a\n"
        '    return ""\n'
        for number in range(CONFIGS)
    )


def import_time(directory: Path) -> float:
    """Return the seconds that the generated modules add to the import of the client."""
    program = (
        "import time, statsig_api_client.flags\nstarted = time.process_time()\n"
        "import shop_flags\nprint(time.process_time() - started)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def tool_time(directory: Path, tool: str, *arguments: str) -> float:
    """Return the seconds of a type checker that finds no error, the least of some runs."""
    times: list[float] = []
    for _ in range(RUNS - 2):
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        subprocess.run(
            [Path(sys.executable).with_name(tool), *arguments],
            cwd=directory,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        times.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
    return min(times)


def row(name: str, limit: float, value: float, unit: str) -> None:
    """Print one measurement."""
    missed = "  missed" if value > limit else ""
    print(f"{name:60} {limit:7.1f} {unit:2} {value:7.2f} {unit:2}{missed}", flush=True)


if __name__ == "__main__":
    main()
