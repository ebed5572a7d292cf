"""The extra `spark`."""

import importlib
import sys

import pytest


@pytest.mark.parametrize("missing", ["pyspark", "pyarrow"])
def test_missing_extra_raises_with_install_command(
    missing: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    package = "statsig_api_client.spark"
    for name in [name for name in sys.modules if name.startswith(package)]:
        monkeypatch.delitem(sys.modules, name)
    for name in [name for name in sys.modules if name.partition(".")[0] == missing]:
        monkeypatch.setitem(sys.modules, name, None)
    with pytest.raises(ImportError, match=r": pip install 'statsig-api-client\[spark\]'"):
        importlib.import_module(package)
