"""Accessibility of each view, by axe-core, in both color schemes."""

from pathlib import Path
from typing import Any, Final

import pytest
from playwright.sync_api import expect

from .console import VIEWS, Console

AXE: Final = Path(__file__).parent / "node_modules" / "axe-core" / "axe.min.js"


def violations(console: Console) -> list[str]:
    console.page.evaluate(AXE.read_text(encoding="utf-8"))
    result: dict[str, Any] = console.page.evaluate("axe.run()")
    return [
        f"{violation['id']}: {node['html'][:200]}"
        for violation in result["violations"]
        for node in violation["nodes"]
    ]


def fill(console: Console) -> None:
    console.server.override_gate("new_checkout", value=True, user_id="42")
    console.server.override_experiment("add_to_cart_test", group="Green")
    console.server.fail_next(call="get_layer", status=429, retry_after=1)
    with console.client() as statsig:
        statsig.check_gates({"userID": "42"}, ["new_checkout", "staff_tools", "staf_tools"])
        statsig.get_experiment({"userID": "42"}, "add_to_cart_test")
        statsig.log_event({"userID": "42"}, "purchase", 9.99)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_view_has_no_violations(console: Console, view: str, scheme: str) -> None:
    fill(console)
    console.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    console.open(view)
    expect(console.page.get_by_text("Programs requested names")).to_be_visible()
    if view == "who":
        console.page.get_by_role("button", name="Compare with another user").click()
        console.page.get_by_role("button", name="JSON").last.click()
        console.page.get_by_role("textbox", name="Second user as JSON").fill(
            '{"email": "a@example.com"}'
        )
        expect(console.page.get_by_text("of 8 differ")).not_to_contain_text("0 of")
        console.page.locator(".why summary").first.click()
    if view == "live":
        console.page.locator(".live summary").first.click()
    assert violations(console) == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_keys_and_reset_have_no_violations(console: Console, scheme: str) -> None:
    console.page.emulate_media(color_scheme="light" if scheme == "light" else "dark")
    console.open("entities")
    console.page.get_by_role("button", name="Keys").click()
    console.page.get_by_label("Secret key").wait_for()
    assert violations(console) == []
    console.page.get_by_role("button", name="Reset").click()
    assert violations(console) == []
