"""The shop with its real project, with overrides and with injected faults."""

import logging
import time

import pytest
from starlette.testclient import TestClient

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer


def test_rollout_splits_customers(shop: TestClient) -> None:
    checkouts = {
        shop.post("/buy/mug", headers={"x-customer": f"customer {n}"}).json()["checkout"]
        for n in range(20)
    }
    assert checkouts == {"old", "new"}


@pytest.mark.parametrize(("passes", "checkout"), [(True, "new"), (False, "old")])
def test_gate_selects_checkout(
    shop: TestClient, statsig_local: LocalServer, *, passes: bool, checkout: str
) -> None:
    statsig_local.override_gate("new_checkout", value=passes)
    assert shop.post("/buy/mug").json() == {"sku": "mug", "price": 9.5, "checkout": checkout}


def test_user_override_affects_one_customer(shop: TestClient, statsig_local: LocalServer) -> None:
    statsig_local.override_gate("new_checkout", value=False)
    statsig_local.override_gate("new_checkout", value=True, user_id="ada")
    assert shop.post("/buy/mug").json()["checkout"] == "new"
    assert shop.post("/buy/mug", headers={"x-customer": "bob"}).json()["checkout"] == "old"


@pytest.mark.parametrize(("group", "logo"), [("Control", "circle"), ("Square", "square")])
def test_experiment_group_selects_logo(
    shop: TestClient, statsig_local: LocalServer, group: str, logo: str
) -> None:
    statsig_local.override_experiment("logo_test", group=group)
    assert shop.get("/").json()["logo"] == logo
    (exposure,) = statsig_local.exposures("logo_test")
    assert exposure.user["userID"] == "ada"


def test_purchase_logs_price(shop: TestClient, statsig_local: LocalServer) -> None:
    assert shop.post("/buy/shirt").status_code == 201
    (event,) = statsig_local.events("purchase", user_id="ada")
    assert (event.value, event.metadata) == (24.0, {"sku": "shirt"})


def test_unknown_product_logs_nothing(shop: TestClient, statsig_local: LocalServer) -> None:
    assert shop.post("/buy/boat").status_code == 404
    assert statsig_local.events() == []


def test_outage_falls_back_to_old_checkout(
    shop: TestClient, statsig_local: LocalServer, caplog: pytest.LogCaptureFixture
) -> None:
    statsig_local.fail_next(times=None, status=503)
    assert shop.get("/").json()["logo"] == "circle"
    with caplog.at_level(logging.WARNING):
        assert shop.post("/buy/mug").json()["checkout"] == "old"
    assert "purchase not logged" in caplog.text


def test_slow_server_falls_back(shop: TestClient, statsig_local: LocalServer) -> None:
    statsig_local.fail_next(times=None, call="get_config", status=None, delay=60)
    begin = time.monotonic()
    assert shop.get("/").json()["logo"] == "circle"
    assert time.monotonic() - begin < 20


def test_lost_response_is_retried(shop: TestClient, statsig_local: LocalServer) -> None:
    statsig_local.override_gate("new_checkout", value=True)
    statsig_local.fail_next(call="check_gate", drop=True)
    assert shop.post("/buy/mug").json()["checkout"] == "new"


def test_shop_matches_client(shop: TestClient, statsig: Statsig) -> None:
    passes = statsig.check_gate({"userID": "ada"}, "new_checkout").value
    assert shop.post("/buy/mug").json()["checkout"] == ("new" if passes else "old")
