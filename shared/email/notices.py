"""E-mails to a company's own people: it must connect again, a conversation waits, a customer was left alone.

A notice never stands in the way of what it tells of: a company that is gone, has no ``staff_email`` or no
provider gets none, and the log says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

from shared.credentials.providers.registry import PROVIDERS
from shared.email.message import Templated
from shared.email.sending import worth_until
from shared.email.templates.values import LONGEST_VALUE, spoken
from shared.platform.errors import Conflict, InvalidInput, NotFound
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from datetime import datetime

    from shared.companies.email import Kind, TemplateName
    from shared.companies.model import Company
    from shared.companies.store import CompanyStore
    from shared.email.outbox import Outbox
    from shared.email.records import Contact
    from shared.platform.clock import Clock

_LOST = {
    "es": "El permiso ya no vale: fue retirado o caducó.",
    "pt": "A permissão já não é válida: foi retirada ou expirou.",
    "en": "The permission is no longer valid: it was withdrawn or has ended.",
}
_LEFT = {
    "es": "El asistente no pudo responder y tampoco avisar en Chatwoot.",
    "pt": "O assistente não conseguiu responder, nem avisar no Chatwoot.",
    "en": "The desk could not answer, and could not say so in Chatwoot.",
}


# Chatwoot's kinds of channel, as people call them; others are called by Chatwoot's word.
_WEB = {"es": "Chat de la web", "pt": "Chat do site", "en": "Web chat"}
_CHANNELS = {
    "Whatsapp": "WhatsApp",
    "FacebookPage": "Facebook",
    "TwitterProfile": "X",
    "TwilioSms": "SMS",
    "Sms": "SMS",
    "Email": "E-mail",
    "Api": "API",
}


@dataclass(frozen=True)
class ConversationNotice:
    """A conversation of which a company's people are told.

    Args:
        contact: what the customer is called; may be empty.
        channel: Chatwoot's channel type.
        reason: why.
        url: the conversation's page in Chatwoot; may be empty.
        key: makes it this e-mail and no other.
        customer: whose it is, so that the e-mail is found when the customer is to be forgotten.
    """

    contact: str
    channel: str
    reason: str
    url: str
    key: str
    customer: Contact | None = None


class StaffNotices:
    """Tells a company's people.

    Args:
        companies: documents.
        outbox: takes e-mails in.
        clock: for how long a notice is worth sending.
    """

    def __init__(self, companies: CompanyStore, outbox: Outbox, clock: Clock) -> None:
        self._companies = companies
        self._outbox = outbox
        self._clock = clock

    def reconnect(self, company_id: str, provider: str, *, reason: str, since: datetime, key: str) -> None:
        """It must connect a provider again: see `shared.credentials.refresh_rounds.ReconnectNotice`."""
        company = self._company(company_id)
        if company is None:
            return
        date, time = spoken(since, ZoneInfo(company.zone), company.language)
        integration = {
            "name": PROVIDERS[provider].title if provider in PROVIDERS else provider,
            "reason": f"{_in_language(_LOST, company)} ({reason})",
            "since": f"{date}, {time}",
        }
        self._tell(company_id, company, "reconnect_notice", "notice", key, {"integration": integration})

    def left_unanswered(self, company_id: str, notice: ConversationNotice) -> None:
        """A conversation was given up, and nobody could be told in Chatwoot; its reason is a slug."""
        company = self._company(company_id)
        if company is not None:
            reason = f"{_in_language(_LEFT, company)} ({notice.reason})"
            told = _conversation(notice, reason, company)
            self._tell(company_id, company, "dead_letter_notice", "staff", notice.key, told, notice.customer)

    def handed_over(self, company_id: str, notice: ConversationNotice) -> None:
        """A conversation waits for a person; its reason stands in words of the company's language."""
        company = self._company(company_id)
        if company is not None:
            told = _conversation(notice, f"{notice.reason[:1].upper()}{notice.reason[1:]}.", company)
            self._tell(company_id, company, "hand_over_notice", "staff", notice.key, told, notice.customer)

    def _company(self, company_id: str) -> Company | None:
        try:
            company = self._companies.get(company_id)
        except NotFound:
            return None
        if company.staff_email is None or not company.email.providers:
            log.info("no notice: the company has no staff_email or no provider of e-mail", company=company_id)
            return None
        return company

    def _tell(
        self,
        company_id: str,
        company: Company,
        template: TemplateName,
        kind: Kind,
        key: str,
        values: dict[str, Any],
        customer: Contact | None = None,
    ) -> None:
        with bound(company_id=company_id):
            try:
                email = Templated.parse(
                    {
                        "to": [company.staff_email],
                        "template": template,
                        "language": company.language,
                        "values": {"company": {"name": company.name}, **values},
                    }
                )
                ends_at = worth_until(company, kind, self._clock.now())
                self._outbox.enqueue(
                    company_id, email, key=f"notice:{key}", kind=kind, ends_at=ends_at, contact=customer
                )
            except Conflict:
                log.info("the notice was given before", template=template)
            except InvalidInput as error:
                log.error("a notice cannot be written", template=template, reason=error.reason)
                count("NoticesUnwritten", template=template)


def _channel(name: str, company: Company) -> str:
    kind = name.removeprefix("Channel::")
    return _in_language(_WEB, company) if kind == "WebWidget" else _CHANNELS.get(kind, kind or "Chatwoot")


def _conversation(notice: ConversationNotice, reason: str, company: Company) -> dict[str, Any]:
    """The values of a template that tells of a conversation."""
    values = {
        "contact": notice.contact[:LONGEST_VALUE] or None,
        "channel": _channel(notice.channel, company),
        "reason": reason,
        # Without TLS, as on one's own machine, the notice goes out without its link.
        "url": notice.url if notice.url.startswith("https://") else None,
    }
    return {"conversation": values}


def _in_language(words: dict[str, str], company: Company) -> str:
    return words.get(company.language.split("-", 1)[0].lower(), words["en"])
