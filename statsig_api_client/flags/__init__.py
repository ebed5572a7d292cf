"""Typed flags: a project's gates, configs, experiments and layers as Python objects.

`statsig-api flags generate` writes a package of constants from a project, and type checkers then
report a misspelt gate or parameter and a wrong type:

    from shop.flags import configs, gates

    if gates.new_checkout.check(statsig, user):
        ...
    configs.homepage.get(statsig, user).button_color  # str

The classes in this package implement these constants. Each constant is a `str`, accepted wherever a
name is.
"""

from .keys import Config, Experiment, ExperimentResult, Gate, GateGroup, Layer
from .parameters import Details, Parameters, details

__all__ = [
    "Config",
    "Details",
    "Experiment",
    "ExperimentResult",
    "Gate",
    "GateGroup",
    "Layer",
    "Parameters",
    "details",
]
