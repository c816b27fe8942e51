"""The rules a company sets for its desk: disclosure, hand-over, takeover, retention, limits."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from shared.companies.base import LanguageTag, Part, Phrase, ShortText, Text, for_language

# The EU's AI Act (regulation 2024/1689), article 50 (1): people learn that they talk to a machine at the
# latest at the first interaction.
DISCLOSURE_TEXTS = {
    "es": "Soy un asistente virtual automático. Si prefieres hablar con una persona, dímelo.",
    "en": "I am an automated virtual assistant. If you would rather talk to a person, just tell me.",
    "pt": "Sou um assistente virtual automático. Se preferir falar com uma pessoa, é só dizer.",
}
HAND_OVER_TEXTS = {
    "es": "Te paso con una persona del equipo, que te responderá lo antes posible.",
    "en": "I am handing you over to a person of our team, who will answer as soon as possible.",
    "pt": "Vou passar a conversa para uma pessoa da equipa, que responderá o mais rápido possível.",
}
OUT_OF_HOURS_TEXTS = {
    "es": "Ahora mismo estamos cerrados; una persona del equipo te leerá cuando abramos.",
    "en": "We are closed right now; a person of our team will read this when we open.",
    "pt": "Neste momento estamos fechados; uma pessoa da equipa vai ler isto quando abrirmos.",
}
WORDS_TEXTS = {
    "es": "No he podido entender tu mensaje de voz. ¿Me lo puedes escribir, por favor?",
    "en": "I could not understand your voice message. Could you write it to me, please?",
    "pt": "Não consegui entender a sua mensagem de voz. Pode escrever, por favor?",
}
REPLY_PATTERNS = ("escalar", "contacta directamente", "especialista")
CUSTOMER_PATTERNS = (
    "hablar con una persona",
    "hablar con un humano",
    "agente humano",
    "talk to a person",
    "speak to a person",
    "talk to a human",
    "speak to a human",
    "human agent",
    "falar com uma pessoa",
    "falar com um humano",
    "atendente humano",
)
ConversationStatus = Literal["open", "pending", "resolved", "snoozed"]


class Disclosure(Part):
    """What tells a customer, at the first interaction, that a machine answers."""

    enabled: bool = True
    texts: dict[LanguageTag, Text] = Field(default_factory=dict)

    def text_for(self, language: str) -> str:
        """The sentence in a language, else in English."""
        return for_language(self.texts, language, DISCLOSURE_TEXTS)


class HandOverRules(Part):
    """When a conversation goes to a person, and what happens then.

    Patterns are plain words, no regular expressions: they match whole words, without regard to case and
    accents. ``reply_patterns`` are looked for in the desk's reply, which is still sent; ``customer_patterns``
    in the customer's message.

    ``notify_by_email`` tells the company's ``staff_email`` of each hand-over as well: ``always``, or only
    ``outside_hours``, when nobody looks into Chatwoot.
    """

    reply_patterns: list[Phrase] = Field(default_factory=lambda: list(REPLY_PATTERNS), max_length=100)
    customer_patterns: list[Phrase] = Field(default_factory=lambda: list(CUSTOMER_PATTERNS), max_length=100)
    # None: ``pending`` where a webhook serves the inbox, ``open`` where an agent bot does.
    status: Literal["open", "pending", "snoozed"] | None = None
    customer_text: dict[LanguageTag, Text] = Field(default_factory=dict)
    notify_by_email: Literal["never", "always", "outside_hours"] = "never"

    def text_for(self, language: str) -> str:
        """What the customer is told, in a language, else in English."""
        return for_language(self.customer_text, language, HAND_OVER_TEXTS)


class TakeoverRules(Part):
    """When a person is in charge, and when the desk may speak again."""

    assignment_means_takeover: Literal["auto", "always", "never"] = "auto"
    # None: ``open`` where a webhook serves the inbox, ``pending`` where an agent bot does.
    bot_statuses: Annotated[list[ConversationStatus], Field(min_length=1, max_length=4)] | None = None
    resume_after_hours: Annotated[int, Field(ge=1, le=24 * 30)] | None = 12
    resume_label: ShortText = "bot"


class Retention(Part):
    """How much of a contact's history the desk may use, and for how long it is kept."""

    history_days: Annotated[int, Field(ge=1, le=400)] = 30
    history_messages: Annotated[int, Field(ge=0, le=200)] = 20


class Limits(Part):
    """Brakes against loops, beyond which there is one hand-over, and against the desk as a sender of mail."""

    turns_per_hour: Annotated[int, Field(ge=1, le=1_000)] = 20
    turns_per_contact_day: Annotated[int, Field(ge=1, le=10_000)] = 60
    # Of e-mails that the model sends because the customer asks: an address that a customer writes may be
    # anybody's.
    emails_per_contact_day: Annotated[int, Field(ge=1, le=100)] = 5
    email_addresses_per_contact_day: Annotated[int, Field(ge=1, le=20)] = 2
    # Of all contacts together: a visitor of a web chat can be a new contact at every visit.
    emails_of_contacts_day: Annotated[int, Field(ge=1, le=2_000)] = 200


class OutOfHours(Part):
    """What happens to messages that come while the company is closed.

    ``answer``: as always. ``notice``: as always, and the notice once. ``hand_over``: the notice, and a person
    takes it from there. Without opening hours a company is never closed.
    """

    policy: Literal["answer", "notice", "hand_over"] = "answer"
    notice: dict[LanguageTag, Text] = Field(default_factory=dict)

    def text_for(self, language: str) -> str:
        """The notice in a language, else in English."""
        return for_language(self.notice, language, OUT_OF_HOURS_TEXTS)


class WindowTemplate(Part):
    """A template message approved by the channel, for when its messaging window is closed.

    ``text`` is what the template says, for the history and for people; the channel sends its own copy.
    """

    name: ShortText
    language: ShortText
    category: Literal["UTILITY", "MARKETING", "AUTHENTICATION"] = "UTILITY"
    text: Text


class MediaRules(Part):
    """What is said about voice messages that could not be understood."""

    ask_for_words: dict[LanguageTag, Text] = Field(default_factory=dict)

    def words_for(self, language: str) -> str:
        """The request for words in a language, else in English."""
        return for_language(self.ask_for_words, language, WORDS_TEXTS)
