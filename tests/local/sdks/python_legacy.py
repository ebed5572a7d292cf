"""Evaluations by Statsig's legacy SDK for Python (statsig)."""

from results import print_results, read_input
from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig

given = read_input()
statsig.initialize(given["secretKey"], StatsigOptions(api=given["url"], tier=given["tier"]))
print_results(given, statsig, StatsigUser, statsig.get_config)
user = StatsigUser(given["users"][0]["userID"])
metadata = {"sku": "A1", "size": {"width": 4}, "none": None}
statsig.log_event(StatsigEvent(user, "purchase", value=9.5, metadata=metadata))
statsig.shutdown()
