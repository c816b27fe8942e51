"""The pages of the consent flow: plain HTML, nothing from elsewhere, no script, everything escaped."""

from __future__ import annotations

import base64
import hashlib
import html
from http import HTTPStatus
from typing import TYPE_CHECKING
from urllib.parse import urlencode, urlsplit

from functions.integrations_api.connect_texts import REASONS, TEXTS, place_text, scope_texts, text
from functions.integrations_api.routing import Answer

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from shared.integrations.oauth_values import Arrival, Invitation

_STYLE = (
    ":root{color-scheme:light dark}"
    "body{font:1.0625rem/1.5 system-ui,sans-serif;margin:0;padding:1rem}"
    "main{max-width:34rem;margin:8vh auto}"
    "h1{font-size:1.5rem;line-height:1.25}"
    "form{display:inline-block;margin:.5rem .5rem .5rem 0}"
    "button,a.next{font:inherit;padding:.6rem 1.1rem;border:2px solid #1a56c4;border-radius:.4rem;"
    "background:#1a56c4;color:#fff;cursor:pointer;text-decoration:none;display:inline-block}"
    "button.second{background:transparent;color:inherit;border-color:currentColor}"
    "button:focus-visible,a:focus-visible{outline:3px solid #e08a00;outline-offset:2px}"
)
_STYLE_HASH = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
# Browsers apply form-action also to where a form's answer redirects to: the provider's page, and from there a
# company's own sign-in page, whose host nobody knows beforehand. So it allows https, and no more.
_POLICY = (
    f"default-src 'none'; style-src 'sha256-{_STYLE_HASH}'; form-action 'self' https:{{local}}; "
    "base-uri 'none'; frame-ancestors 'none'"
)
# strict-origin: our own forms must carry an Origin, and no address may carry its query to anywhere.
_HEADERS = {
    "Referrer-Policy": "strict-origin",
    "X-Frame-Options": "DENY",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Robots-Tag": "noindex",
}
CONTENT_TYPE = "text/html; charset=utf-8"
_RETURN_PATH = "/dashboard"
_FAILED_STATUS = {
    "provider_down": HTTPStatus.BAD_GATEWAY,
    "not_set_up": HTTPStatus.INTERNAL_SERVER_ERROR,
    "broken": HTTPStatus.INTERNAL_SERVER_ERROR,
    "provider_off": HTTPStatus.CONFLICT,
    "foreign_form": HTTPStatus.FORBIDDEN,
}
_END_STATUS = {
    "insufficient": HTTPStatus.FORBIDDEN,
    "denied": HTTPStatus.FORBIDDEN,
    "unchanged": HTTPStatus.CONFLICT,
}


def invitation(asked: Invitation, link: str, language: str) -> Answer:
    """Who asks for what, and a button that goes on."""
    names = {"title": asked.provider.title, "company": asked.company_name}
    now = (
        [_paragraph(text("invite_now", language, account=asked.account_email))] if asked.account_email else []
    )
    boxes = [_paragraph(text("invite_boxes", language))] if asked.provider.boxes else []
    parts = [
        _paragraph(text("invite", language, **names)),
        _list(scope_texts(asked.provider.asked, language)),
        *boxes,
        *now,
        _form("start", {"link": link}, text("invite_button", language, **names)),
        _paragraph(text("invite_stranger", language, **names)),
    ]
    local = _origin(asked.provider.endpoints.authorize)
    return _page(language, text("invite_title", language, **names), parts, local=local)


def arrival(end: Arrival, language: str) -> Answer:
    """How it ended, what may still be done about it, and where to go from here."""
    names = _names(end, language)
    reason = text_of(end.reason)
    what = reason if end.outcome == "failed" else end.outcome
    parts = [_paragraph(text(what, language, **names)), *_details(end, language, names)]
    if end.warnings:
        parts.append(_paragraph(text("by_hand", language, **names)))
    if end.choice is not None:
        parts += _choices(end, language, names)
    parts.append(_onward(end, language))
    status = _FAILED_STATUS.get(reason, HTTPStatus.BAD_REQUEST) if end.outcome == "failed" else HTTPStatus.OK
    title = text(f"{end.outcome}_title", language, **names)
    return _page(language, title, parts, _END_STATUS.get(end.outcome, status))


def failure(reason: str, language: str, title: str) -> Answer:
    """Something that is known to be wrong before anything is known of whom it concerns."""
    name = text_of(reason)
    parts = [_paragraph(text(name, language, title=title))]
    status = _FAILED_STATUS.get(name, HTTPStatus.BAD_REQUEST)
    return _page(language, text("failed_title", language), parts, status)


def back(end: Arrival) -> Answer:
    """To the company's own page, as the older contract has it."""
    return away(address(end), HTTPStatus.FOUND)


def away(url: str, status: HTTPStatus = HTTPStatus.SEE_OTHER) -> Answer:
    """Somewhere else, without telling where from."""
    return Answer(None, status, {"Location": url, "Referrer-Policy": "no-referrer"})


def address(end: Arrival) -> str:
    """Where the company's own page is told how it ended."""
    told = urlencode({"integration": end.provider.name, "status": "success" if end.good else "error"})
    return f"{end.return_to}{_RETURN_PATH}?{told}"


def text_of(reason: str) -> str:
    """The name of the text that explains a reason."""
    name = REASONS.get(reason, reason)
    return name if name in TEXTS else "broken"


def _names(end: Arrival, language: str) -> dict[str, str]:
    return {
        "title": end.provider.title,
        "company": end.company_name,
        "account": end.account_email or text("unnamed", language),
        "previous": end.previous_email or text("unnamed", language),
        "left": end.left_email or text("this_account", language),
        "place": place_text(end.provider.remove_at or end.provider.title, language),
    }


def _details(end: Arrival, language: str, names: dict[str, str]) -> list[str]:
    if end.outcome != "insufficient":
        return []
    kept = [_paragraph(text("insufficient_kept", language, **names))] if end.previous_email else []
    way = "insufficient_boxes" if end.provider.boxes else "insufficient_whole"
    again = _paragraph(text(way, language, **names))
    return [_list(scope_texts(end.missing, language)), again, *kept]


def _choices(end: Arrival, language: str, names: dict[str, str]) -> list[str]:
    token = end.choice.reveal() if end.choice is not None else ""
    words = ("switch", "keep") if end.outcome == "another_account" else ("disconnect",)
    return [
        _form(
            "decide",
            {"choice": token, "word": word},
            text(f"{word}_button", language, **names),
            second=word != "switch",
        )
        for word in words
    ]


def _onward(end: Arrival, language: str) -> str:
    if end.return_to and end.outcome != "another_account":
        host = urlsplit(end.return_to).netloc
        link = html.escape(address(end))
        return (
            f'<p><a class="next" href="{link}">{html.escape(text("continue", language, host=host))}</a></p>'
        )
    return "" if end.outcome == "another_account" else _paragraph(text("close", language))


def _page(
    language: str, title: str, parts: Sequence[str], status: HTTPStatus = HTTPStatus.OK, local: str = ""
) -> Answer:
    shown = html.escape(title)
    page = (
        f'<!doctype html><html lang="{language}"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f"<title>{shown}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{shown}</h1>{''.join(parts)}</main></body></html>"
    )
    policy = _POLICY.format(local=f" {local}" if local.startswith("http://") else "")
    return Answer(page, status, {**_HEADERS, "Content-Security-Policy": policy}, CONTENT_TYPE)


def _paragraph(words: str) -> str:
    return f'<p dir="auto">{html.escape(words)}</p>'


def _list(lines: Iterable[str]) -> str:
    return "<ul>" + "".join(f"<li>{html.escape(line)}</li>" for line in lines) + "</ul>"


def _form(action: str, fields: dict[str, str], label: str, *, second: bool = False) -> str:
    """A button that posts; the action is relative, so that it works below any base address."""
    hidden = "".join(
        f'<input type="hidden" name="{html.escape(name)}" value="{html.escape(value)}">'
        for name, value in fields.items()
    )
    kind = ' class="second"' if second else ""
    return (
        f'<form method="post" action="{action}">{hidden}'
        f'<button type="submit"{kind}>{html.escape(label)}</button></form>'
    )


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
