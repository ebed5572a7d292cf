"""Cost of typed flags for 2,000 gates and 500 configs with 6 parameters each.

python benchmarks/flags.py    print the seconds of generation, import and type checks
"""

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from statsig_api_client.flags.generation.definitions import Config, Gate, Project
from statsig_api_client.flags.generation.output import write_files
from statsig_api_client.flags.generation.sources import merge_parameters
from statsig_api_client.flags.generation.writer import Options, write_package

GATES = 2000
CONFIGS = 500
RUNS = 5


def main() -> None:
    """Print each measurement on a line."""
    with tempfile.TemporaryDirectory() as name:
        directory = Path(name)
        started = time.perf_counter()
        write_files(directory / "shop_flags", write_package(project(), Options()).files)
        row("generation", time.perf_counter() - started)
        (directory / "use.py").write_text(uses())
        row("import", median(import_time(directory) for _ in range(RUNS)))
        row("mypy, cold", run(directory, "mypy", "--strict", "--no-incremental", "use.py"))
        row("pyright", run(directory, "pyright", "--pythonpath", sys.executable, "use.py"))


def project() -> Project:
    """Return a project with parameters of every type."""
    default = {"a": "x", "b": 1, "c": 0.5, "d": True, "e": ["x"], "f": "y"}
    return Project(
        source="a benchmark",
        gates=tuple(Gate(name=f"gate_{number:04}") for number in range(GATES)),
        configs=tuple(
            Config(name=f"config_{number:03}", parameters=merge_parameters(default, []))
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
        "import time, statsig_api_client.flags\nstarted = time.perf_counter()\n"
        "import shop_flags\nprint(time.perf_counter() - started)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=directory, capture_output=True, text=True, check=True
    )
    return float(done.stdout)


def run(directory: Path, tool: str, *arguments: str) -> float:
    """Return the seconds of a type checker that finds no error."""
    started = time.perf_counter()
    subprocess.run(
        [Path(sys.executable).with_name(tool), *arguments],
        cwd=directory,
        stdout=subprocess.DEVNULL,
        check=True,
    )
    return time.perf_counter() - started


def row(name: str, seconds: float) -> None:
    """Print one measurement."""
    print(f"{name:12} {seconds:7.3f} s")


if __name__ == "__main__":
    main()
