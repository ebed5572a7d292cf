"""OpenFeature quickstart: the shop's flags and an event, without vendor-specific calls.

Reads STATSIG_API_KEY, and STATSIG_BASE_URL for another server.
"""

from openfeature import api
from openfeature.evaluation_context import EvaluationContext
from openfeature.track import TrackingEventDetails
from quickstart import show

from statsig_api_client.openfeature import StatsigProvider

ada = EvaluationContext("ada", {"email": "ada@example.com", "plan": "pro"})


def main() -> None:
    """Evaluate the shop for a user."""
    api.set_provider_and_wait(StatsigProvider())
    client = api.get_client()

    staff = client.get_boolean_details("staff_tools", default_value=False, evaluation_context=ada)
    show("staff_tools", staff.value, f"{staff.reason}, variant {staff.variant}")

    color = client.get_string_details("homepage:button_color", "blue", ada)
    show("homepage:button_color", color.value, f"{color.reason}, variant {color.variant}")

    shape = client.get_string_details("experiment:logo_test:shape", "circle", ada)
    show("experiment:logo_test:shape", shape.value, f"{shape.reason}, variant {shape.variant}")

    reviews = client.get_boolean_details(
        "layer:product_page:show_reviews", default_value=False, evaluation_context=ada
    )
    show("layer:product_page:show_reviews", reviews.value, f"{reviews.reason}")

    client.track("purchase", ada, TrackingEventDetails(9.99, {"sku": "A1"}))
    api.shutdown()


if __name__ == "__main__":
    main()
