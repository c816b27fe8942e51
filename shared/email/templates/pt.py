"""Portuguese."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.templates.words import Row, Words

if TYPE_CHECKING:
    from shared.companies.email import TemplateName

_HELLO = "Olá{% if customer.name %}, {{ customer.name }}{% endif %}!"
_CALL = "{% if company.phone %}Alguma dúvida? Ligue para {{ company.phone }}.{% endif %}"
_FACTS = (
    Row("Serviço", "appointment.service"),
    Row("Dia", "appointment.date"),
    Row("Hora", "appointment.time"),
    Row("Duração", "appointment.duration", optional=True),
    Row("Local", "appointment.place", optional=True),
    Row("Referência", "appointment.reference", optional=True),
)
_CONNECT = (
    "{% if integration.connect_url %}O link pede a sua confirmação antes de ligar seja o que for."
    "{% else %}Peça um novo link a quem configurou o seu assistente.{% endif %}"
)
_CHANGE = "Alterar ou cancelar"
_CONVERSATION = (
    Row("Cliente", "conversation.contact", optional=True),
    Row("Canal", "conversation.channel"),
    Row("Motivo", "conversation.reason"),
)

TEMPLATES: dict[TemplateName, Words] = {
    "appointment_confirmed": Words(
        subject="Marcação confirmada: {{ appointment.date }}, {{ appointment.time }}",
        heading="A sua marcação está confirmada",
        lines=(_HELLO, "Esperamos por si em {{ company.name }}."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "appointment_moved": Words(
        subject="A sua marcação mudou: {{ appointment.date }}, {{ appointment.time }}",
        heading="A sua marcação mudou",
        lines=(_HELLO, "A sua marcação de {{ previous.date }}, às {{ previous.time }}, passa a ser:"),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "appointment_cancelled": Words(
        subject="Marcação cancelada: {{ appointment.date }}, {{ appointment.time }}",
        heading="A sua marcação foi cancelada",
        lines=(_HELLO, "Esta marcação em {{ company.name }} foi cancelada."),
        rows=_FACTS[:3],
        button="Fazer outra marcação",
        link="appointment.manage_url",
        closing=(_CALL,),
    ),
    "appointment_reminder": Words(
        subject="Lembrete da sua marcação: {{ appointment.date }}, {{ appointment.time }}",
        heading="Lembrete da sua marcação",
        lines=(_HELLO, "Até breve em {{ company.name }}."),
        rows=_FACTS,
        button=_CHANGE,
        link="appointment.manage_url",
        closing=("Hora local de {{ appointment.zone }}.", _CALL),
    ),
    "reconnect_notice": Words(
        subject="É preciso ligar {{ integration.name }} de novo",
        heading="É preciso ligar {{ integration.name }} de novo",
        lines=(
            "{{ company.name }} já não consegue usar {{ integration.name }}.",
            "Até que alguém faça a ligação de novo, o assistente não consegue fazer o que depende dela.",
        ),
        rows=(Row("Motivo", "integration.reason"), Row("Desde", "integration.since")),
        button="Ligar de novo",
        link="integration.connect_url",
        closing=(_CONNECT,),
    ),
    "hand_over_notice": Words(
        subject="Uma conversa espera por uma pessoa",
        heading="Uma conversa espera por uma pessoa",
        lines=("O assistente de {{ company.name }} passou esta conversa à equipa.",),
        rows=_CONVERSATION,
        button="Abrir a conversa",
        link="conversation.url",
    ),
    "dead_letter_notice": Words(
        subject="Um cliente ficou sem resposta",
        heading="Um cliente ficou sem resposta",
        lines=(
            "O assistente de {{ company.name }} não conseguiu responder, nem avisar na conversa.",
            "Por favor, responda ao cliente.",
        ),
        rows=_CONVERSATION,
        button="Abrir a conversa",
        link="conversation.url",
    ),
}
