"""Fixtures of imports."""

from collections.abc import Iterator

import pytest

from statsig_api_client import Statsig
from tests.support.clients import KEY
from tests.support.collector import Collector, collecting


@pytest.fixture
def collector() -> Iterator[Collector]:
    with collecting() as running:
        yield running


@pytest.fixture
def statsig(collector: Collector) -> Iterator[Statsig]:
    with Statsig(KEY, base_url=collector.url) as client:
        yield client
