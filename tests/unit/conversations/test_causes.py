"""Why a conversation is handed over, in words."""

from __future__ import annotations

import pytest

from shared.conversations.causes import FAULTS, Cause, why


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_words_of_its_own_in_every_language_of_ours(cause: Cause) -> None:
    """Also for a region, and English for everybody else."""
    words = {language: why(cause, language) for language in ("es", "en", "pt")}
    assert len(set(words.values())) == 3
    assert why(cause, "pt-BR") == words["pt"]
    assert why(cause, "fr") == why(cause) == words["en"]
    assert all(other is cause or why(other) != words["en"] for other in Cause)


@pytest.mark.parametrize("language", ["es", "en", "pt", "fr"])
def test_the_words_that_speak_for_many_say_so_and_name_the_cause(language: str) -> None:
    """Whoever reads them must look at the others too."""
    for cause in FAULTS:
        many = why(cause, language, many=True)
        assert many.startswith(f"{why(cause, language)}. ")
        assert "Chatwoot" in many
