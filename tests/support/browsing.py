"""People with real browsers: headless Chromium, one profile for each of them."""

from __future__ import annotations

import os
import shutil
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import sync_playwright

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page, Response, Route

NAMES = ("chromium", "chromium-browser", "google-chrome")
WIDTHS = (1280, 390)
PATIENCE_MS = 20_000
_OPTIONS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking", "--no-proxy-server"]


def chromium() -> str:
    """Where Chromium is on this machine; ``CHROMIUM`` names another.

    A machine without one fails the tests that need it: what is not tried does not count as working.
    """
    found = next(filter(None, map(shutil.which, (os.environ.get("CHROMIUM", ""), *NAMES))), None)
    if found is None:
        pytest.fail(
            "The pages are tried in a real browser, and there is none here: install it with "
            "`apt-get install chromium`, or set CHROMIUM to where one is.",
            pytrace=False,
        )
    return found


@contextmanager
def running_chromium() -> Iterator[Browser]:
    """Chromium, for the time of some tests."""
    path = chromium()
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=path, args=_OPTIONS)
        yield browser
        browser.close()


@dataclass(frozen=True)
class Album:
    """Keeps a picture of each page at the width of a desk and of a telephone.

    Args:
        folder: where.
    """

    folder: Path

    def keep(self, page: Page, name: str) -> None:
        """Take both, and make sure that nobody has to scroll sideways."""
        for width in WIDTHS:
            page.set_viewport_size({"width": width, "height": 800})
            page.screenshot(path=self.folder / f"{name}-{width}.png", full_page=True)
            too_wide = page.evaluate(
                "document.documentElement.scrollWidth > document.documentElement.clientWidth"
            )
            assert not too_wide, f"{name} is wider than {width} px"


class Person:
    """Somebody with a browser of their own: cookies are shared with nobody.

    Args:
        browser: the running Chromium.
        album: where pictures of what they see are kept.
        hears: is told of each answer that their browser gets.
    """

    def __init__(self, browser: Browser, album: Album, hears: Callable[[Response], None]) -> None:
        self._context = browser.new_context(locale="en-GB")
        self._context.set_default_timeout(PATIENCE_MS)
        self._album = album
        self.complaints: list[str] = []
        self.page: Page = self._context.new_page()
        self.page.on("console", lambda message: self.complaints.append(message.text))
        self.page.on("response", hears)

    def close(self) -> None:
        """Close the browser's profile."""
        self._context.close()

    def opens(self, url: str) -> None:
        """Go to an address."""
        self.page.goto(url)

    def presses(self, label: str) -> None:
        """Press the button that says so, and wait for what comes."""
        with self.page.expect_navigation():
            self.page.get_by_role("button", name=label).click()

    def reads(self) -> str:
        """What the page says."""
        return self.page.locator("main").inner_text()

    def keeps_picture(self, name: str) -> None:
        """See `Album`."""
        self._album.keep(self.page, name)

    def chooses(self, account: str) -> None:
        """Pick an account on the provider's page."""
        with self.page.expect_navigation():
            self.page.locator(f'button[value="{account}"]').click()

    def ticks(self, count: int | None = None) -> None:
        """Tick so many boxes of the provider's page, from the top, and untick the others; ``None``: all."""
        for number, box in enumerate(self.page.get_by_role("checkbox").all()):
            box.set_checked(count is None or number < count)

    def consents(self, account: str, boxes: int | None = None) -> None:
        """Everything between our button and the callback."""
        self.chooses(account)
        self.ticks(boxes)
        self.presses("Continue")

    def consents_without_coming_back(self, account: str) -> str:
        """The same, but the browser never calls our callback.

        Returns:
            The callback's whole address, as an attacker keeps it for somebody else.
        """
        kept: list[str] = []

        def keep(route: Route) -> None:
            if route.request.method != "POST":
                route.continue_()
                return
            answer = route.fetch(max_redirects=0)
            kept.append(answer.headers["location"])
            route.fulfill(body="<main>kept</main>", content_type="text/html")

        self.page.route("**/*", keep)
        self.consents(account)
        self.page.unroute("**/*")
        return kept[0]
