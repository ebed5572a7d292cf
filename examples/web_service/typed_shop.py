"""The shop with typed flags: type checkers report a misspelt gate, experiment or parameter.

    STATSIG_API_KEY=secret-... PYTHONPATH=.. uvicorn typed_shop:app

`statsig-api flags generate` writes the package `shop_flags` as `pyproject.toml` configures it.
"""

from shop import PRICES, client, customer, lifespan, log_purchase
from shop_flags import experiments, gates
from starlette.applications import Starlette
from starlette.background import BackgroundTask
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route


async def home(request: Request) -> JSONResponse:
    """Return the start page, with the logo of the customer's experiment group."""
    logo = await experiments.logo_test.get(client(request), customer(request))
    return JSONResponse({"logo": logo.parameters.shape, "products": list(PRICES)})


async def buy(request: Request) -> JSONResponse:
    """Buy a product with the new or the old checkout."""
    statsig = client(request)
    sku: str = request.path_params["sku"]
    if sku not in PRICES:
        return JSONResponse({"error": f"unknown product: {sku}"}, 404)
    user = customer(request)
    checkout = "new" if await gates.new_checkout.check(statsig, user) else "old"
    order = {"sku": sku, "price": PRICES[sku], "checkout": checkout}
    return JSONResponse(order, 201, background=BackgroundTask(log_purchase, statsig, user, sku))


app = Starlette(
    routes=[Route("/", home), Route("/buy/{sku}", buy, methods=["POST"])], lifespan=lifespan
)
