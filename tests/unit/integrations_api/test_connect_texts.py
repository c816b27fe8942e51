"""What the pages of the consent flow say."""

from __future__ import annotations

import pytest

from functions.integrations_api.connect_texts import LANGUAGES, PLACES, place_text
from shared.credentials.providers.registry import PROVIDERS


@pytest.mark.parametrize("name", PROVIDERS)
def test_where_access_is_ended_is_told_in_each_language(name: str) -> None:
    """An address needs no other words; what holds more than that does."""
    place = PROVIDERS[name].remove_at
    told = {place_text(place, language) for language in LANGUAGES}
    assert len(told) == (len(LANGUAGES) if " " in place else 1)


def test_no_place_is_put_into_words_that_no_provider_has() -> None:
    """The providers' own data has the last word on where it is."""
    assert set(PLACES) <= {provider.remove_at for provider in PROVIDERS.values()}
