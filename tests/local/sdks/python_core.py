"""Evaluations by Statsig's core for Python (statsig-python-core)."""

from results import print_results, read_input
from statsig_python_core import Statsig, StatsigOptions, StatsigUser

given = read_input()
options = StatsigOptions(
    specs_url=given["url"].removesuffix("/v1") + "/v2/download_config_specs",
    log_event_url=given["url"] + "/log_event",
    id_lists_url=given["url"] + "/get_id_lists",
    enable_id_lists=True,
    # Without these, conditions on country and browser are wrong until their tables are loaded.
    wait_for_country_lookup_init=True,
    wait_for_user_agent_init=True,
    environment=given["tier"],
)
statsig = Statsig(given["secretKey"], options)
statsig.initialize().wait()
print_results(given, statsig, StatsigUser, statsig.get_dynamic_config)
user = StatsigUser(user_id=given["users"][0]["userID"])
statsig.log_event(user, "purchase", 9.5, {"sku": "A1", "size": {"width": 4}, "none": None})
statsig.flush_events().wait()
statsig.shutdown().wait()
