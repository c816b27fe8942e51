"""What a company's e-mail providers are opened with, and what their reports are verified with."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from shared.companies.email import SmtpProvider
from shared.email.callbacks.sendgrid import public_key
from shared.email.outside import SECRETS
from shared.platform.errors import FieldError, InvalidInput, NotFound

if TYPE_CHECKING:
    from shared.companies.email import EmailProvider
    from shared.companies.store import CompanyStore
    from shared.credentials.store import Credentials
    from shared.email.breakers import Breakers
    from shared.platform.secret import Secret

# The vault's name for what reports are verified with; the field is the provider's id in the document.
WEBHOOK_KEYS = "email_webhook"
_TOPIC = re.compile(r"arn:aws[a-z-]*:sns:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,256}")


class EmailSecrets:
    """Stores and removes them; nothing is ever shown again.

    Args:
        companies: say which providers there are.
        credentials: the vault's rows.
        breakers: forget a provider's failures when somebody stores something new for it.
    """

    def __init__(self, companies: CompanyStore, credentials: Credentials, breakers: Breakers) -> None:
        self._companies = companies
        self._credentials = credentials
        self._breakers = breakers

    def put(
        self, company_id: str, provider_id: str, secret: Secret | None, webhook_key: Secret | None
    ) -> list[str]:
        """Store what is given, and let the provider be asked at once; returns what was stored.

        Raises:
            NotFound: no such company, or no such provider in its document.
            InvalidInput: the secret or the key can be none of this vendor's.
        """
        provider = self._provider(company_id, provider_id)
        if webhook_key is not None:
            check_webhook_key(provider, webhook_key)
        if secret is not None:
            check_secret(provider, secret)
            self._credentials.put(company_id, SECRETS, provider_id, secret)
        if webhook_key is not None:
            self._credentials.put(company_id, WEBHOOK_KEYS, provider_id, webhook_key)
        # Who stores a new secret has mended what opened it; e-mails need not wait for the time to pass.
        self._breakers.reset(company_id, provider_id)
        given = {"secret": secret, "webhook_key": webhook_key}
        return [name for name, value in given.items() if value is not None]

    def remove(self, company_id: str, provider_id: str) -> None:
        """Remove both; also of a provider that the document no longer names."""
        for kind in (SECRETS, WEBHOOK_KEYS):
            self._credentials.delete(company_id, kind, provider_id)

    def stored(self, company_id: str) -> dict[str, dict[str, bool]]:
        """Which are there, by provider; opens none.

        Raises:
            NotFound: there is no such company.
        """
        named = [one.id for one in self._companies.get(company_id).email.providers]
        secrets = self._credentials.names(company_id, SECRETS)
        keys = self._credentials.names(company_id, WEBHOOK_KEYS)
        every = [*named, *sorted((secrets | keys) - set(named))]
        return {one: {"secret": one in secrets, "webhook_key": one in keys} for one in every}

    def _provider(self, company_id: str, provider_id: str) -> EmailProvider:
        for provider in self._companies.get(company_id).email.providers:
            if provider.id == provider_id:
                return provider
        raise NotFound("the company's document names no such e-mail provider")


def check_webhook_key(provider: EmailProvider, key: Secret) -> None:
    """Whether this can be what the vendor's reports are verified with.

    Raises:
        InvalidInput: it cannot.
    """
    problem = ""
    if isinstance(provider, SmtpProvider):
        problem = "must be left out: a mail server reports nothing"
    elif provider.vendor == "ses" and not _TOPIC.fullmatch(key.reveal()):
        problem = "must be the ARN of the SNS topic that SES publishes to"
    elif provider.vendor == "sendgrid":
        try:
            public_key(key.reveal())
        except InvalidInput as error:
            problem = f"is none of SendGrid's: {error}"
    if problem:
        raise InvalidInput(f"webhook_key {problem}", fields=(FieldError("webhook_key", problem),), status=422)


def check_secret(provider: EmailProvider, secret: Secret) -> None:
    """Whether this can be what the provider is opened with; most often a line break came along.

    Passwords of mail servers may hold any letters (RFC 4616); keys travel in headers, as visible ASCII.

    Raises:
        InvalidInput: it cannot.
    """
    text = secret.reveal()
    if isinstance(provider, SmtpProvider):
        right, problem = text.isprintable(), "must hold no control characters, such as line breaks"
    else:
        visible = all("!" <= character <= "~" for character in text)
        right, problem = visible, "must be letters, digits and marks of ASCII, without spaces or line breaks"
    if not right:
        raise InvalidInput(f"secret {problem}", fields=(FieldError("secret", problem),), status=422)
