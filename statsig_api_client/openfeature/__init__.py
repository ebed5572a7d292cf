"""Statsig as an OpenFeature provider.

    from openfeature import api
    from statsig_api_client.openfeature import StatsigProvider

    api.set_provider_and_wait(StatsigProvider())
    client = api.get_client()
    client.get_boolean_value("new_checkout", False, EvaluationContext("42"))

See `docs/openfeature.md`. It needs the extra `openfeature`.
"""

try:
    from .provider import StatsigProvider
except ModuleNotFoundError as _missing:
    raise ModuleNotFoundError(
        f"the OpenFeature provider needs {_missing.name}: "
        "pip install 'statsig-api-client[openfeature]'",
        name=_missing.name,
    ) from None

__all__ = ["StatsigProvider"]
