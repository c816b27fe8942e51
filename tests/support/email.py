"""E-mails for tests."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

from shared.email.addresses import Mailbox
from shared.email.invitations import Invitation, uid
from shared.email.message import NewEmail
from shared.email.rendered import Rendered, Sender, render

NOON = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
SENDER = Mailbox(address="hola@clinica-sol.example", name="Clínica Sol")
PLAIN: dict[str, Any] = {"to": ["ana@cliente.example"], "subject": "Tu cita", "html": "<p>Hola, Ana</p>"}


def invitation() -> Invitation:
    """To an appointment on a Tuesday at noon, half an hour."""
    return Invitation(
        uid=uid("apt_1", "clinica-sol.example"),
        start=NOON,
        end=NOON + timedelta(minutes=30),
        changed_at=NOON - timedelta(days=1),
        summary="Bótox, 30 min; Clínica Sol",
        location="Calle Mayor 1",
        organizer=SENDER,
        attendees=[Mailbox(address="ana@cliente.example", name='Ana "la" López')],
    )


def rendered(email_id: str = "em_1", **fields: Any) -> Rendered:  # noqa: ANN401 - fields of the message
    """A message of the clinic, ready to go."""
    email = NewEmail.parse({**PLAIN, **fields})
    sender = Sender(SENDER)
    return render(email_id, "clinica-sol", email, sender=sender, created_at=NOON, files=None)
