"""Why a conversation is handed over, in words: for the note in it, and for the e-mail to staff."""

from __future__ import annotations

from enum import StrEnum

from shared.companies.base import for_language


class Cause(StrEnum):
    """What led to a hand-over."""

    ASKED = "asked"
    JUDGED = "judged"  # the agent says so, in words of its own
    REPLY = "reply"  # a pattern of the company's stands in the reply
    CLOSED = "closed"
    UNHEARD = "unheard"
    WINDOW = "window_closed"
    LOOPS = "loops"
    NO_ANSWER = "no_answer"
    EMPTY = "empty"
    PART_FAILED = "part_failed"
    GAVE_UP = "gave_up"


# Not what a customer or the company wants: they come in numbers, as long as what causes them lasts.
FAULTS = frozenset({Cause.LOOPS, Cause.NO_ANSWER, Cause.EMPTY, Cause.PART_FAILED, Cause.GAVE_UP})

_WORDS: dict[Cause, dict[str, str]] = {
    Cause.ASKED: {
        "es": "el cliente lo pidió",
        "en": "the customer asked for it",
        "pt": "o cliente pediu",
    },
    Cause.JUDGED: {
        "es": "el asistente ve que hace falta una persona; la nota de la conversación dice por qué",
        "en": "the assistant finds that a person is needed; the note in the conversation says why",
        "pt": "o assistente vê que é precisa uma pessoa; a nota da conversa diz porquê",
    },
    Cause.REPLY: {
        "es": "lo dice la respuesta",
        "en": "the reply says so",
        "pt": "a resposta diz isso",
    },
    Cause.CLOSED: {
        "es": "fuera del horario de apertura",
        "en": "outside the opening hours",
        "pt": "fora do horário de funcionamento",
    },
    Cause.UNHEARD: {
        "es": "no se entendieron dos mensajes de voz seguidos",
        "en": "two voice messages in a row could not be understood",
        "pt": "não foi possível entender duas mensagens de voz seguidas",
    },
    Cause.WINDOW: {
        "es": "la ventana de mensajes del canal está cerrada",
        "en": "the channel's messaging window is closed",
        "pt": "a janela de mensagens do canal está fechada",
    },
    Cause.LOOPS: {
        "es": "demasiados turnos en poco tiempo",
        "en": "too many turns in a short time",
        "pt": "demasiadas respostas em pouco tempo",
    },
    Cause.NO_ANSWER: {
        "es": "el modelo no tuvo respuesta",
        "en": "the model had no answer",
        "pt": "o modelo não teve resposta",
    },
    Cause.EMPTY: {
        "es": "la respuesta del modelo estaba vacía",
        "en": "the model's answer was empty",
        "pt": "a resposta do modelo estava vazia",
    },
    Cause.PART_FAILED: {
        "es": "un mensaje del asistente no llegó al cliente",
        "en": "a message of the assistant's did not reach the customer",
        "pt": "uma mensagem do assistente não chegou ao cliente",
    },
    Cause.GAVE_UP: {
        "es": "el asistente no pudo responder",
        "en": "the desk could not answer",
        "pt": "o assistente não conseguiu responder",
    },
}
_MANY = {
    "es": "{why}. Ahora pasa en muchas conversaciones: míralas en Chatwoot, porque mientras dure no se avisa "
    "de cada una",
    "en": "{why}. This happens in many conversations now: look at them in Chatwoot, because while it lasts "
    "there is no e-mail for each",
    "pt": "{why}. Isto acontece agora em muitas conversas: veja-as no Chatwoot, porque enquanto durar não há "
    "um aviso para cada uma",
}


def why(cause: Cause, language: str = "en", *, many: bool = False) -> str:
    """A cause as words that fit behind "Reason:", in a language, else in English.

    Args:
        cause: the cause.
        language: a language tag.
        many: whether these words speak for many conversations.
    """
    words = for_language({}, language, _WORDS[cause])
    return for_language({}, language, _MANY).format(why=words) if many else words
