"""A small web service that evaluates flags for its customers and logs their purchases.

    STATSIG_API_KEY=secret-... uvicorn shop:app

It keeps working when Statsig fails: after a few seconds no gate passes and no experiment runs, and
a purchase that cannot be sent is logged.
"""

import logging
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route

from statsig_api_client import AsyncStatsig, StatsigError, StatsigUser

logger = logging.getLogger("shop")

PRICES = {"mug": 9.5, "shirt": 24.0}


@asynccontextmanager
async def lifespan(app: Starlette) -> AsyncGenerator[None]:
    """Share one client for the lifetime of the service."""
    async with AsyncStatsig(timeout=1, deadline=3, on_error="fallback") as statsig:
        app.state.statsig = statsig
        yield


async def home(request: Request) -> JSONResponse:
    """Return the start page, with the logo of the customer's experiment group."""
    statsig = client(request)
    logo = await statsig.get_experiment(customer(request), "logo_test")
    return JSONResponse({"logo": logo.get("shape", "circle"), "products": list(PRICES)})


async def buy(request: Request) -> JSONResponse:
    """Buy a product with the new or the old checkout."""
    statsig = client(request)
    sku: str = request.path_params["sku"]
    if sku not in PRICES:
        return JSONResponse({"error": f"unknown product: {sku}"}, 404)
    user = customer(request)
    new = bool(await statsig.check_gate(user, "new_checkout"))
    order = {"sku": sku, "price": PRICES[sku], "checkout": "new" if new else "old"}
    # Runs after the response, so that the customer does not wait for it.
    return JSONResponse(order, 201, background=BackgroundTask(log_purchase, statsig, user, sku))


async def log_purchase(statsig: AsyncStatsig, user: StatsigUser, sku: str) -> None:
    """Log a purchase; a purchase that cannot be sent is only a warning."""
    try:
        await statsig.log_event(user, "purchase", value=PRICES[sku], metadata={"sku": sku})
    except StatsigError as error:
        logger.warning("purchase not logged: %s", error)


def client(request: Request) -> AsyncStatsig:
    """Return the client of the service."""
    statsig: AsyncStatsig = request.app.state.statsig
    return statsig


def customer(request: Request) -> StatsigUser:
    """Return the user of a request."""
    return StatsigUser(user_id=request.headers.get("x-customer", "nobody"))


app = Starlette(
    routes=[Route("/", home), Route("/buy/{sku}", buy, methods=["POST"])], lifespan=lifespan
)
