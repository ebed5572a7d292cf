"""Blocking quickstart: gates, a config, an experiment, a layer and an event.

Reads STATSIG_API_KEY, and STATSIG_BASE_URL for another server.
"""

from statsig_api_client import Statsig, StatsigUser

ada = StatsigUser(user_id="ada", email="ada@example.com", custom={"plan": "pro"})
bob = StatsigUser(user_id="bob", email="bob@example.org", country="NO", custom={"plan": "pro"})


def main() -> None:
    """Evaluate the shop for two users."""
    with Statsig() as statsig:
        for user in (ada, bob):
            print(f"\n  {user.user_id}")

            staff = statsig.check_gate(user, "staff_tools")
            if staff:
                show('check_gate("staff_tools")', staff.value, f"by rule {staff.rule_id}")

            gates = statsig.check_gates(user, ["staff_tools", "new_checkout"])
            for name, gate in gates.items():
                show(f'check_gates(...)["{name}"]', gate.value, f"by rule {gate.rule_id}")

            homepage = statsig.get_config(user, "homepage")
            why = f"by rule {homepage.rule_id}"
            show(
                'get_config("homepage").get("button_color", "")',
                homepage.get("button_color", ""),
                why,
            )
            show(
                'get_config("homepage").get("products_shown", 0)',
                homepage.get("products_shown", 0),
                why,
            )

            logo = statsig.get_experiment(user, "logo_test")
            shape = logo.get("shape", "circle")
            show(
                'get_experiment("logo_test").get("shape", "")', shape, f"in group {logo.group_name}"
            )

            page = statsig.get_layer(user, "product_page")
            reviews = page.get("show_reviews", False)
            why = f"in experiment {page.allocated_experiment_name}"
            show('get_layer("product_page").get("show_reviews", False)', reviews, why)

            result = statsig.log_event(user, "purchase", value=9.99, metadata={"sku": "A1"})
            show('log_event("purchase", value=9.99)', result.success)


def show(call: str, result: object, why: str = "") -> None:
    """Print a call and its typed result."""
    print(f"    {call:52} {type(result).__name__:5} {result!r:12} {why}".rstrip())


if __name__ == "__main__":
    main()
