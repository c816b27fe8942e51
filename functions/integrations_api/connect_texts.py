"""What the pages of the consent flow say, in Spanish, English and Portuguese."""

# ruff: noqa: E501 - a sentence stands whole on its line

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

LANGUAGES = ("es", "en", "pt")
_GOOGLE = "https://www.googleapis.com/auth/"

# In the order of LANGUAGES. Names in braces are filled in.
TEXTS: dict[str, tuple[str, str, str]] = {
    "invite_title": ("Conectar {title} con {company}", "Connect {title} with {company}", "Ligar {title} a {company}"),
    "invite": (
        "{company} quiere usar tu cuenta de {title} en su recepción, que funciona con Frontdesk. En el paso siguiente, {title} te pedirá permiso para:",
        "{company} would like to use your {title} account at its front desk, which runs on Frontdesk. In the next step {title} asks you to allow:",
        "{company} quer usar a sua conta de {title} na sua receção, que funciona com Frontdesk. No passo seguinte, {title} vai pedir autorização para:",
    ),
    "invite_now": (
        "Ahora está conectada la cuenta {account}.",
        "At present the account {account} is connected.",
        "Neste momento está ligada a conta {account}.",
    ),
    "invite_boxes": (
        "Marca todas las casillas: sin ellas la conexión no sirve.",
        "Tick every box there: without them the connection is of no use.",
        "Marque todas as caixas: sem elas a ligação não serve.",
    ),
    "invite_button": ("Continuar a {title}", "Continue to {title}", "Continuar para {title}"),
    "invite_stranger": (
        "Si no conoces a {company} o nadie te ha pedido esto, cierra esta página: no se ha compartido nada.",
        "If you do not know {company}, or nobody asked you for this, close this page: nothing has been shared.",
        "Se não conhece {company} ou ninguém lhe pediu isto, feche esta página: nada foi partilhado.",
    ),
    "connected_title": ("{title} está conectado", "{title} is connected", "{title} está ligado"),
    "connected": (
        "{company} usa desde ahora la cuenta {account} de {title}.",
        "From now on {company} uses the {title} account {account}.",
        "A partir de agora {company} usa a conta {account} de {title}.",
    ),
    "disconnect_button": (
        "No soy yo: desconectar", "This is not me: disconnect", "Não sou eu: desligar",
    ),
    "insufficient_title": ("Falta un permiso", "A permission is missing", "Falta uma autorização"),
    "insufficient": (
        "La cuenta {account} no ha dado a {company} estos permisos, y sin ellos no se usa:",
        "The account {account} did not give {company} these permissions, and is not used without them:",
        "A conta {account} não deu a {company} estas autorizações, e sem elas não é usada:",
    ),
    "insufficient_boxes": (
        "Pide un enlace nuevo y marca todas las casillas.",
        "Ask for a new link, and tick every box.",
        "Peça uma nova ligação e marque todas as caixas.",
    ),
    "insufficient_whole": (
        "Pide un enlace nuevo y acepta todo lo que pida {title}.",
        "Ask for a new link, and accept everything that {title} asks for.",
        "Peça uma nova ligação e aceite tudo o que {title} pedir.",
    ),
    "insufficient_kept": (
        "La conexión anterior con {previous} sigue como estaba.",
        "The earlier connection with {previous} stays as it was.",
        "A ligação anterior com {previous} continua como estava.",
    ),
    "another_account_title": ("Es otra cuenta", "This is another account", "É outra conta"),
    "another_account": (
        "{company} está conectada con {previous}. Has entrado como {account}. ¿Cuál se debe usar? Sin respuesta, todo sigue como está.",
        "{company} is connected with {previous}. You signed in as {account}. Which one shall be used? Without an answer everything stays as it is.",
        "{company} está ligada a {previous}. Entrou como {account}. Qual deve ser usada? Sem resposta, tudo fica como está.",
    ),
    "switch_button": ("Cambiar a {account}", "Switch to {account}", "Mudar para {account}"),
    "keep_button": ("Dejar {previous}", "Keep {previous}", "Manter {previous}"),
    "denied_title": ("No se ha dado permiso", "Permission was not given", "A autorização não foi dada"),
    "denied": (
        "{company} no puede usar tu cuenta de {title}; no se ha guardado nada.",
        "{company} may not use your {title} account; nothing was stored.",
        "{company} não pode usar a sua conta de {title}; nada foi guardado.",
    ),
    "kept_title": ("Todo sigue como estaba", "Everything stays as it was", "Tudo continua como estava"),
    "kept": (
        "{company} sigue usando la cuenta {account}.",
        "{company} goes on using the account {account}.",
        "{company} continua a usar a conta {account}.",
    ),
    "disconnected_title": ("Desconectado", "Disconnected", "Desligado"),
    "disconnected": (
        "{company} ya no usa la cuenta {account} de {title}.",
        "{company} no longer uses the {title} account {account}.",
        "{company} já não usa a conta {account} de {title}.",
    ),
    "unchanged_title": ("La conexión ha cambiado", "The connection has changed", "A ligação mudou"),
    "unchanged": (
        "Alguien ha cambiado la conexión entretanto, así que no se ha hecho nada.",
        "Somebody changed the connection meanwhile, so nothing was done.",
        "Alguém mudou a ligação entretanto, por isso nada foi feito.",
    ),
    "by_hand": (
        "{title} no ha confirmado el fin del acceso de {left}: quítalo también con esa cuenta en {place}.",
        "{title} did not confirm that the access of {left} has ended: remove it as well, with that account, at {place}.",
        "{title} não confirmou o fim do acesso de {left}: remova-o também com essa conta em {place}.",
    ),
    "failed_title": ("No se ha podido conectar", "It could not be connected", "Não foi possível ligar"),
    "state_unknown": (
        "Este enlace no es válido o ya se ha usado. Pide uno nuevo.",
        "This link is not valid, or has been used. Ask for a new one.",
        "Esta ligação não é válida ou já foi usada. Peça uma nova.",
    ),
    "state_expired": (
        "Este enlace ha caducado. Pide uno nuevo.",
        "This link is too old. Ask for a new one.",
        "Esta ligação expirou. Peça uma nova.",
    ),
    "state_wrong_browser": (
        "Esto se empezó en otro navegador, o tu navegador no acepta cookies. No se ha conectado nada. Si nadie te ha pedido abrir esta página, ciérrala; si lo empezaste tú, pide un enlace nuevo y ábrelo aquí.",
        "This was begun in another browser, or yours takes no cookies. Nothing was connected. If nobody asked you to open this page, close it; if you began this, ask for a new link and open it here.",
        "Isto foi iniciado noutro navegador, ou o seu não aceita cookies. Nada foi ligado. Se ninguém lhe pediu para abrir esta página, feche-a; se foi você, peça uma nova ligação e abra-a aqui.",
    ),
    "foreign_form": (
        "Esta petición no viene de nuestra página. Abre el enlace que recibiste y usa su botón.",
        "This request does not come from our page. Open the link that you were given, and use its button.",
        "Este pedido não vem da nossa página. Abra a ligação que recebeu e use o botão.",
    ),
    "no_refresh_token": (
        "{title} no ha dado un permiso duradero. Quita el acceso de esta aplicación en tu cuenta de {title} y conecta otra vez.",
        "{title} gave no lasting permission. Remove this application's access in your {title} account, and connect again.",
        "{title} não deu uma autorização duradoura. Remova o acesso desta aplicação na sua conta de {title} e ligue outra vez.",
    ),
    "code_refused": (
        "{title} no ha aceptado la respuesta: puede que sea antigua. No se ha guardado nada; pide un enlace nuevo.",
        "{title} did not accept the answer: it may be too old. Nothing was stored; ask for a new link.",
        "{title} não aceitou a resposta: pode ser antiga. Nada foi guardado; peça uma nova ligação.",
    ),
    "provider_down": (
        "{title} no responde ahora. No se ha guardado nada; pide un enlace nuevo dentro de unos minutos.",
        "{title} does not answer now. Nothing was stored; ask for a new link in a few minutes.",
        "{title} não responde agora. Nada foi guardado; peça uma nova ligação dentro de alguns minutos.",
    ),
    "not_set_up": (
        "Frontdesk no está bien registrado en {title}. Lo tiene que arreglar quien opera Frontdesk; no se ha guardado nada.",
        "Frontdesk is not set up right at {title}. Whoever runs Frontdesk has to mend it; nothing was stored.",
        "Frontdesk não está bem registado em {title}. Quem opera o Frontdesk tem de o corrigir; nada foi guardado.",
    ),
    "provider_off": (
        "{title} no está disponible en esta instalación.",
        "{title} is not available in this deployment.",
        "{title} não está disponível nesta instalação.",
    ),
    "administrator": (
        "El administrador de tu organización no permite esta conexión. No se ha guardado nada.",
        "Your organization's administrator does not allow this connection. Nothing was stored.",
        "O administrador da sua organização não permite esta ligação. Nada foi guardado.",
    ),
    "broken": (
        "Algo ha fallado. No se ha conectado nada; inténtalo de nuevo con un enlace nuevo.",
        "Something went wrong. Nothing was connected; try again with a new link.",
        "Algo falhou. Nada foi ligado; tente outra vez com uma nova ligação.",
    ),
    "continue": ("Continuar a {host}", "Continue to {host}", "Continuar para {host}"),
    "close": ("Ya puedes cerrar esta página.", "You can close this page now.", "Já pode fechar esta página."),
    "this_account": (
        "la cuenta con la que has entrado", "the account that you signed in with", "a conta com que entrou",
    ),
    "unnamed": ("sin nombre", "without a name", "sem nome"),
}  # fmt: skip
# Which text explains a reason; a reason that has a text of its own needs no line.
REASONS = {
    "state_wrong_provider": "state_unknown",
    "wrong_issuer": "state_unknown",
    "odd_query": "state_unknown",
    "unknown_choice": "state_unknown",
    "org_internal": "administrator",
    "admin_policy_enforced": "administrator",
    "consent_required": "administrator",
    "server_error": "provider_down",
    "temporarily_unavailable": "provider_down",
    "unauthorized_client": "not_set_up",
    "invalid_scope": "not_set_up",
    "no_code": "code_refused",
}
# Where a provider lets people end access, where that is more than an address.
PLACES: dict[str, tuple[str, str, str]] = {
    "myapps.microsoft.com (work or school), or account.live.com/consent/Manage (personal)": (
        "myapps.microsoft.com (trabajo o centro educativo) o account.live.com/consent/Manage (personal)",
        "myapps.microsoft.com (work or school), or account.live.com/consent/Manage (personal)",
        "myapps.microsoft.com (trabalho ou escola) ou account.live.com/consent/Manage (pessoal)",
    ),
}
SCOPES: dict[str, tuple[str, str, str]] = {
    f"{_GOOGLE}calendar.freebusy": (
        "ver a qué horas estás ocupado", "see when you are busy", "ver a que horas está ocupado",
    ),
    f"{_GOOGLE}calendar.events.owned": (
        "ver, crear, cambiar y borrar citas en tus calendarios",
        "see, create, change and delete appointments in your own calendars",
        "ver, criar, alterar e apagar marcações nos seus calendários",
    ),
    f"{_GOOGLE}calendar.calendarlist.readonly": (
        "ver la lista de tus calendarios", "see the list of your calendars", "ver a lista dos seus calendários",
    ),
    "https://mail.google.com/": (
        "enviar correos en tu nombre (Google solo da este permiso junto con el de leer, escribir y borrar tu correo)",
        "send e-mail as you (Google gives this only together with reading, writing and deleting your mail)",
        "enviar e-mails em seu nome (a Google só o dá com o de ler, escrever e apagar o seu correio)",
    ),
    "https://outlook.office.com/SMTP.Send": (
        "enviar correos desde este buzón, en tu nombre (no los puede leer)",
        "send e-mail from this mailbox, as you (it cannot read any)",
        "enviar e-mails desta caixa de correio, em seu nome (não os pode ler)",
    ),
    "offline_access": (
        "hacerlo también cuando no estés", "do so while you are away as well", "fazê-lo também na sua ausência",
    ),
    "profile": (
        "saber tu nombre y con qué usuario entras", "know your name and what you sign in with", "saber o seu nome e com que utilizador entra",
    ),
    "email": ("saber tu dirección de correo", "know your e-mail address", "saber o seu endereço de e-mail"),
    "openid": ("saber qué cuenta es", "know which account it is", "saber que conta é"),
    "users:read": ("ver tu perfil", "see your profile", "ver o seu perfil"),
    "event_types:read": ("ver tus tipos de evento", "see your event types", "ver os seus tipos de evento"),
    "availability:read": ("ver tu disponibilidad", "see your availability", "ver a sua disponibilidade"),
    "scheduled_events:read": ("ver tus citas", "see your appointments", "ver as suas marcações"),
    "scheduled_events:write": (
        "crear y cancelar citas", "create and cancel appointments", "criar e cancelar marcações",
    ),
    "scheduling_links:write": (
        "crear enlaces de reserva", "create booking links", "criar ligações de reserva",
    ),
    "webhooks:write": (
        "recibir un aviso cuando cambien tus citas",
        "be told when your appointments change",
        "receber um aviso quando as suas marcações mudarem",
    ),
}  # fmt: skip


def language_of(*wished: str) -> str:
    """The first of the wished languages that the pages speak, else English.

    Args:
        wished: language tags (BCP 47), or the value of an ``Accept-Language`` header.
    """
    tags = [tag.partition(";")[0].strip() for wish in wished for tag in wish.split(",")]
    known = (tag.partition("-")[0].lower() for tag in tags)
    return next((tag for tag in known if tag in LANGUAGES), "en")


def text(name: str, language: str, **values: str) -> str:
    """A sentence with its names filled in; not escaped yet."""
    return TEXTS[name][LANGUAGES.index(language)].format(**values)


def scope_texts(scopes: Iterable[str], language: str) -> list[str]:
    """Scopes in words; one that nobody has put into words stands as it is."""
    number = LANGUAGES.index(language)
    return [SCOPES[scope][number] if scope in SCOPES else scope for scope in scopes]


def place_text(place: str, language: str) -> str:
    """Where access is ended, in words; an address stands as it is."""
    return PLACES[place][LANGUAGES.index(language)] if place in PLACES else place
