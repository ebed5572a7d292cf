"""statsig-js, unmodified, in a page of another origin; in a browser it encodes what it sends."""

from pathlib import Path
from typing import Final

from playwright.sync_api import Page

from statsig_api_client.local import LocalServer

from .pages import foreign_page

SDK: Final = Path(__file__).parent / "node_modules/statsig-js/build/statsig-prod-web-sdk.js"
PROGRAM: Final = """
async ([key, url, user]) => {
    await statsig.initialize(key, user, {api: url, eventLoggingApi: url});
    const found = {
        gate: statsig.checkGate("staff_tools"),
        headline: statsig.getConfig("homepage").get("headline", null),
        reason: statsig.getEvaluationDetails().reason,
    };
    statsig.logEvent("purchase", 9.99, {sku: "A1"});
    statsig.shutdown();
    return found;
}
"""


def test_statsig_js_initializes_and_logs(page: Page, server: LocalServer) -> None:
    user = {"userID": "42", "email": "zoë@example.com", "country": "NO"}
    with foreign_page() as address:
        page.goto(address)
        page.add_script_tag(path=SDK)
        with (
            page.expect_request("**/initialize") as initialize,
            page.expect_response("**/rgstr") as logged,
        ):
            found = page.evaluate(PROGRAM, [server.client_key, server.url, user])
    assert found == {"reason": "Network", "gate": True, "headline": "Welcome, colleague!"}
    assert initialize.value.headers["statsig-encoded"] == "1"
    assert logged.value.ok
    assert "purchase" in [event.event_name for event in server.events()]
