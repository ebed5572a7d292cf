"""Asynchronous quickstart: all evaluations of a page at once.

Reads STATSIG_API_KEY, and STATSIG_BASE_URL for another server.
"""

import asyncio

from quickstart import show

from statsig_api_client import AsyncStatsig, StatsigEvent, StatsigUser

cleo = StatsigUser(user_id="cleo", custom={"plan": "free"}, custom_ids={"companyID": "acme"})


async def main() -> None:
    """Evaluate the shop for one user."""
    async with AsyncStatsig() as statsig:
        checkout, homepage, logo, page = await asyncio.gather(
            statsig.check_gate(cleo, "new_checkout"),
            statsig.get_config(cleo, "homepage"),
            statsig.get_experiment(cleo, "logo_test"),
            statsig.get_layer(cleo, "product_page"),
        )
        print(f"\n  {cleo.user_id}")
        show('check_gate("new_checkout")', checkout.value, f"by rule {checkout.rule_id}")
        show('get_config("homepage").get("headline", "")', homepage.get("headline", ""))
        shape = logo.get("shape", "circle")
        show('get_experiment("logo_test").get("shape", "")', shape, f"in group {logo.group_name}")
        show('get_layer("product_page").get("price_format", "")', page.get("price_format", ""))

        result = await statsig.log_events(
            [
                StatsigEvent(event_name="page_view", user=cleo, value="product"),
                StatsigEvent(event_name="add_to_cart", user=cleo, metadata={"sku": "A1"}),
            ]
        )
        show("log_events([page_view, add_to_cart])", result.success)


if __name__ == "__main__":
    asyncio.run(main())
