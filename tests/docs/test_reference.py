"""The reference lists every public name."""

import importlib
import re
from importlib.util import find_spec

import pytest

from tests.docs.pages import ROOT

PACKAGES = {
    "statsig_api_client": ("client", "models", "errors"),
    "statsig_api_client.events": ("events",),
    "statsig_api_client.flags": ("flags",),
    "statsig_api_client.lift": ("lift",),
    "statsig_api_client.local": ("local",),
    "statsig_api_client.openfeature": ("openfeature",),
    "statsig_api_client.bulk": ("bulk",),
    "statsig_api_client.spark": ("spark",),
}


@pytest.mark.parametrize("package", PACKAGES)
def test_reference_lists_public_names(package: str) -> None:
    if package.endswith(".spark") and find_spec("pyspark") is None:
        pytest.skip("PySpark is not installed")
    documented = {
        name
        for page in PACKAGES[package]
        for name in re.findall(
            r"^\.\. auto\w+:: (\w+)$",
            (ROOT / "docs" / "reference" / f"{page}.md").read_text(encoding="utf-8"),
            flags=re.MULTILINE,
        )
    }
    public = set(importlib.import_module(package).__all__) - {"__version__"}
    assert documented == public
