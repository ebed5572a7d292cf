"""The console in a page, as its users see it."""

from typing import Final
from urllib.parse import urlsplit

from playwright.sync_api import ConsoleMessage, Dialog, Locator, Page, Request

from statsig_api_client import Statsig
from statsig_api_client.local import LocalServer

VIEWS: Final = {
    "entities": "#/",
    "gate": "#/entity/gate/new_checkout",
    "config": "#/entity/config/homepage",
    "experiment": "#/entity/experiment/add_to_cart_test",
    "layer": "#/entity/layer/product_page",
    "who": "#/who",
    "live": "#/live",
    "faults": "#/faults",
}
"""The address of each view, with entities of the example project."""


class Console:
    """The console in a page.

    Attributes:
        complaints: Foreign requests, dialogs, and messages in the console of the browser.
    """

    def __init__(self, page: Page, server: LocalServer) -> None:
        self.page = page
        self.server = server
        self.root = server.url.removesuffix("v1")
        self.complaints: list[str] = []
        page.set_default_timeout(8000)
        page.on("request", self._request)
        page.on("console", self._message)
        page.on("pageerror", lambda error: self.complaints.append(str(error)))
        page.on("dialog", self._dialog)

    def open(self, view: str) -> None:
        """Open a view by its address."""
        self.page.goto(self.root + VIEWS.get(view, view))
        self.page.locator("h1").wait_for()

    def section(self, heading: str) -> Locator:
        return self.page.locator("section", has=self.page.get_by_role("heading", name=heading))

    def client(self) -> Statsig:
        return Statsig(self.server.secret_key, base_url=self.server.url)

    def _request(self, request: Request) -> None:
        address = urlsplit(request.url)
        if address.scheme != "data" and not request.url.startswith(self.root):
            self.complaints.append(f"request to {request.url}")

    def _message(self, message: ConsoleMessage) -> None:
        self.complaints.append(message.text)

    def _dialog(self, dialog: Dialog) -> None:
        self.complaints.append(f"dialog {dialog.message}")
        dialog.dismiss()
