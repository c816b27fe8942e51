"""What a company's HTML may not hold, and the words that say so and what helps."""

from __future__ import annotations

_SHOWN = 40  # characters of what the company wrote
_SCRIPT = "mail programs refuse mails with scripts"
_FORM = "mail programs send no forms: link to a page instead"
_FRAME = "mail programs refuse frames and embedded pages: link to the page instead"
_DRAWING = 'many mail programs show none: use a picture instead, <img src="https://…">'
_RULES = "what stands in it is read by rules of its own: write it without this tag"
_REFUSED_TAGS = {
    "script": _SCRIPT,
    "noscript": "mail programs run no scripts: write what stands in it without this tag",
    "form": _FORM,
    "textarea": _FORM,
    "select": _FORM,  # browsers read no style and no title in it, but what these hold
    **dict.fromkeys(
        ("applet", "embed", "fencedframe", "frame", "frameset", "iframe", "object", "portal"), _FRAME
    ),
    "svg": _DRAWING,
    "math": _DRAWING,
    **dict.fromkeys(("noembed", "noframes", "plaintext", "xmp"), _RULES),
    "base": "it changes where all links lead: write each link in full",
}
_REFUSED_ATTRIBUTES = {
    "srcdoc": _FRAME,
    "action": _FORM,
    "formaction": _FORM,
    "ping": "mail programs report no clicks",
    "http-equiv": "mail programs overlook it, and it could lead away: leave the whole tag out",
}
# What a <meta> may tell; `referrer`, for one, would change what links give away.
_META_NAMES = frozenset(
    [
        "author",
        "color-scheme",
        "description",
        "format-detection",
        "generator",
        "keywords",
        "progid",
        "robots",
        "supported-color-schemes",
        "viewport",
    ]
)


class FenceError(ValueError):
    """Words for whoever wrote the template."""


def shortened(written: str) -> str:
    """As much of what the company wrote as a sentence bears."""
    return written if len(written) <= _SHOWN else f"{written[:_SHOWN]}…"


def require_tag(name: str) -> None:
    """Refuse what runs or frames something, sends something away, or is read by other rules.

    Raises:
        FenceError: with words.
    """
    if name in _REFUSED_TAGS:
        raise FenceError(f"must hold no <{name}>: {_REFUSED_TAGS[name]}")


def require_attribute(name: str, tag: str) -> None:
    """Refuse what runs something or sends something away.

    Raises:
        FenceError: with words.
    """
    reason = _SCRIPT if name.startswith("on") else _REFUSED_ATTRIBUTES.get(name)
    if reason:
        raise FenceError(f"must hold no attribute {shortened(name)} in <{shortened(tag)}>: {reason}")


def require_meta(attribute: str, value: str) -> None:
    """Let a ``<meta>`` tell of nothing but how the mail is shown, and of no other letters than the mail's.

    Raises:
        FenceError: with words.
    """
    if attribute == "charset" and value != "utf-8":
        raise FenceError(f"must have the charset utf-8 in <meta>, as the mail has, not {shortened(value)}")
    if attribute == "name" and value not in _META_NAMES and not value.startswith("x-apple-"):
        raise FenceError(f"must hold no <meta name={shortened(value)}>: leave this tag out")
