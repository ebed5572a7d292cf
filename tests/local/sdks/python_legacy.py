"""Evaluations by Statsig's legacy SDK for Python (statsig)."""

from answers import answer, question
from statsig import StatsigEvent, StatsigOptions, StatsigUser, statsig

ask = question()
statsig.initialize(ask["secretKey"], StatsigOptions(api=ask["url"], tier=ask["tier"]))
answer(ask, statsig, StatsigUser, statsig.get_config)
user = StatsigUser(ask["users"][0]["userID"])
metadata = {"sku": "A1", "size": {"width": 4}, "none": None}
statsig.log_event(StatsigEvent(user, "purchase", value=9.5, metadata=metadata))
statsig.shutdown()
