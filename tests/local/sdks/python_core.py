"""Evaluations by Statsig's core for Python (statsig-python-core)."""

from answers import answer, question
from statsig_python_core import Statsig, StatsigOptions, StatsigUser

ask = question()
options = StatsigOptions(
    specs_url=ask["url"].removesuffix("/v1") + "/v2/download_config_specs",
    log_event_url=ask["url"] + "/log_event",
    id_lists_url=ask["url"] + "/get_id_lists",
    enable_id_lists=True,
    # Without these, conditions on country and browser are wrong until their tables are loaded.
    wait_for_country_lookup_init=True,
    wait_for_user_agent_init=True,
    environment=ask["tier"],
)
statsig = Statsig(ask["secretKey"], options)
statsig.initialize().wait()
answer(ask, statsig, StatsigUser, statsig.get_dynamic_config)
user = StatsigUser(user_id=ask["users"][0]["userID"])
statsig.log_event(user, "purchase", 9.5, {"sku": "A1", "size": {"width": 4}, "none": None})
statsig.flush_events().wait()
statsig.shutdown().wait()
