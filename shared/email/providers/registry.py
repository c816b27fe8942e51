"""The vendors: the only module that knows each of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from shared.companies.email import MailgunProvider, SendGridProvider, SesProvider, SmtpProvider
from shared.email.providers import mailgun, sendgrid, smtp
from shared.email.providers.contract import Rejected
from shared.email.providers.mailgun import Mailgun
from shared.email.providers.sendgrid import SendGrid
from shared.email.providers.ses import Ses, ses_client
from shared.email.providers.smtp import Login, Server, Smtp
from shared.platform.http import HttpClient

if TYPE_CHECKING:
    from shared.companies.email import EmailProvider
    from shared.email.providers.contract import Capabilities, Provider
    from shared.email.providers.smtp import TokenSource
    from shared.platform.addresses import AddressGuard
    from shared.platform.clock import Clock
    from shared.platform.secret import Secret

CAPABILITIES: dict[str, Capabilities] = {
    "smtp": Smtp.capabilities,
    "sendgrid": SendGrid.capabilities,
    "mailgun": Mailgun.capabilities,
    "ses": Ses.capabilities,
}


@dataclass(frozen=True)
class Surroundings:
    """What providers work with.

    Args:
        guard: which addresses may be called.
        clock: where time comes from.
        sendgrid_url: in place of SendGrid's hosts; empty: its own.
        mailgun_url: in place of Mailgun's hosts; empty: its own.
        ses_url: in place of SES's hosts; empty: its own.
    """

    guard: AddressGuard
    clock: Clock
    sendgrid_url: str = ""
    mailgun_url: str = ""
    ses_url: str = ""


def open_provider(
    settings: EmailProvider,
    around: Surroundings,
    *,
    secret: Secret | None = None,
    tokens: TokenSource | None = None,
) -> Provider:
    """A company's provider, ready to send; it belongs to the calling thread.

    Args:
        settings: out of the company's document.
        around: what it works with.
        secret: its password or key, out of the vault.
        tokens: for SMTP with ``xoauth2``.

    Raises:
        Rejected: it cannot be opened: a port that is not allowed, or no secret.
    """
    if isinstance(settings, SmtpProvider):
        proof = tokens if settings.auth == "xoauth2" else secret
        if proof is None:
            raise _without_secret(settings.id)
        return Smtp(server_of(settings), Login(settings.username, proof), around.guard)
    if secret is None:
        raise _without_secret(settings.id)
    match settings:
        case SendGridProvider():
            url = around.sendgrid_url or sendgrid.HOSTS[settings.region]
            return SendGrid(HttpClient(around.guard), around.clock, url, secret)
        case MailgunProvider():
            url = around.mailgun_url or mailgun.HOSTS[settings.region]
            return Mailgun(HttpClient(around.guard), url, settings.domain, secret)
        case SesProvider():
            client = ses_client(settings.region, settings.access_key_id, secret, around.ses_url)
            return Ses(client, settings.configuration_set or "")


def server_of(settings: SmtpProvider) -> Server:
    """Where a company's mail server is, presets and customs applied."""
    host = settings.host or smtp.PRESETS[settings.preset or "gmail"]
    port = settings.port or (smtp.TLS_PORT if settings.security == "tls" else smtp.SUBMISSION_PORT)
    security = settings.security or ("tls" if port == smtp.TLS_PORT else "starttls")
    return Server(host, port, implicit_tls=security == "tls")


def port_is_allowed(settings: SmtpProvider) -> bool:
    """Whether mails are handed in at its port; others belong to other services."""
    return server_of(settings).port in smtp.ALLOWED_PORTS


def _without_secret(provider_id: str) -> Rejected:
    return Rejected(
        f"no secret is stored for the provider {provider_id}", about="account", reason="no_secret"
    )
