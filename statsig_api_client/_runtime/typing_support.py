"""Types in the form that pydantic requires, at no cost for programs without it.

Before Python 3.12, pydantic requires `TypedDict` and recursive aliases of typing_extensions, one of
its dependencies. Importing that takes a quarter of the time of importing this package.
"""

import sys
import typing
from importlib.util import find_spec

if typing.TYPE_CHECKING:
    from typing import TypedDict
else:
    _source = typing
    if sys.version_info < (3, 12) and find_spec("pydantic"):  # pragma: no branch
        import typing_extensions as _source

    TypedDict = _source.TypedDict
    # Without it, an alias is a string that contains its own name.
    recursive_alias = getattr(_source, "TypeAliasType", lambda _, value: value)

__all__ = ["TypedDict"]
