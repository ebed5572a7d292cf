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
    statsig: AsyncStatsig = request.app.state.statsig
    logo = await statsig.get_experiment(_user(request), "logo_test")
    return JSONResponse({"logo": logo.get("shape", "circle"), "products": list(PRICES)})


async def buy(request: Request) -> JSONResponse:
    """Buy a product with the new or the old checkout."""
    statsig: AsyncStatsig = request.app.state.statsig
    sku: str = request.path_params["sku"]
    if sku not in PRICES:
        return JSONResponse({"error": f"unknown product: {sku}"}, 404)
    user = _user(request)
    new = bool(await statsig.check_gate(user, "new_checkout"))
    reply = {"sku": sku, "price": PRICES[sku], "checkout": "new" if new else "old"}
    # Runs after the response, so that the customer does not wait for it.
    return JSONResponse(reply, 201, background=BackgroundTask(_purchased, statsig, user, sku))


async def _purchased(statsig: AsyncStatsig, user: StatsigUser, sku: str) -> None:
    try:
        await statsig.log_event(user, "purchase", value=PRICES[sku], metadata={"sku": sku})
    except StatsigError as error:
        logger.warning("purchase not logged: %s", error)


def _user(request: Request) -> StatsigUser:
    return StatsigUser(user_id=request.headers.get("x-customer", "nobody"))


app = Starlette(
    routes=[Route("/", home), Route("/buy/{sku}", buy, methods=["POST"])], lifespan=lifespan
)
