"""A customer's bare yes to a reminder, in the desk's three languages; everything else is for the model."""

from __future__ import annotations

from shared.platform.folding import fold

# Whole messages of these words alone: "claro que no" holds others, and goes to the model.
_YES = frozenset(
    [
        *(
            "si",
            "sip",
            "sii",
            "claro",
            "vale",
            "confirmo",
            "confirmado",
            "confirmada",
            "correcto",
            "perfecto",
        ),
        *("ire", "asistire", "iremos", "voy", "vamos", "estare", "estaremos"),
        *("yes", "yep", "yeah", "ok", "okay", "sure", "confirm", "confirmed", "correct"),
        *("sim", "certo", "confirmo", "irei", "vou", "estarei"),
    ]
)
_BESIDE = frozenset(
    [
        *("gracias", "muchas", "por", "supuesto", "alli", "ahi", "de", "acuerdo", "hola", "buenas", "buenos"),
        *("dias", "tardes", "noches", "a", "la", "cita", "mi", "muy", "bien", "thanks", "thank", "you", "hi"),
        *("i", "will", "be", "there", "hello", "obrigado", "obrigada", "muito", "ola", "bom", "dia", "la"),
    ]
)
_SIGNS = frozenset("👍👌✅🙌😊🙂😀😃😄🙏❤")
_MOST_CHARACTERS = 80


def is_yes(text: str) -> bool:
    """Whether a message says yes and nothing else."""
    if not 0 < len(text) <= _MOST_CHARACTERS or "?" in text:
        return False
    folded = fold(text)
    words = "".join(one if one.isalnum() else " " for one in folded).split()
    signs = {one for one in folded if one in _SIGNS}
    if any(word not in _YES | _BESIDE for word in words):
        return False
    return any(word in _YES for word in words) or (not words and bool(signs & set("👍👌✅")))
