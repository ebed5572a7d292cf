"""Generated packages of flags, and their projects.

python -m tests.support.flag_packages DIRECTORY SOURCE...    write a package for each source
"""

import importlib
import itertools
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from statsig_api_client.flags.generation.definitions import Project
from statsig_api_client.flags.generation.output import write_files
from statsig_api_client.flags.generation.sources import read_source
from statsig_api_client.flags.generation.writer import Options, write_package
from tests.support.config_specs import REAL_PROJECTS

ROOT: Final = Path(__file__).parents[2]
EXAMPLE: Final = ROOT / "examples" / "project.yaml"
# The names an-experiment and an_experiment become the same Python name.
RENAMED: Final = Options(renames={"experiment.an_experiment": "an_experiment_2"})
SOURCES: Final = (
    EXAMPLE,
    REAL_PROJECTS / "demo_project_dcs.json",
    REAL_PROJECTS / "eval_project_dcs.json",
)
_numbers = itertools.count()


def files_of(project: Project | Path, options: Options = RENAMED) -> Mapping[str, str]:
    """Return the generated files of a project or of a source."""
    if isinstance(project, Path):
        project = read_source(str(project))
    return write_package(project, options).files


def contents(directory: Path) -> dict[str, str]:
    """Return the files of a directory."""
    return {path.name: path.read_text() for path in directory.iterdir() if path.is_file()}


def code_of(text: str) -> str:
    """Return a generated file without its header, which names the source."""
    return text.split("\n", 2)[2]


@contextmanager
def imported(files: Mapping[str, str], directory: Path) -> Iterator[Any]:
    """Write and import a package, with its modules as attributes."""
    name = f"generated_flags_{next(_numbers)}"
    write_files(directory / name, files)
    sys.path.insert(0, str(directory))
    try:
        importlib.invalidate_caches()
        yield importlib.import_module(name)
    finally:
        sys.path.remove(str(directory))
        for module in [m for m in sys.modules if m.partition(".")[0] == name]:
            del sys.modules[module]


def main() -> None:
    """Write a package for each source: the first argument is a directory, the others sources."""
    directory, *sources = map(Path, sys.argv[1:])
    for source in sources:
        write_files(directory / source.stem, files_of(source))


if __name__ == "__main__":
    main()
