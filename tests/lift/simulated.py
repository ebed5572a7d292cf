"""A simulated experiment as records, for comparisons of engines."""

import random
from typing import Any

from statsig_api_client.lift import EventCount, Mean, Metric, Ratio, Sum, Users, Where
from tests.lift.records import DAY, HOUR, T0, event, exposure

METRICS: list[Metric] = [
    EventCount("purchase"),
    Sum("purchase"),
    Sum("purchase", "price", window=3),
    Users("view", where=[Where("page", "=", "it's \\ here")]),
    Mean("purchase"),
    Ratio(EventCount("purchase"), EventCount("view", where=Where("price", ">=", 5))),
]


def simulated_records(units: int, seed: int = 11) -> list[dict[str, Any]]:
    """Return exposures and events, some of which do not count."""
    chance = random.Random(seed)
    records: list[dict[str, Any]] = []
    for number in range(units):
        unit = f"unit-{number}"
        exposed = T0 + chance.randrange(5 * DAY)
        for _ in range(chance.choice((1, 1, 2))):
            rule = "Control" if number % 2 else "Square"
            records.append(exposure(unit, rule, exposed + chance.randrange(HOUR)))
        if chance.random() < 0.02:
            records.append(
                exposure(unit, "Control" if chance.random() < 0.5 else "Square", exposed)
            )
        if chance.random() < 0.02:
            records.append(exposure(unit, "Control:override", exposed - chance.randrange(-9, 9)))
        for _ in range(chance.randrange(5)):
            name = chance.choice(("purchase", "view", "search"))
            time = exposed + chance.randrange(-8 * DAY, 6 * DAY)
            value = chance.choice((None, chance.lognormvariate(2, 1), "12.5", "gold"))
            page = chance.choice(("it's \\ here", "home"))
            price = chance.choice(("7.25", "1e1", "-3", "free"))
            records.append(event(unit, name, time, value, page=page, price=price))
        if chance.random() < 0.05:
            records.append(event(f"stranger-{number}"))
    return records
