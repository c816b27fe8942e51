"""Links of video calls, which vendors make and messages carry."""

from __future__ import annotations

import pytest

from shared.calendars.providers.contract import video_link


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        ("https://meet.example/abc", "https://meet.example/abc"),
        (" https://meet.example/abc\n", "https://meet.example/abc"),
        (f"https://meet.example/{'a' * 1_900}", f"https://meet.example/{'a' * 1_900}"),
        (f"https://meet.example/{'a' * 2_000}", ""),
        ("https://meet.example/a\nb", ""),
        ("https://meet.example/a b", ""),
        ("", ""),
        (None, ""),
    ],
)
def test_a_link_that_no_message_could_carry_is_none(given: object, kept: str) -> None:
    """It is left out where it comes in, so that it stops no e-mail and no reminder."""
    assert video_link(given) == kept
