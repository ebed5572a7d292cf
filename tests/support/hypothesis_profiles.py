"""How hard hypothesis tries: `HYPOTHESIS_PROFILE=thorough` before a release, `ci` if CI is set."""

import os

from hypothesis import HealthCheck, Phase, settings

settings.register_profile(
    "default",
    # Every law is tried on every model, which is thirteen times that.
    max_examples=20,
    # A loaded machine is no reason to fail, and the first example of a test builds its strategies.
    deadline=None,
    # One server serves all examples of a test, and so do other fixtures.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
    # To explain a failure takes longer than to find and shrink it, and tells little of deep data.
    phases=set(Phase) - {Phase.explain},
)
settings.register_profile(
    "ci", settings.get_profile("default"), derandomize=True, database=None, print_blob=True
)
settings.register_profile("thorough", settings.get_profile("default"), max_examples=1000)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "default")
)
