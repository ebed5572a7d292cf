"""Hostile names and values, and hostile pages of other origins."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
from playwright.sync_api import BrowserContext, expect

from statsig_api_client.local import LocalServer

from .console import Console
from .pages import foreign_page

_TAGS: Final = (
    "<img src=x {}>",
    "<svg {}>",
    "<svg><animate {} attributeName=x dur=1s>",
    "<body {}>",
    "<iframe {}></iframe>",
    "<details open {}>",
    "<video><source {}></video>",
    "<marquee {}>",
    "<input autofocus {}>",
    "'\"><img src=x {}>",
)
_HANDLERS: Final = ("onerror", "onload", "onfocus", "ontoggle", "onbegin", "onstart", "onclick")
PAYLOADS: Final = [
    *(tag.format(f"{handler}=alert(1)") for tag, handler in itertools.product(_TAGS, _HANDLERS)),
    *(
        template.format(quote)
        for template, quote in itertools.product(
            (
                "{}<script>alert(1)</script>",
                "{}</script><script>alert(1)</script>",
                "{}</textarea><script>alert(1)</script>",
                "{}<a href=javascript:alert(1)>x</a>",
                "{}<iframe src=javascript:alert(1)></iframe>",
                "{}<object data=javascript:alert(1)></object>",
                "{}<style>*{{display:none}}</style>",
                "{}<base href=//attacker.example/>",
                "{}<!--<img src=--><img src=x onerror=alert(1)//>",
                "{}${{alert(1)}}{{{{alert(1)}}}}",
            ),
            ("", '"', "'>", "`"),
        )
    ),
]
"""More than a hundred payloads of cross-site scripting."""

CREATED: Final = (
    "img, iframe, object, video, marquee, animate, body body, main style, main script, base"
)
"""The elements that the payloads would create; the page has none of them."""


def hostile_specs() -> dict[str, object]:
    """Return config specs with payloads as names, rules, conditions and values."""

    def spec(kind: str, name: str, *, value: object, default: object) -> dict[str, object]:
        condition = {"type": "user_field", "field": name, "operator": "any", "targetValue": [name]}
        rule = {
            "name": name,
            "id": name,
            "groupName": name,
            "salt": "",
            "passPercentage": 100,
            "conditions": [condition],
            "returnValue": value,
            "idType": name,
        }
        return {
            "name": name,
            "type": kind,
            "salt": "",
            "enabled": True,
            "defaultValue": default,
            "idType": name,
            "rules": [rule],
        }

    return {
        "has_updates": True,
        "time": 1,
        "feature_gates": [spec("feature_gate", p, value=True, default=False) for p in PAYLOADS],
        "dynamic_configs": [
            spec("dynamic_config", p, value={p: p}, default={p: p}) for p in PAYLOADS
        ],
        "layer_configs": [],
    }


def test_payloads_are_many() -> None:
    assert len(set(PAYLOADS)) >= 100


def hostile_events(payload: str) -> list[dict[str, object]]:
    user = {"userID": payload, "customIDs": {payload: payload}}
    metadata = {"gate": payload, "gateValue": payload, "ruleID": payload}
    return [
        {"eventName": payload, "user": user, "value": payload, "metadata": {payload: payload}},
        {"eventName": "statsig::gate_exposure", "user": user, "metadata": metadata},
    ]


def log_events(server: LocalServer, events: list[dict[str, object]]) -> None:
    """Log events as an SDK does: the HTTP API and this client restrict names."""
    headers = {"statsig-api-key": server.secret_key, "statsig-sdk-type": "py-core"}
    url = f"{server.url}/rgstr"
    httpx.post(url, headers=headers, json={"events": events}).raise_for_status()


def test_payloads_stay_text(tmp_path: Path, open_console: Callable[[LocalServer], Console]) -> None:
    file = tmp_path / "<img src=x onerror=alert(1)>.json"
    file.write_text(json.dumps(hostile_specs()), "utf-8")
    with LocalServer(file) as server:
        console = open_console(server)
        log_events(server, [event for p in PAYLOADS for event in hostile_events(p)])

        def assert_inert(text: str) -> None:
            expect(console.page.get_by_text(text).first).to_be_attached()
            assert console.page.locator(CREATED).count() == 0

        console.open("entities")
        assert_inert(PAYLOADS[0])
        console.open("live")
        for details in console.page.locator(".live summary").all()[:20]:
            details.click()
        assert_inert(PAYLOADS[-1])
        server.override_gate(PAYLOADS[0], value=True, unit_id=(PAYLOADS[1], PAYLOADS[2]))
        for kind, payload in itertools.product(("gate", "config"), PAYLOADS[:5]):
            quoted = httpx.URL("http://h", params={"n": payload}).query.decode()[2:]
            console.open(f"#/entity/{kind}/{quoted.replace('+', '%20')}")
            assert_inert(payload)
        console.open("who")
        console.page.get_by_role("button", name="JSON").click()
        user_json = json.dumps(
            {"userID": PAYLOADS[0], "custom": dict.fromkeys(PAYLOADS, PAYLOADS[0])}
        )
        console.page.get_by_role("textbox", name="User as JSON").fill(user_json)
        console.page.locator(".why summary").first.click()
        assert_inert(PAYLOADS[0])
        assert console.complaints == []


@pytest.fixture
def attacked(server: LocalServer) -> Iterator[LocalServer]:
    server.override_gate("staff_tools", value=True)
    before = server.status()
    yield server
    assert server.status() == before
    assert server.overrides()[0].name == "staff_tools"


READS: Final = ("", "local/project", "local/exposures", "local/entities", "local/status")
CHANGES: Final = (("POST", "local/reset", "{}"), ("DELETE", "local/overrides", None))


@pytest.mark.parametrize("path", READS)
def test_foreign_page_cannot_read(
    attacked: LocalServer, context: BrowserContext, path: str
) -> None:
    page = context.new_page()
    with foreign_page() as address:
        page.goto(address)
        script = "url => fetch(url).then(r => r.text(), () => 'blocked')"
        assert page.evaluate(script, attacked.url.removesuffix("v1") + path) == "blocked"
        script = "url => fetch(url, {mode: 'no-cors'}).then(r => r.text(), () => '')"
        assert page.evaluate(script, attacked.url.removesuffix("v1") + path) == ""


@pytest.mark.parametrize(("method", "path", "body"), CHANGES)
def test_foreign_fetch_cannot_change(
    attacked: LocalServer, context: BrowserContext, method: str, path: str, body: str | None
) -> None:
    page = context.new_page()
    with foreign_page() as address:
        page.goto(address)
        for kind in ("application/json", "text/plain"):
            script = """([url, method, body, kind]) => fetch(url, {
                method, body, mode: kind === "text/plain" && method === "POST" ? "no-cors" : "cors",
                headers: {"content-type": kind},
            }).then(() => "sent", () => "blocked")"""
            url = attacked.url.removesuffix("v1") + path
            page.evaluate(script, [url, method, body, kind])


def test_foreign_form_cannot_change(attacked: LocalServer, context: BrowserContext) -> None:
    page = context.new_page()
    url = attacked.url.removesuffix("v1") + "local/reset"
    with foreign_page() as address:
        page.goto(address)
        with page.expect_navigation():
            page.evaluate(
                """url => {
                    const form = document.createElement("form");
                    Object.assign(form, {action: url, method: "post", enctype: "text/plain"});
                    const field = document.createElement("input");
                    Object.assign(field, {name: '{"recorded": true, "x": "', value: '"}'});
                    form.append(field);
                    document.documentElement.append(form);
                    form.submit();
                }""",
                url,
            )
        assert "application/json" in page.content()


def test_foreign_image_cannot_change(attacked: LocalServer, context: BrowserContext) -> None:
    page = context.new_page()
    with foreign_page() as address:
        page.goto(address)
        script = """url => new Promise((resolve) => {
            const image = new Image();
            image.onload = image.onerror = (event) => resolve(event.type);
            image.src = url;
        })"""
        assert page.evaluate(script, attacked.url.removesuffix("v1") + "local/overrides") == "error"


def test_rebound_name_is_rejected(attacked: LocalServer, context: BrowserContext) -> None:
    page = context.new_page()
    root = attacked.url.removesuffix("v1").replace("127.0.0.1", "attacker.example")
    for path in READS:
        response = page.goto(root + path)
        assert response is not None
        assert response.status == 421
    script = """() => fetch("/local/reset", {
        method: "POST", body: "{}", headers: {"content-type": "application/json"},
    }).then(r => r.status)"""
    assert page.evaluate(script) == 421


def test_foreign_page_cannot_frame(attacked: LocalServer, context: BrowserContext) -> None:
    page = context.new_page()
    with foreign_page() as address:
        page.goto(address)
        page.evaluate(
            """url => new Promise((resolve) => {
                const frame = document.createElement("iframe");
                frame.onload = resolve;
                frame.src = url;
                document.documentElement.append(frame);
            })""",
            attacked.url.removesuffix("v1"),
        )
        assert page.frame_locator("iframe").locator(".brand").count() == 0


@pytest.mark.parametrize("path", ["", "console/app.js", "local/project", "local/nothing"])
def test_responses_have_policy(server: LocalServer, path: str) -> None:
    response = httpx.get(server.url.removesuffix("v1") + path, headers={"accept": "text/html"})
    policy = response.headers["content-security-policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert response.headers["x-content-type-options"] == "nosniff"
