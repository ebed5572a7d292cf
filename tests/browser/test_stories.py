"""What people do in the console, from the page to a client of the server."""

import json
import re
from collections.abc import Callable
from pathlib import Path

import httpx
import pytest
from playwright.sync_api import expect

from statsig_api_client.local import LocalServer
from tests.support.config_specs import REAL_PROJECTS

from .console import VIEWS, Console

USER = {"userID": "42"}


def evaluate(console: Console, call: str, **body: object) -> object:
    headers = {"statsig-api-key": console.server.secret_key}
    url = f"{console.server.url}/{call}"
    return httpx.post(url, headers=headers, json=body).raise_for_status().json()["value"]


def override_for_user(console: Console, user_id: str) -> None:
    form = console.section("Overrides")
    form.get_by_label("pass").check()
    form.get_by_label("one unit").check()
    form.get_by_label("ID", exact=True).fill(user_id)
    form.get_by_role("button", name="Set override").click()


def test_search_finds_gate_by_three_letters(console: Console) -> None:
    console.open("entities")
    console.page.keyboard.press("/")
    console.page.keyboard.type("aff")
    rows = console.page.get_by_role("table").locator("tbody tr")
    expect(rows).to_have_count(2)
    expect(rows.first).to_contain_text("staff_tools")
    console.page.reload()
    expect(rows).to_have_count(2)
    rows.first.get_by_role("link").click()
    expect(console.page.get_by_role("heading", level=1)).to_have_text("staff_tools")


def test_override_for_user_reaches_client(console: Console) -> None:
    console.open("#/entity/gate/staff_tools")
    override_for_user(console, "42")
    expect(console.section("Overrides").get_by_text("userID 42")).to_be_visible()
    with console.client() as statsig:
        assert statsig.check_gate(USER, "staff_tools")
        assert not statsig.check_gate({"userID": "43"}, "staff_tools")
    console.page.get_by_role("link", name="1 overridden").click()
    expect(console.page.get_by_role("table").locator("tbody tr")).to_have_count(1)


def test_removed_override_no_longer_applies(console: Console) -> None:
    console.server.override_gate("staff_tools", value=True)
    console.server.override_gate("staff_tools", value=True, user_id="42")
    console.open("#/entity/gate/staff_tools")
    console.page.get_by_role("button", name="Remove the override for everyone").click()
    expect(console.section("Overrides").get_by_role("listitem")).to_have_count(1)
    with console.client() as statsig:
        assert statsig.check_gate(USER, "staff_tools")
        assert not statsig.check_gate({"userID": "43"}, "staff_tools")


def test_overrides_of_groups_and_parameters_apply(console: Console) -> None:
    console.open("#/entity/experiment/logo_test")
    form = console.section("Overrides")
    form.get_by_label("Square").check()
    form.get_by_role("button", name="Set override").click()
    expect(form.get_by_text("group Square")).to_be_visible()
    console.open("config")
    form = console.section("Overrides")
    form.get_by_role("textbox").fill('{"headline": ')
    expect(form.get_by_role("button", name="Set override")).to_be_disabled()
    expect(form.get_by_role("status")).to_contain_text("JSON")
    form.get_by_role("textbox").fill('{"headline": "Hi"}')
    form.get_by_role("button", name="Set override").click()
    expect(form.get_by_text('headline: "Hi"', exact=True)).to_be_visible()
    with console.client() as statsig:
        assert statsig.get_experiment(USER, "logo_test").value == {"shape": "square"}
        assert statsig.get_config(USER, "homepage").value == {"headline": "Hi"}


def test_exposure_appears_as_it_is_logged(console: Console) -> None:
    console.open("live")
    expect(console.page.get_by_text("Nothing has been recorded yet.")).to_be_visible()
    evaluate(console, "check_gate", gateName="staff_tools", user=USER)
    row = console.page.locator(".live li")
    # The bar of the story: within a second.
    expect(row).to_contain_text("staff_tools", timeout=1000)
    row.locator("summary").click()
    expect(row.get_by_label("All fields")).to_contain_text('"ruleID": "default"')
    row.get_by_role("button", name="Evaluate user").click()
    expect(console.page.get_by_label("User ID")).to_have_value("42")
    assert console.page.url.endswith("/#/who")  # without the user


def test_pause_keeps_what_arrives(console: Console) -> None:
    console.open("live")
    evaluate(console, "check_gate", gateName="staff_tools", user=USER)
    rows = console.page.locator(".live li")
    expect(rows).to_have_count(1)
    console.page.get_by_role("button", name="Pause").click()
    with console.client() as statsig:
        for number in range(30):
            statsig.log_event(USER, f"event {number}")
    expect(console.page.get_by_text("Paused; 30 new")).to_be_visible()
    expect(rows).to_have_count(1)
    console.page.get_by_role("button", name="Resume").click()
    expect(rows).to_have_count(31)
    names = console.page.locator(".live .name").all_inner_texts()
    assert names == [f"event {number}" for number in reversed(range(30))] + ["staff_tools"]


def test_live_filters_select_by_name_user_kind(console: Console) -> None:
    with console.client() as statsig:
        for user_id in ("ada", "bob"):
            statsig.check_gate({"userID": user_id}, "staff_tools")
            statsig.log_event({"userID": user_id}, "purchase")
    console.open("live")
    rows = console.page.locator(".live li")
    expect(rows).to_have_count(4)
    console.page.get_by_role("combobox", name="Kind").select_option("gate")
    expect(rows).to_have_count(2)
    console.page.get_by_label("User").fill("ada")
    expect(rows).to_have_count(1)
    console.page.reload()
    expect(rows).to_have_count(1)
    console.page.get_by_label("Name contains").fill("purch")
    expect(rows).to_have_count(0)
    console.page.get_by_role("combobox", name="Kind").select_option("")
    expect(rows).to_have_count(1)


def shown_values(console: Console) -> dict[str, object]:
    """Return the values that the page shows by kind and name; parameters as a mapping."""
    script = """items => Object.fromEntries(items.map((item) => {
      const parameters = [...item.querySelectorAll(".side:first-child .parameter")];
      const gate = item.querySelector(".side:first-child .answer > .pass, .answer > .fail");
      return [item.dataset.entity, gate ? gate.textContent : parameters.map((p) => p.textContent)];
    }))"""
    found: dict[str, object] = console.page.locator(".result").evaluate_all(script)
    return found


def as_shown(value: object) -> object:
    if isinstance(value, bool):
        return "pass" if value else "fail"
    assert isinstance(value, dict)
    return [f"{name}: {json.dumps(item, separators=(',', ':'))}" for name, item in value.items()]


def assert_shows_single_calls(console: Console, user: dict[str, object]) -> None:
    project = console.server.project()
    calls = {
        "gate": ("check_gate", "gateName", project.gates),
        "config": ("get_config", "configName", project.configs),
        "experiment": ("get_config", "configName", project.experiments),
        "layer": ("get_layer", "layerName", project.layers),
    }
    shown = shown_values(console)
    for kind, (call, field, names) in calls.items():
        for name in names:
            value = evaluate(console, call, user=user, **{field: name})
            assert shown[f"{kind} {name}"] == as_shown(value), name


def test_who_gets_what_equals_single_calls(console: Console) -> None:
    console.open("who")
    console.page.get_by_label("User ID").fill("ada")
    console.page.get_by_label("Country").fill("NO")
    console.page.get_by_role("button", name="Add to Custom attributes").click()
    console.page.get_by_label("Custom attributes: name 1").fill("plan")
    console.page.get_by_label("Custom attributes: value 1").fill("pro")
    expect(console.page.get_by_text("country is DK, FI, NO or SE and custom.plan")).to_be_visible()
    assert_shows_single_calls(
        console, {"userID": "ada", "country": "NO", "custom": {"plan": "pro"}}
    )


@pytest.mark.skipif(not REAL_PROJECTS.is_dir(), reason="real projects are not present")
@pytest.mark.filterwarnings("ignore:.*treated as empty")
@pytest.mark.filterwarnings("ignore:.*does not support")
def test_real_project_shows_single_calls(
    open_console: Callable[[LocalServer], Console],
) -> None:
    with LocalServer(REAL_PROJECTS / "demo_project_dcs.json") as server:
        console = open_console(server)
        console.open("who")
        expect(console.page.locator(".result").first).to_be_visible()
        assert_shows_single_calls(console, USER)
        assert console.complaints == []


def test_two_users_show_differences(console: Console) -> None:
    console.open("who")
    console.page.get_by_role("button", name="Compare with another user").click()
    second = console.page.get_by_role("region", name="Second user")
    expect(console.page.get_by_text("0 of 8 differ")).to_be_visible()
    second.get_by_role("button", name="JSON").click()
    second.get_by_role("textbox").fill('{"userID": "42", "email": "ada@example.com"}')
    expect(console.page.get_by_text("3 of 8 differ")).to_be_visible()
    console.page.get_by_label("Only differences").check()
    results = console.page.locator(".result")
    expect(results).to_have_count(3)
    expect(results.first.locator(".side").last).to_contain_text("in segment staff")
    assert console.server.exposures() == []


def test_saved_file_shows_new_rule(console: Console, project: Path) -> None:
    console.open("gate")
    expect(console.section("Rules").get_by_text("half of all")).to_be_visible()
    text = project.read_text(encoding="utf-8")
    project.write_text(
        text.replace("half of all", "three quarters").replace("rollout: 50", "rollout: 75"), "utf-8"
    )
    expect(console.section("Rules").get_by_text("three quarters")).to_be_visible()
    expect(console.section("Rules").get_by_text("rollout 75 %")).to_be_visible()


def test_broken_file_shows_problem_with_line(console: Console, project: Path) -> None:
    console.open("entities")
    text = project.read_text(encoding="utf-8")
    line = text[: text.index("  new_checkout:")].count("\n") + 3
    project.write_text(text.replace("for partners, testers", "x\n    rulez: []\n    #", 1), "utf-8")
    alert = console.page.get_by_role("alert")
    expect(alert).to_contain_text(re.compile(rf"project\.yaml:{line}: .*rulez"))
    expect(console.page.get_by_role("link", name="staff_tools")).to_be_visible()
    project.write_text(text, "utf-8")
    expect(alert).to_have_count(0)


def test_fault_makes_client_retry(console: Console) -> None:
    console.open("faults")
    console.page.get_by_role("combobox", name="Calls").select_option("check_gate")
    console.page.get_by_role("button", name="Unavailable").click()
    armed = console.section("Armed").locator("tbody tr")
    expect(armed).to_contain_text("status 503")
    with console.client() as statsig:
        assert statsig.with_raw_response.check_gate(USER, "staff_tools").attempts == 2
    expect(console.page.get_by_text("No faults: all calls succeed.")).to_be_visible()
    console.page.get_by_role("combobox", name="How often").select_option("until removed")
    console.page.get_by_role("button", name="Slow").click()
    console.page.get_by_role("button", name="Garbage").click()
    expect(armed).to_have_count(2)
    console.page.get_by_role("button", name="Remove all").click()
    expect(armed).to_have_count(0)
    assert console.server.faults() == []


def test_reset_discards_everything(console: Console) -> None:
    console.server.override_gate("staff_tools", value=True)
    console.server.fail_next(call="get_layer")
    evaluate(console, "check_gate", gateName="staff_tools", user=USER)
    console.open("live")
    expect(console.page.locator(".live li")).to_have_count(1)
    console.page.get_by_role("button", name="Reset").click()
    console.page.get_by_role("button", name="Discard").click()
    expect(console.page.locator(".live li")).to_have_count(0)
    expect(console.page.get_by_role("link", name="overridden")).to_have_count(0)
    assert console.server.exposures() == []
    assert console.server.overrides() == []
    assert console.server.faults() == []


def test_unknown_name_shows_nearest(console: Console) -> None:
    console.open("entities")
    evaluate(console, "check_gate", gateName="staf_tools", user=USER)
    banner = console.page.get_by_text("Programs requested names")
    expect(banner).to_contain_text("gate staf_tools; did you mean staff_tools?")
    console.page.get_by_role("link", name="staff_tools").first.click()
    expect(console.page.get_by_label("Search")).to_have_value("staff_tools")


def test_keys_appear_on_click(console: Console) -> None:
    console.open("entities")
    expect(console.page.get_by_text("project.yaml")).to_be_visible()
    assert "secret-local" not in console.page.content()
    console.page.get_by_role("button", name="Keys").click()
    expect(console.page.get_by_label("Secret key", exact=True)).to_have_value("secret-local")
    expect(console.page.get_by_label("Client key", exact=True)).to_have_value("client-local")


def test_last_exposures_and_counts_follow_calls(console: Console) -> None:
    console.open("gate")
    expect(console.page.get_by_text("No exposures yet.")).to_be_visible()
    for user_id in ("1", "2", "2"):
        user = {"userID": user_id, "customIDs": {"companyID": "acme"}}
        evaluate(console, "check_gate", gateName="new_checkout", user=user)
    expect(console.section("Last exposures").locator("tbody tr")).to_have_count(3)
    expect(console.section("Rules").locator(".rule").first).to_contain_text("3 exposures, 2 users")


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("width", [375, 1280])
def test_views_fit_width(console: Console, view: str, width: int) -> None:
    console.server.override_experiment("add_to_cart_test", group="Green", user_id="4" * 64)
    with console.client() as statsig:
        statsig.check_gate({"userID": "a" * 100}, "new_checkout")
        statsig.get_config(USER, "homepage")
    console.page.set_viewport_size({"width": width, "height": 760})
    console.open(view)
    console.page.locator("main ul, main table, main form, main .presets").first.wait_for()
    assert console.page.evaluate("document.documentElement.scrollWidth") <= width


def test_keyboard_alone_overrides_gate(console: Console) -> None:
    console.open("entities")
    keyboard = console.page.keyboard
    keyboard.press("/")
    keyboard.type("staff_t")
    expect(console.page.get_by_role("table").locator("tbody tr")).to_have_count(1)

    def tab_to(name: str) -> None:
        for _ in range(40):
            keyboard.press("Tab")
            label = "document.activeElement.textContent || document.activeElement.value"
            if name in console.page.evaluate(f"String({label})"):
                return
            if name in str(
                console.page.evaluate("document.activeElement.closest('label')?.textContent")
            ):
                return
        raise AssertionError(name)

    tab_to("staff_tools")
    keyboard.press("Enter")
    expect(console.page.get_by_role("heading", level=1)).to_have_text("staff_tools")
    tab_to("pass")
    keyboard.press("Space")
    tab_to("Set override")
    keyboard.press("Enter")
    expect(console.section("Overrides").get_by_role("listitem")).to_contain_text("everyone")
    with console.client() as statsig:
        assert statsig.check_gate(USER, "staff_tools")
