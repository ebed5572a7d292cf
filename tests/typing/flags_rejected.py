"""Misuses of generated flags, each of which type checkers must report."""

from typing import Literal

from shop_flags import configs, experiments, gates, layers

from statsig_api_client import AsyncStatsig, Statsig, StatsigUser
from statsig_api_client.flags import Gate

user = StatsigUser(user_id="42")


def misuse(statsig: Statsig) -> None:
    gates.new_chekout.check(statsig, user)  # error
    configs.hompage.get(statsig, user)  # error
    experiments.logotest.get(statsig, user)  # error
    layers.page.get(statsig, user)  # error
    home = configs.homepage.get(statsig, user)
    home.buton_color  # error
    color: int = home.button_color  # error
    shown: str = home.products_shown  # error
    flag: bool = home.headline  # error
    sizes: list[int] = home.products_shown  # error
    page = layers.product_page.get(statsig, user)
    reviews: dict[str, str] = page.show_reviews  # error
    result = experiments.logo_test.get(statsig, user)
    group: Literal["Circle"] | None = result.group_name  # error
    result.parameters.colour  # error
    Gate.check(configs.homepage, statsig, user)  # error
    gates.new_checkout.get(statsig, user)  # error
    configs.homepage.check(statsig, user)  # error
    gates.new_checkout.check(user, statsig)  # error
    print(color, shown, flag, sizes, reviews, group)


async def misuse_async(statsig: Statsig, asynchronous: AsyncStatsig) -> None:
    await configs.homepage.get(statsig, user)  # error
    configs.homepage.get(asynchronous, user).headline  # error
    experiments.logo_test.get(asynchronous, user).group_name  # error
    gates.check_all(asynchronous, user)[gates.staff_tools]  # error
