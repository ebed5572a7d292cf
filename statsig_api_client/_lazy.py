"""Public names that are imported on first use (PEP 562)."""

import importlib
import sys
from collections.abc import Callable, Mapping

from ._fork import hold_forks


def lazy_names(
    package: str, modules: Mapping[str, tuple[str, ...]]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return the functions `__getattr__` and `__dir__` of a package.

    Args:
        package: The name of the package.
        modules: The names that each of its modules defines.
    """
    sources = {name: module for module, names in modules.items() for name in names}

    def get(name: str) -> object:
        module = sources.get(name)
        if module is None:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        with hold_forks():
            value: object = getattr(importlib.import_module(module, package), name)
        setattr(sys.modules[package], name, value)
        return value

    def names() -> list[str]:
        return sorted({*vars(sys.modules[package]), *sources})

    return get, names
