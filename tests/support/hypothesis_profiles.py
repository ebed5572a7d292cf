"""Hypothesis profiles: `HYPOTHESIS_PROFILE=thorough` before a release, `ci` if CI is set."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "default",
    # Every law runs for each of thirteen models.
    max_examples=20,
    # A loaded machine is slow, and the first example of a test builds its strategies.
    deadline=None,
    # Fixtures, such as servers, are shared by all examples of a test.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    # Explaining a failure takes longer than finding it, and helps little with nested data.
    phases=set(Phase) - {Phase.explain},
)
settings.register_profile(
    "ci", settings.get_profile("default"), derandomize=True, database=None, print_blob=True
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.register_profile("quick", settings.get_profile("ci"), max_examples=3)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)
