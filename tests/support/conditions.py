"""Conditions of project files, each with a user who matches and one who does not."""

from typing import Any, Final, TypeAlias

Json: TypeAlias = dict[str, Any]

CHROME = (
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/120.0.0.0 Safari/537.36"
)
SAFARI = (
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) "
    "Version/16.1 Safari/605.1.15"
)


def custom(**attributes: object) -> Json:
    return {"custom": attributes}


def company(name: str) -> Json:
    return {"customIDs": {"companyID": name}}


CASES: Final[list[tuple[str, Json, Json]]] = [
    ("{email: ada@example.com}", {"email": "ADA@example.com"}, {"email": "bob@example.com"}),
    ("{email: {is: ada@example.com}}", {"email": "ada@example.com"}, {}),
    ("{email: {is not: ada@example.com}}", {"email": "b@c"}, {"email": "ada@example.com"}),
    ("{email: {is exactly: Ada@b.c}}", {"email": "Ada@b.c"}, {"email": "ada@b.c"}),
    ("{email: {is not exactly: Ada@b.c}}", {"email": "ada@b.c"}, {"email": "Ada@b.c"}),
    ("{email: {starts with: [ada, bob]}}", {"email": "bob@b.c"}, {"email": "eve@b.c"}),
    ('{email: {ends with: "@Example.com"}}', {"email": "a@example.com"}, {"email": "a@b.c"}),
    ("{email: {contains: example}}", {"email": "a@example.com"}, {"email": "a@b.c"}),
    ("{email: {does not contain: example}}", {"email": "a@b.c"}, {"email": "a@example.com"}),
    ("{email: {matches: '^a.*c$'}}", {"email": "a@b.c"}, {"email": "b@b.c"}),
    ("{userID: [1, two]}", {"userID": "1"}, {"userID": "3"}),
    ("{ip: 10.0.0.1}", {"ip": "10.0.0.1"}, {"ip": "10.0.0.2"}),
    ("{locale: {starts with: en}}", {"locale": "en_US"}, {"locale": "de_DE"}),
    ("{userAgent: {contains: Windows}}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{appVersion: {version is: 1.10}}", {"appVersion": "1.10"}, {"appVersion": "1.1"}),
    ("{appVersion: {version is not: 1.10}}", {"appVersion": "1.1"}, {"appVersion": "1.10"}),
    ("{appVersion: {version at least: 2}}", {"appVersion": "2.0.0"}, {"appVersion": "1.9"}),
    ("{appVersion: {version at most: 1.9.9}}", {"appVersion": "1.9.9"}, {"appVersion": "1.10"}),
    ("{appVersion: {version above: 1.9}}", {"appVersion": "1.10"}, {"appVersion": "1.9"}),
    ("{appVersion: {version below: 1.10}}", {"appVersion": "1.9"}, {"appVersion": "1.10"}),
    ("{appVersion: 1.10}", {"appVersion": "1.10"}, {"appVersion": "1.1"}),
    ("{country: NO}", {"country": "no"}, {"country": "SE"}),
    ("{country: {is one of: [DE]}}", {"ip": "84.56.1.1"}, {"ip": "8.8.8.8"}),
    ("{country: {is not one of: [DE]}}", {"ip": "8.8.8.8"}, {"ip": "84.56.1.1"}),
    ("{country: {is exactly: NO}}", {"country": "NO"}, {"country": "no"}),
    ("{country: {is not exactly: NO}}", {"country": "no"}, {"country": "NO"}),
    ("{browser: Chrome}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{browser version: {version at least: 120}}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{browser: {starts with: Chr}}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{browser version: {version above: 119.9}}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{os: {does not contain: Mac}}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{os version: 10.15.7}", {"userAgent": SAFARI}, {"userAgent": CHROME}),
    ("{os: Windows}", {"userAgent": CHROME}, {"userAgent": SAFARI}),
    ("{os: BeOS}", {"os_name": "BeOS"}, {"os_name": "CP/M"}),
    ("{os version: {version below: 10.16}}", {"os_version": "10.15.7"}, {"os_version": "11"}),
    ("{custom.plan: pro}", custom(plan="Pro"), custom(plan="free")),
    ("{custom.plan: pro}", {"privateAttributes": {"plan": "pro"}}, {}),
    ("{custom.level: 3}", custom(level=3), custom(level=4)),
    ("{custom.beta: true}", custom(beta=True), custom(beta=False)),
    ("{custom.level: {equals: 3}}", custom(level=3), custom(level=3.5)),
    ("{custom.level: {does not equal: 3}}", custom(level=4), custom(level=3)),
    ("{custom.plan: {equals: Pro}}", custom(plan="Pro"), custom(plan="pro")),
    ("{custom.plan: {does not equal: Pro}}", custom(plan="pro"), custom(plan="Pro")),
    ("{custom.beta: {equals: true}}", custom(beta=True), custom(beta="true")),
    ("{custom.beta: {does not equal: true}}", {}, custom(beta=True)),
    ("{custom.level: {at least: 3}}", custom(level=3), custom(level=2)),
    ("{custom.level: {at most: 3.5}}", custom(level=3), custom(level=4)),
    ("{custom.level: {above: 3}}", custom(level=3.1), custom(level=3)),
    ("{custom.level: {below: 3}}", custom(level=2), custom(level=3)),
    ("{custom.level: {at least: 3, below: 5}}", custom(level=4), custom(level=5)),
    ("{custom.tags: {has any of: [a, b]}}", custom(tags=["b", "c"]), custom(tags=["c"])),
    ("{custom.tags: {has none of: [a, b]}}", custom(tags=["c"]), custom(tags=["a"])),
    ("{custom.tags: {has all of: [a, b]}}", custom(tags=["a", "b"]), custom(tags=["a"])),
    (
        "{custom.tags: {does not have all of: [a, b]}}",
        custom(tags=["a"]),
        custom(tags=["a", "b"]),
    ),
    (
        "{custom.joined: {after: 2026-01-01}}",
        custom(joined=1767225600001),
        custom(joined=1767225600000),
    ),
    (
        "{custom.joined: {before: 2026-01-01T01:00:00+01:00}}",
        custom(joined=1767225599999),
        custom(joined=1767225600000),
    ),
    (
        "{custom.joined: {on the day of: 1767225600000}}",
        custom(joined=1767225600000 + 3_600_000),
        custom(joined=1767225600000 - 3_600_000),
    ),
    ("{customIDs.companyID: [c1]}", company("C1"), {"userID": "c1"}),
    ("{customIDs.companyID: {is not: c1}}", company("c2"), company("c1")),
    ("{customIDs.companyID: {is exactly: c1}}", company("c1"), company("C1")),
    ("{customIDs.companyID: {is not exactly: c1}}", company("C1"), company("c1")),
    ("{customIDs.companyID: {starts with: c}}", company("c1"), company("d1")),
    ("{customIDs.companyID: {ends with: [1, 2]}}", company("c1"), company("c3")),
    ("{customIDs.companyID: {contains: x}}", company("axa"), company("aya")),
    ("{customIDs.companyID: {does not contain: x}}", company("aya"), company("axa")),
    ("{customIDs.companyID: {matches: '^c[0-9]$'}}", company("c1"), company("c12")),
    ("{customIDs.companyID: {is set: true}}", company("c1"), {"userID": "c1"}),
    ("{customIDs.companyID: {is set: false}}", {"userID": "c1"}, company("c1")),
    ("{userID: {is set: true}}", {"userID": "a"}, company("c1")),
    ("{userID: {is set: false}}", company("c1"), {"userID": "a"}),
    ("{userID: {matches: '^[a-c]+$'}}", {"userID": "abba"}, {"userID": "abbd"}),
    ("{email: {is set: true}}", {"email": "a@b.c"}, {}),
    ("{email: {is set: false}}", {}, {"email": "a@b.c"}),
    ("{custom.plan: {is set: true}}", {"privateAttributes": {"plan": "pro"}}, {}),
    ("{custom.plan: {is set: false}}", {}, custom(plan="free")),
    ("{environment: staging}", {"statsigEnvironment": {"tier": "staging"}}, {}),
    ("{environment: {is not: staging}}", {}, {"statsigEnvironment": {"tier": "staging"}}),
    ("{passes gate: staff}", {"email": "a@example.com"}, {}),
    ("{fails gate: staff}", {}, {"email": "a@example.com"}),
    ("{in segment: adults}", custom(age=18), custom(age=17)),
    ("{not in segment: adults}", custom(age=17), custom(age=18)),
    ("{in segment: [adults, swiss]}", {"country": "CH", **custom(age=18)}, custom(age=18)),
    ("{not in segment: [adults, swiss]}", custom(age=17), {"country": "CH"}),
    ("{share of users: {named: spring, to: 50}}", {"userID": "1"}, {"userID": "5"}),
    ("{share of users: {named: spring, from: 50}}", {"userID": "5"}, {"userID": "1"}),
    (
        "{passes gate: [staff, german]}",
        {"email": "a@example.com", "country": "DE"},
        {"country": "DE"},
    ),
    (
        "{email: {ends with: .com}, country: DE}",
        {"email": "a@b.com", "country": "DE"},
        {"email": "a@b.com"},
    ),
]
"""Condition, matching user, other user."""
