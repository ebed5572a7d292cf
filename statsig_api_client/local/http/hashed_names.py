"""Names of entities that client SDKs know only by hash."""

import base64
import hashlib
from collections.abc import Mapping

from ..config_specs.document import ConfigSpecs


class HashedNames:
    """The names of a project's entities by hash, computed once per version of the project."""

    def __init__(self) -> None:
        self._specs: ConfigSpecs | None = None
        self._names: dict[str, str] = {}

    def of(self, specs: ConfigSpecs) -> Mapping[str, str]:
        """Return the names of config specs by hash."""
        if self._specs is not specs:
            names = (
                *specs.gate_specs,
                *specs.configs,
                *specs.experiments,
                *specs.layers,
            )
            self._names = {hash_(name): name for name in names for hash_ in (_djb2, _sha256)}
            self._specs = specs
        return self._names


def _djb2(name: str) -> str:
    # As in JavaScript, where a string consists of UTF-16 code units.
    units = name.encode("utf-16-le")
    value = 0
    for low, high in zip(units[::2], units[1::2], strict=True):
        value = (31 * value + low + 256 * high) & 0xFFFFFFFF
    return str(value)


def _sha256(name: str) -> str:
    return base64.b64encode(hashlib.sha256(name.encode()).digest()).decode()
