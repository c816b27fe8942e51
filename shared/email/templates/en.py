"""English."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.templates.words import Row, Words

if TYPE_CHECKING:
    from shared.companies.email import TemplateName

_HELLO = "Hello{% if customer.name %} {{ customer.name }}{% endif %},"
_CALL = "{% if company.phone %}Any questions? Call us on {{ company.phone }}.{% endif %}"
_FACTS = (
    Row("Service", "appointment.service"),
    Row("Day", "appointment.date"),
    Row("Time", "appointment.time"),
    Row("Duration", "appointment.duration", optional=True),
    Row("Place", "appointment.place", optional=True),
    Row("Reference", "appointment.reference", optional=True),
)
_CONNECT = (
    "{% if integration.connect_url %}The link asks for your confirmation before it connects anything."
    "{% else %}Ask whoever set your desk up for a new link.{% endif %}"
)
_CHANGE = "Change or cancel"
_CONVERSATION = (
    Row("Customer", "conversation.contact", optional=True),
    Row("Channel", "conversation.channel"),
    Row("Reason", "conversation.reason"),
)

TEMPLATES: dict[TemplateName, Words] = {
    "appointment_confirmed": Words(
        subject="Appointment confirmed: {{ appointment.date }}, {{ appointment.time }}",
        heading="Your appointment is confirmed",
        lines=(_HELLO, "We look forward to seeing you at {{ company.name }}."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Local time in {{ appointment.zone }}.", _CALL),
    ),
    "appointment_moved": Words(
        subject="Your appointment has moved: {{ appointment.date }}, {{ appointment.time }}",
        heading="Your appointment has moved",
        lines=(_HELLO, "Your appointment on {{ previous.date }} at {{ previous.time }} is now:"),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Local time in {{ appointment.zone }}.", _CALL),
    ),
    "appointment_cancelled": Words(
        subject="Appointment cancelled: {{ appointment.date }}, {{ appointment.time }}",
        heading="Your appointment is cancelled",
        lines=(_HELLO, "This appointment at {{ company.name }} will not take place."),
        rows=_FACTS[:3],
        button="Book another one",
        link="appointment.manage_url",
        closing=(_CALL,),
    ),
    "appointment_reminder": Words(
        subject="Your appointment: {{ appointment.date }}, {{ appointment.time }}",
        heading="A reminder of your appointment",
        lines=(_HELLO, "See you soon at {{ company.name }}."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Local time in {{ appointment.zone }}.", _CALL),
    ),
    "reconnect_notice": Words(
        subject="{{ integration.name }} needs to be connected again",
        heading="{{ integration.name }} needs to be connected again",
        lines=(
            "{{ company.name }} can no longer use {{ integration.name }}.",
            "Until somebody connects it again, the assistant cannot do what depends on it.",
        ),
        rows=(Row("Reason", "integration.reason"), Row("Since", "integration.since")),
        button="Connect again",
        link="integration.connect_url",
        closing=(_CONNECT,),
    ),
    "hand_over_notice": Words(
        subject="A conversation is waiting for a person",
        heading="A conversation is waiting for a person",
        lines=("The assistant of {{ company.name }} has handed this conversation over to the team.",),
        rows=_CONVERSATION,
        button="Open the conversation",
        link="conversation.url",
    ),
    "dead_letter_notice": Words(
        subject="A customer has not been answered",
        heading="A customer has not been answered",
        lines=(
            "The assistant of {{ company.name }} could not answer, and could not say so in the conversation.",
            "Please answer the customer yourself.",
        ),
        rows=_CONVERSATION,
        button="Open the conversation",
        link="conversation.url",
    ),
}
