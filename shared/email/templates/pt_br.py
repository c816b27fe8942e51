"""Portuguese of Brazil: its own words where Portugal's would sound foreign."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from shared.email.templates import pt
from shared.email.templates.words import Row

if TYPE_CHECKING:
    from shared.companies.email import TemplateName
    from shared.email.templates.words import Words

_ZONE = "Horário local de {{ appointment.zone }}."
_CALL = "{% if company.phone %}Alguma dúvida? Ligue para {{ company.phone }}.{% endif %}"
_CONNECT = (
    "{% if integration.connect_url %}O link pede a sua confirmação antes de conectar qualquer coisa."
    "{% else %}Peça um novo link a quem configurou o seu assistente.{% endif %}"
)
_AGAIN = "É preciso conectar {{ integration.name }} novamente"
_HELLO = pt.TEMPLATES["appointment_confirmed"].lines[0]
_FACTS = tuple(
    replace(row, label="Horário") if row.label == "Hora" else row
    for row in pt.TEMPLATES["appointment_confirmed"].rows
)

TEMPLATES: dict[TemplateName, Words] = {
    **pt.TEMPLATES,
    "appointment_confirmed": replace(
        pt.TEMPLATES["appointment_confirmed"],
        subject="Agendamento confirmado: {{ appointment.date }}, {{ appointment.time }}",
        heading="Seu agendamento está confirmado",
        lines=(_HELLO, "Esperamos você em {{ company.name }}."),
        rows=_FACTS,
        closing=(_ZONE, _CALL),
    ),
    "appointment_moved": replace(
        pt.TEMPLATES["appointment_moved"],
        subject="Seu agendamento mudou: {{ appointment.date }}, {{ appointment.time }}",
        heading="Seu agendamento mudou",
        lines=(_HELLO, "Seu agendamento de {{ previous.date }}, às {{ previous.time }}, passa a ser:"),
        rows=_FACTS,
        closing=(_ZONE, _CALL),
    ),
    "appointment_cancelled": replace(
        pt.TEMPLATES["appointment_cancelled"],
        subject="Agendamento cancelado: {{ appointment.date }}, {{ appointment.time }}",
        heading="Seu agendamento foi cancelado",
        lines=(_HELLO, "Este agendamento em {{ company.name }} foi cancelado."),
        rows=_FACTS[:3],
        button="Agendar outro horário",
        closing=(_CALL,),
    ),
    "appointment_reminder": replace(
        pt.TEMPLATES["appointment_reminder"],
        subject="Lembrete do seu agendamento: {{ appointment.date }}, {{ appointment.time }}",
        heading="Lembrete do seu agendamento",
        rows=_FACTS,
        closing=(_ZONE, _CALL),
    ),
    "reconnect_notice": replace(
        pt.TEMPLATES["reconnect_notice"],
        subject=_AGAIN,
        heading=_AGAIN,
        lines=(
            "{{ company.name }} não consegue mais usar {{ integration.name }}.",
            "Até que alguém conecte novamente, o assistente não consegue fazer o que depende disso.",
        ),
        rows=(Row("Motivo", "integration.reason"), Row("Desde", "integration.since")),
        button="Conectar novamente",
        closing=(_CONNECT,),
    ),
    "hand_over_notice": replace(
        pt.TEMPLATES["hand_over_notice"],
        lines=("O assistente de {{ company.name }} passou esta conversa para a equipe.",),
    ),
}
