"""What a delivery needs of the rest: the company's document, its words, its files, its providers."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING

from shared.companies.email import SmtpProvider
from shared.email.composing import filled, sender_of
from shared.email.message import Templated
from shared.email.outbox import read_back
from shared.email.providers.registry import open_provider
from shared.email.rendered import render as put_together
from shared.platform.errors import NotFound

if TYPE_CHECKING:
    from shared.companies.email import EmailProvider
    from shared.companies.model import Company
    from shared.companies.store import CompanyStore
    from shared.credentials.store import Credentials
    from shared.credentials.tokens import AccessToken, Tokens
    from shared.email.providers.contract import Provider
    from shared.email.providers.registry import Surroundings
    from shared.email.records import EmailRecord
    from shared.email.rendered import Files, Rendered
    from shared.platform.secret import Secret

# The vault's name for what mail providers are opened with; the field is the provider's id in the document.
SECRETS = "email"
# What tokens must allow for SMTP: "XOAUTH2 mechanism" (Google), "Authenticate an IMAP, POP or SMTP connection
# using OAuth" (Microsoft).
_NEEDS = {
    "google": frozenset({"https://mail.google.com/"}),
    "microsoft": frozenset({"https://outlook.office.com/SMTP.Send"}),
}


class CompanyOutside:
    """See `shared.email.delivery.Outside`.

    Args:
        companies: documents.
        credentials: providers' secrets.
        tokens: access tokens, for SMTP with ``xoauth2``.
        around: what providers work with.
        files: stored attachments.
    """

    def __init__(
        self,
        companies: CompanyStore,
        credentials: Credentials,
        tokens: Tokens,
        around: Surroundings,
        files: Files,
    ) -> None:
        self._companies = companies
        self._credentials = credentials
        self._tokens = tokens
        self._around = around
        self._files = files

    def company(self, company_id: str) -> Company | None:
        """The document; ``None`` where the company was deleted."""
        try:
            return self._companies.get(company_id)
        except NotFound:
            return None

    def rendered(self, record: EmailRecord, content: str, company: Company) -> Rendered:
        """The e-mail, ready to go.

        Values are filled into the template here and nowhere else, and what comes out is no template again:
        braces in a customer's name stay braces.

        Raises:
            InvalidInput, GiveUp: it cannot be put together. RetryLater: not now.
        """
        asked = read_back(content)
        email = filled(asked, company) if isinstance(asked, Templated) else asked
        return put_together(
            record.email_id,
            record.company_id,
            email,
            sender=sender_of(company, record.kind),
            created_at=record.created_at,
            files=self._files,
            first_message_id=record.message_id,
        )

    def provider(self, company_id: str, settings: EmailProvider) -> Provider:
        """A provider with its secret out of the vault.

        Raises:
            Rejected, GiveUp: it cannot be opened. RetryLater: not now.
        """
        account_at = settings.account_at if isinstance(settings, SmtpProvider) else None
        if account_at is not None:
            tokens = ConnectedTokens(self._tokens, company_id, account_at)
            return open_provider(settings, self._around, tokens=tokens)
        secret = self._credentials.get(company_id, SECRETS, settings.id)
        return open_provider(settings, self._around, secret=secret)


class ConnectedTokens:
    """Access tokens of a company's connected account, as a mail server wants them.

    Args:
        tokens: gives and renews them.
        company_id: whose.
        provider: with whom the account is.
    """

    def __init__(self, tokens: Tokens, company_id: str, provider: str) -> None:
        self._get = partial(tokens.access_token, company_id, provider, needs=_NEEDS[provider])
        self._refuse = partial(tokens.rejected, company_id, provider)
        self._given: dict[str, AccessToken] = {}

    def token(self) -> Secret:
        """See `shared.email.providers.smtp.TokenSource`."""
        found = self._get()
        self._given[found.secret.reveal()] = found
        return found.secret

    def rejected(self, token: Secret) -> None:
        """See `shared.email.providers.smtp.TokenSource`."""
        known = self._given.pop(token.reveal(), None)
        if known is not None:
            self._refuse(known)
