"""Typed quickstart: the flags of project.yaml as typed Python.

`shop_flags` is generated:

    statsig-api flags generate project.yaml -o shop_flags

Reads STATSIG_API_KEY, and STATSIG_BASE_URL for another server.
"""

from quickstart import show
from shop_flags import configs, experiments, gates, layers

from statsig_api_client import Statsig, StatsigUser
from statsig_api_client.flags import details

ada = StatsigUser(user_id="ada", email="ada@example.com", custom={"plan": "pro"})


def main() -> None:
    """Evaluate the shop for a user."""
    with Statsig() as statsig:
        passed = gates.check_all(statsig, ada)
        show("gates.staff_tools", passed[gates.staff_tools].value)
        show("gates.new_checkout", passed[gates.new_checkout].value)

        home = configs.homepage.get(statsig, ada)
        show("configs.homepage: button_color", home.button_color, f"by {details(home).rule_id}")
        show("configs.homepage: products_shown", home.products_shown)

        logo = experiments.logo_test.get(statsig, ada)
        show("experiments.logo_test: shape", logo.parameters.shape, f"in group {logo.group_name}")

        page = layers.product_page.get(statsig, ada)
        show("layers.product_page: show_reviews", page.show_reviews)


if __name__ == "__main__":
    main()
