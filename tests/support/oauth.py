"""A person's browser in the consent flow: keeps its cookie, reads forms, presses buttons."""

from __future__ import annotations

import re
from html import unescape
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

if TYPE_CHECKING:
    from tests.support.api import Api, Told


class Browser:
    """One browser.

    Args:
        api: what it visits.
        listed: whether the gateway lists cookies in the event, as AWS does, or leaves them in the header.
    """

    def __init__(self, api: Api, *, listed: bool = True) -> None:
        self._api = api
        self._listed = listed
        self.jar: dict[str, str] = {}

    def get(self, path: str) -> Told:
        """Follow a link."""
        return self._visit("GET", path, None, site="cross-site")

    def post(self, path: str, fields: dict[str, str], site: str = "same-origin", **headers: str) -> Told:
        """Send a form; ``site`` is what the browser says of the page that it stands on."""
        return self._visit("POST", path, urlencode(fields), site=site, **headers)

    def press(self, page: Told, path: str, label: str) -> Told:
        """Press the button whose text contains ``label`` on a page that stands at ``path``."""
        (found,) = [form for form in forms_of(page) if label in form[2]]
        action, fields, _label = found
        return self.post(f"{path.rpartition('/')[0]}/{action}", fields)

    def _visit(self, method: str, path: str, raw: str | None, *, site: str, **headers: str) -> Told:
        pairs = tuple(f"{name}={value}" for name, value in self.jar.items())
        if raw is not None:
            headers["content_type"] = "application/x-www-form-urlencoded"
        if site:
            headers["sec_fetch_site"] = site
        if pairs and not self._listed:
            headers["cookie"] = "; ".join(pairs)
        told = self._api(method, path, raw=raw, cookies=pairs if self._listed else None, **headers)  # type: ignore[arg-type]
        for cookie in told.cookies:
            name, _, value = cookie.partition(";")[0].partition("=")
            self.jar[name] = value
        return told


def forms_of(page: Told) -> list[tuple[str, dict[str, str], str]]:
    """Each form's action, hidden fields and button."""
    found = []
    for action, inner in re.findall(r'<form method="post" action="([^"]*)">(.*?)</form>', page.text):
        hidden = re.findall(r'name="([^"]*)" value="([^"]*)"', inner)
        label = re.sub("<[^>]*>", "", inner)
        found.append((action, {unescape(name): unescape(value) for name, value in hidden}, unescape(label)))
    return found


def local_path(url: str) -> str:
    """Path and query of a URL of ours."""
    parts = urlsplit(url)
    return f"{parts.path}?{parts.query}" if parts.query else parts.path
