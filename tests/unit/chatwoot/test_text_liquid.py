"""Keeping Chatwoot's Liquid from reading a model's text."""

from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.chatwoot.text.liquid import ZERO_WIDTH_SPACE, neutralise, stored_as_sent

LIQUID_TAG = re.compile(r"\{\{|\{%")
braces = st.text(st.sampled_from("{}% `ab\n"), max_size=60)


@given(braces)
def test_no_tag_can_open_and_the_eye_sees_the_same(text: str) -> None:
    """Also not when Chatwoot puts its own tags around what stands in backticks."""
    safe = neutralise(text)
    assert not LIQUID_TAG.search(safe)
    assert safe.replace(ZERO_WIDTH_SPACE, "") == text
    protected = re.sub(r"`(.*?)`", r"{% raw %}`\1`{% endraw %}", safe, flags=re.DOTALL)
    assert not LIQUID_TAG.search(protected.replace("{% raw %}", "").replace("{% endraw %}", ""))
    assert "{{%" not in protected


@given(braces)
def test_neutralising_again_changes_nothing(text: str) -> None:
    """A text that goes through twice does not collect zero-width spaces."""
    assert neutralise(neutralise(text)) == neutralise(text)


@pytest.mark.parametrize(
    "text", ["{{contact.email}}", "{%- if x -%}", "{{{a}}}", "`{% endraw %}{{contact.name}}`"]
)
def test_a_template_is_still_readable(text: str) -> None:
    """Nothing is taken out."""
    assert neutralise(text).replace(ZERO_WIDTH_SPACE, "") == text
    assert neutralise(text) != text


@pytest.mark.parametrize(
    ("sent", "stored", "same"),
    [
        ("hola", "hola", True),
        ("hola\n", "hola", True),
        ("a\nb\n\n", "a\r\nb", True),
        ("hola {{x}}", "hola ", False),
        ("hola", "Hola", False),
        ("hola ", "hola", False),
    ],
)
def test_a_change_by_chatwoot_is_seen(
    sent: str,
    stored: str,
    same: bool,  # noqa: FBT001 - a column of the table
) -> None:
    """Line ends at the end are the only difference that means nothing."""
    assert stored_as_sent(sent, stored) is same
