"""Cookies out of API Gateway's events and the local AWS's."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from functions.integrations_api.cookies import browser_of, cookie, cookies_of, name_at
from shared.platform.secret import Secret

VALUE = "A" * 43
tokens = st.text("abcXYZ019-_", min_size=1, max_size=60)
pairs = st.lists(st.tuples(tokens, tokens), max_size=8)


@given(pairs)
def test_both_places_give_the_same_cookies(found: list[tuple[str, str]]) -> None:
    """The first of two with one name counts."""
    texts = [f"{name}={value}" for name, value in found]
    listed = cookies_of({"cookies": texts, "headers": {}})
    in_header = cookies_of({"headers": {"Cookie": "; ".join(texts)}})
    expected: dict[str, Secret] = {}
    for name, value in found:
        expected.setdefault(name, Secret(value))
    assert listed == in_header == expected


@given(
    st.recursive(st.none() | st.text() | st.integers(), lambda inner: st.lists(inner, max_size=3)), st.text()
)
def test_whatever_is_sent_as_a_cookie_breaks_nothing(listed: Any, header: str) -> None:  # noqa: ANN401 - any JSON
    """And only what we could have given counts as ours."""
    found = cookies_of({"cookies": listed, "headers": {"cookie": header}})
    ours = browser_of(found, "prod")
    assert ours is None or 32 <= len(ours.reveal()) <= 128


@pytest.mark.parametrize("stage", ["local", "dev", "prod"])
def test_what_we_give_is_what_we_find(stage: str) -> None:
    """At each stage under that stage's name."""
    given_out = str(cookie(Secret(VALUE), stage))
    found = cookies_of({"cookies": [given_out.partition(";")[0]]})
    assert browser_of(found, stage) == Secret(VALUE)


def test_the_plain_name_counts_at_stage_local_only() -> None:
    """Elsewhere a neighbouring host could have planted it."""
    planted = {"frontdesk-connect": Secret(VALUE)}
    assert browser_of(planted, "prod") is None
    assert browser_of(planted, "local") == Secret(VALUE)
    assert name_at("dev") == name_at("prod") == "__Host-frontdesk-connect"


@pytest.mark.parametrize("value", ["", "short", "A" * 129, "A" * 40 + "é", "A" * 40 + "\x00", "A b" * 20])
def test_what_we_could_not_have_given_is_no_cookie_of_ours(value: str) -> None:
    """So that nobody else's text gets into our table's conditions or our answers."""
    assert browser_of({"__Host-frontdesk-connect": Secret(value)}, "prod") is None
