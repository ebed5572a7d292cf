"""Correct uses of generated flags, with the types that checkers must infer."""

from typing import Literal, assert_type

from shop_flags import configs, experiments, gates, layers

from statsig_api_client import AsyncStatsig, FeatureGate, Statsig, StatsigError, StatsigUser
from statsig_api_client.flags import Config, Details, Gate, details

user = StatsigUser(user_id="42")


def use(statsig: Statsig) -> None:
    assert_type(gates.new_checkout, Gate)
    assert_type(gates.new_checkout.check(statsig, user), FeatureGate)
    assert_type(gates.new_checkout.check(statsig, {"userID": "42"}).value, bool)
    assert_type(gates.check_all(statsig, user)[gates.staff_tools], FeatureGate)
    assert_type(statsig.check_gate(user, gates.staff_tools), FeatureGate)
    assert_type(statsig.check_gates(user, [gates.staff_tools]), dict[str, FeatureGate])

    assert_type(configs.homepage, Config[configs.Homepage])
    home = configs.homepage.get(statsig, user)
    assert_type(home, configs.Homepage)
    assert_type(home.button_color, str)
    assert_type(home.products_shown, int)
    assert_type(details(home), Details)
    assert_type(details(home).error, StatsigError | None)

    result = experiments.logo_test.get(statsig, user)
    assert_type(result.group_name, Literal["Control", "Square"] | None)
    assert_type(result.parameters.shape, str)
    if result.group_name == "Square":
        assert_type(result.group_name, Literal["Square"])
    assert_type(layers.product_page.get(statsig, user).show_reviews, bool)


async def use_async(statsig: AsyncStatsig) -> None:
    assert_type(await gates.new_checkout.check(statsig, user), FeatureGate)
    assert_type(await gates.check_all(statsig, user), dict[str, FeatureGate])
    assert_type((await configs.homepage.get(statsig, user)).headline, str)
    group = (await experiments.logo_test.get(statsig, user)).group_name
    assert_type(group, Literal["Control", "Square"] | None)
    assert_type((await layers.product_page.get(statsig, user)).price_format, str)
