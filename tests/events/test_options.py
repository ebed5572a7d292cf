"""Options of event loggers: names, defaults and their documentation."""

import ast
import inspect

import attrs

from statsig_api_client.events.options import CheckedOptions, EventLoggerOptions


def docstrings(options: type) -> dict[str, str]:
    """Return the docstrings of the fields of a TypedDict."""
    (tree,) = ast.parse(inspect.getsource(options)).body
    assert isinstance(tree, ast.ClassDef)
    found: dict[str, str] = {}
    for field, text in zip(tree.body, tree.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(text, ast.Expr):
            found[ast.unparse(field.target)] = " ".join(ast.literal_eval(text.value).split())
    return found


def written(default: object) -> str:
    """Return a default as documentation writes it."""
    if isinstance(default, str):
        return f"`{default}`"
    if isinstance(default, bool) or default is None or not isinstance(default, int | float):
        return "None" if default is None or not default else str(default)
    if default % 2**20 == 0 and default:
        return f"{default // 2**20:g} MiB"
    return f"{default:,g}" if isinstance(default, float) else f"{default:,}"


def test_names_of_documented_options_are_checked() -> None:
    checked = [field.name for field in attrs.fields(CheckedOptions)]
    assert list(EventLoggerOptions.__annotations__) == checked


def test_documented_defaults_apply() -> None:
    defaults = CheckedOptions()
    for name, text in docstrings(EventLoggerOptions).items():
        default = getattr(defaults, name)
        expected = str(default) if isinstance(default, bool) else written(default)
        assert f"Default {expected}" in text, name
