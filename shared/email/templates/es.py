"""Spanish."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.templates.words import Row, Words

if TYPE_CHECKING:
    from shared.companies.email import TemplateName

_HELLO = "Hola{% if customer.name %}, {{ customer.name }}{% endif %}:"
_CALL = "{% if company.phone %}¿Tienes alguna duda? Llámanos al {{ company.phone }}.{% endif %}"
_FACTS = (
    Row("Servicio", "appointment.service"),
    Row("Día", "appointment.date"),
    Row("Hora", "appointment.time"),
    Row("Duración", "appointment.duration", optional=True),
    Row("Lugar", "appointment.place", optional=True),
    Row("Referencia", "appointment.reference", optional=True),
)
_CONNECT = (
    "{% if integration.connect_url %}El enlace pide tu confirmación antes de conectar nada."
    "{% else %}Pide un enlace nuevo a quien configuró tu asistente.{% endif %}"
)
_CHANGE = "Cambiar o cancelar la cita"
_CONVERSATION = (
    Row("Cliente", "conversation.contact", optional=True),
    Row("Canal", "conversation.channel"),
    Row("Motivo", "conversation.reason"),
)

TEMPLATES: dict[TemplateName, Words] = {
    "appointment_confirmed": Words(
        subject="Cita confirmada: {{ appointment.date }}, {{ appointment.time }}",
        heading="Tu cita está confirmada",
        lines=(_HELLO, "Te esperamos en {{ company.name }}. Estos son los datos de tu cita."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "appointment_moved": Words(
        subject="Tu cita ha cambiado: {{ appointment.date }}, {{ appointment.time }}",
        heading="Tu cita ha cambiado",
        lines=(_HELLO, "Tu cita del {{ previous.date }} a las {{ previous.time }} pasa a ser:"),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "appointment_cancelled": Words(
        subject="Cita cancelada: {{ appointment.date }}, {{ appointment.time }}",
        heading="Tu cita está cancelada",
        lines=(_HELLO, "Esta cita en {{ company.name }} queda cancelada."),
        rows=_FACTS[:3],
        button="Pedir otra cita",
        link="appointment.manage_url",
        closing=(_CALL,),
    ),
    "appointment_reminder": Words(
        subject="Recordatorio de tu cita: {{ appointment.date }}, {{ appointment.time }}",
        heading="Te recordamos tu cita",
        lines=(_HELLO, "Nos vemos pronto en {{ company.name }}."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "reconnect_notice": Words(
        subject="{{ integration.name }} necesita que lo conectes de nuevo",
        heading="Hay que conectar {{ integration.name }} de nuevo",
        lines=(
            "{{ company.name }} ya no puede usar {{ integration.name }}.",
            "Hasta que alguien lo conecte de nuevo, el asistente no podrá hacer lo que depende de ello.",
        ),
        rows=(Row("Motivo", "integration.reason"), Row("Desde", "integration.since")),
        button="Conectar de nuevo",
        link="integration.connect_url",
        closing=(_CONNECT,),
    ),
    "hand_over_notice": Words(
        subject="Una conversación espera a una persona",
        heading="Una conversación espera a una persona",
        lines=("El asistente de {{ company.name }} ha pasado esta conversación al equipo.",),
        rows=_CONVERSATION,
        button="Abrir la conversación",
        link="conversation.url",
    ),
    "dead_letter_notice": Words(
        subject="Un cliente se ha quedado sin respuesta",
        heading="Un cliente se ha quedado sin respuesta",
        lines=(
            "El asistente de {{ company.name }} no ha podido responder, ni avisar en la conversación.",
            "Por favor, respóndele tú.",
        ),
        rows=_CONVERSATION,
        button="Abrir la conversación",
        link="conversation.url",
    ),
}
