"""Consent at an OAuth provider, whichever it is: every check is here.

A link names the company and is sent to a person. Its button trades it for a state that is bound to company,
provider and that very browser, and lives ten minutes. The callback checks all of that before it spends the
code, and what was granted before it stores anything. Rules: RFC 9700 (OAuth 2.0 Security Best Current
Practice) sections 2.1, 4.4 and 4.7; RFC 7636 (PKCE); RFC 9207 (issuer).
"""

from __future__ import annotations

import base64
import hashlib
import secrets
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from shared.credentials.states import NewState, StateUnusable
from shared.integrations.oauth_arrivals import Arrivals, Visit
from shared.integrations.oauth_values import Arrival, Departure, Invitation, Return
from shared.platform.errors import Conflict, FieldError, InvalidInput, NotFound
from shared.platform.secret import Secret
from shared.platform.secrets import SecretMissing

if TYPE_CHECKING:
    from shared.companies.model import Company
    from shared.companies.store import CompanyStore
    from shared.credentials.clients import OAuthClients
    from shared.credentials.connections import Connections
    from shared.credentials.providers.contract import OAuthProvider
    from shared.credentials.states import State, States

VERIFIER_BYTES = 64
BROWSER_BYTES = 32


class OAuthFlow:
    """Leads a person through consent.

    Args:
        companies: whose names and return addresses are shown.
        connections: what is connected already.
        states: one-time tokens.
        clients: who we are at the providers.
        arrivals: what happens once the person is back.
    """

    def __init__(
        self,
        companies: CompanyStore,
        connections: Connections,
        states: States,
        clients: OAuthClients,
        arrivals: Arrivals,
    ) -> None:
        self._companies = companies
        self._connections = connections
        self._states = states
        self._clients = clients
        self._arrivals = arrivals

    def begin(self, company_id: str, provider: str, return_to: str | None, actor: str) -> Secret:
        """Make the link that a person of the company opens; an hour, and one use, is its life.

        Args:
            company_id: for whom.
            provider: with whom.
            return_to: one of the company's return addresses; ``None``: its first, if it has any.
            actor: who asks, for the audit trail.

        Raises:
            NotFound: there is no such company.
            ProviderOff: this deployment has no client for the provider.
            Conflict: the client's secret is not set.
            InvalidInput: the return address is none of the company's.
        """
        company = self._companies.get(company_id)
        client = self._clients.of(provider)
        try:
            client.secret()
        except SecretMissing:
            raise Conflict(
                f"{client.provider.title} is not set up in this deployment: the operator sets the secret "
                f"{provider}_client_secret",
                reason="provider_off",
            ) from None
        facts = {"return_to": _return_address(company, return_to), "actor": actor}
        return self._states.issue(NewState("link", company_id, provider, facts))

    def look(self, provider: str, link: str) -> Invitation:
        """What a link asks for. Looking does not use it up: mail programs look as well.

        Raises:
            StateUnusable: the link does not count.
            ProviderOff: the provider was switched off meanwhile.
        """
        state = self._states.look("link", provider, link)
        company = self._company(state)
        client = self._clients.of(provider)
        current = self._connections.get(state.company_id, provider)
        email = current.account_email if current is not None else ""
        return Invitation(company.name, company.language, _asking(client.provider, company), email)

    def depart(self, provider: str, link: str, redirect_uri: str, browser: Secret | None) -> Departure:
        """Use the link up and send the browser to the provider.

        Args:
            provider: the page's.
            link: the link's token.
            redirect_uri: our callback, as the provider knows it.
            browser: the cookie that the browser has already; one browser may have several states.

        Raises:
            StateUnusable: the link does not count.
            ProviderOff: the provider was switched off meanwhile.
        """
        found = self._states.look("link", provider, link)
        client = self._clients.of(provider)
        asking = _asking(client.provider, self._company(found))
        verifier = Secret(secrets.token_urlsafe(VERIFIER_BYTES))
        browser = browser or Secret(secrets.token_urlsafe(BROWSER_BYTES))
        facts = {**found.facts, "redirect_uri": redirect_uri}
        new = NewState("state", found.company_id, provider, facts, {"verifier": verifier}, browser)
        state = self._states.trade(found, new)
        asked = {
            "response_type": "code",
            "client_id": client.client_id,
            "redirect_uri": redirect_uri,
            "scope": " ".join(asking.asked),
            "code_challenge": challenge_of(verifier),
            "code_challenge_method": "S256",
            **client.provider.authorize_parameters,
            "state": state.reveal(),
        }
        return Departure(f"{client.provider.endpoints.authorize}?{urlencode(asked)}", browser)

    def finish(self, provider: str, back: Return, browser: Secret | None) -> Arrival:
        """Check who comes back, then exchange the code, look at what was granted, and store it.

        Args:
            provider: the callback's.
            back: what came with the browser.
            browser: its cookie.

        Raises:
            StateUnusable: it is not the answer to a question of ours in this browser; nothing was spent,
                asked or stored.
        """
        state = self._states.look("state", provider, back.state, browser)
        company = self._company(state)
        expected = self._clients.provider(provider)
        if back.issuer and not expected.is_issuer(back.issuer):
            raise StateUnusable(
                "the answer comes from somewhere else", reason="wrong_issuer", company_id=state.company_id
            )
        self._states.take(state)
        visit = self._visit(state, company, browser)
        if back.error or not back.code:
            return self._arrivals.refused(visit, back.error or "no_code")
        return self._arrivals.exchanged(visit, back.code)

    def decide(self, provider: str, token: str, word: str, browser: Secret | None) -> Arrival:
        """What the person says to the outcome: ``switch``, ``keep`` or ``disconnect``.

        Raises:
            StateUnusable: the question was not asked in this browser, was answered, or is too old.
            InvalidInput: it is no answer to this question.
        """
        state = self._states.look("choice", provider, token, browser)
        visit = self._visit(state, self._company(state), browser)
        if word not in state.facts["words"]:
            raise InvalidInput("this question has other answers", reason="unknown_choice")
        self._states.take(state)
        return self._arrivals.decided(visit, word)

    def _company(self, state: State) -> Company:
        try:
            return self._companies.get(state.company_id)
        except NotFound:
            raise StateUnusable("the company does not exist any more") from None

    def _visit(self, state: State, company: Company, browser: Secret | None) -> Visit:
        # The list may have changed since the link was made: what is not on it now is not gone to.
        address = str(state.facts.get("return_to", ""))
        allowed = address if address in company.return_urls else ""
        provider = _asking(self._clients.provider(state.provider), company)
        return Visit(state, company, provider, allowed, browser or Secret(""))


def challenge_of(verifier: Secret) -> str:
    """The S256 challenge of a PKCE verifier (RFC 7636 section 4.2)."""
    digest = hashlib.sha256(verifier.reveal().encode("ascii")).digest()
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _asking(provider: OAuthProvider, company: Company) -> OAuthProvider:
    """Mail is asked for only where the company's document says that the account sends it."""
    return provider.asking(mail=company.email.through(provider.name))


def _return_address(company: Company, wanted: str | None) -> str:
    if wanted is None:
        return company.return_urls[0] if company.return_urls else ""
    if wanted not in company.return_urls:
        problem = "is none of the company's return_urls"
        raise InvalidInput(
            f"return_to {problem}",
            reason="return_to_not_allowed",
            fields=(FieldError("return_to", problem),),
            status=422,
        )
    return wanted
