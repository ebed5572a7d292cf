"""What bulk imports need besides the client."""

import importlib
import sys

import pytest


def test_without_the_extra_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    package = "statsig_api_client.bulk"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "orjson", None)
    with pytest.raises(ImportError, match=r"orjson: pip install 'statsig-api-client\[bulk\]'"):
        importlib.import_module(package)
