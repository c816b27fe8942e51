"""What happens once a person is back from the provider: exchange, look at the grant, store, or ask."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

from shared.credentials import oauth_calls
from shared.credentials.accounts import account_of
from shared.credentials.connections import NewConnection, RefreshTokenMissing
from shared.credentials.oauth_calls import ClientRefused, GrantDead
from shared.credentials.states import NewState
from shared.integrations.oauth_accounts import Grant
from shared.integrations.oauth_values import Arrival
from shared.platform.clock import epoch_milliseconds
from shared.platform.errors import FrontdeskError, InvalidInput, RetryLater
from shared.platform.observability import bound, count, log
from shared.platform.secrets import SecretMissing

if TYPE_CHECKING:
    from collections.abc import Callable

    from shared.companies.audit import Audit
    from shared.companies.model import Company
    from shared.credentials.clients import OAuthClients
    from shared.credentials.connections import Connection, Connections
    from shared.credentials.oauth_calls import Account, TokenAnswer
    from shared.credentials.providers.contract import OAuthProvider
    from shared.credentials.states import State, States
    from shared.integrations.oauth_accounts import OAuthAccounts
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret

# Words of ours for the errors of RFC 6749 section 4.1.2.1; others are just "refused".
_DENIED = "access_denied"
_KNOWN_ERRORS = {
    "admin_policy_enforced",
    "consent_required",
    "invalid_scope",
    "no_code",
    "org_internal",
    "server_error",
    "temporarily_unavailable",
    "unauthorized_client",
}


@dataclass(frozen=True)
class Visit:
    """A person who came back, with everything about the visit checked.

    Args:
        state: what the visit is about; used up.
        company: for whom.
        provider: at this deployment's hosts.
        return_to: where the browser may go afterwards; empty: nowhere.
        browser: the browser's cookie.
    """

    state: State
    company: Company
    provider: OAuthProvider
    return_to: str
    browser: Secret = field(repr=False)

    def ends(self, outcome: Any, **more: Any) -> Arrival:  # noqa: ANN401 - fields of Arrival
        """The visit's end."""
        return Arrival(
            outcome,
            self.state.company_id,
            self.company.name,
            self.company.language,
            self.provider,
            return_to=self.return_to,
            **more,
        )


class Arrivals:
    """Turns codes into connections.

    Args:
        connections: where they are stored.
        states: for the questions that stay open.
        clients: who we are at the providers.
        accounts: takes connections away again.
        http: makes a client for one visit.
        audit: where it is written down.
        clock: for the age of tokens that wait.
    """

    def __init__(
        self,
        connections: Connections,
        states: States,
        clients: OAuthClients,
        accounts: OAuthAccounts,
        http: Callable[[], HttpClient],
        audit: Audit,
        clock: Clock,
    ) -> None:
        self._connections = connections
        self._states = states
        self._clients = clients
        self._accounts = accounts
        self._http = http
        self._audit = audit
        self._clock = clock

    def refused(self, visit: Visit, error: str) -> Arrival:
        """The provider sent an error instead of a code."""
        if error == _DENIED:
            return self._told(visit.ends("denied"))
        return self._told(
            visit.ends("failed", reason=error if error in _KNOWN_ERRORS else "provider_refused")
        )

    def exchanged(self, visit: Visit, code: str) -> Arrival:
        """Exchange the code, and go on with what was granted. No error leaves this: each becomes an end."""
        with bound(company_id=visit.state.company_id, provider=visit.provider.name):
            try:
                return self._told(self._exchanged(visit, code))
            except FrontdeskError as error:
                return self._told(self._failed(visit, error))

    def decided(self, visit: Visit, word: str) -> Arrival:
        """Do what the person said to an outcome."""
        with bound(company_id=visit.state.company_id, provider=visit.provider.name):
            try:
                if word == "disconnect":
                    return self._told(self._undone(visit))
                return self._told(self._switched(visit) if word == "switch" else self._kept(visit))
            except FrontdeskError as error:
                return self._told(self._failed(visit, error))

    # -- the way in -----------------------------------------------------------------------------------

    def _exchanged(self, visit: Visit, code: str) -> Arrival:
        http, company_id, name = self._http(), visit.state.company_id, visit.provider.name
        client = self._clients.of(name)
        answer = oauth_calls.exchange(
            http,
            client,
            code=code,
            verifier=visit.state.secrets["verifier"].reveal(),
            redirect_uri=visit.state.facts["redirect_uri"],
        )
        before = self._connections.get(company_id, name)
        try:
            account = account_of(http, client, answer, self._clock.now())
        except FrontdeskError as error:
            if before is not None:  # it may be the same account, whose grant would end as a whole
                raise
            return self._discarded(answer, self._failed(visit, error))
        new = _connection(visit.provider, answer, account)
        missing = visit.provider.missing(new.scopes)
        if before is not None and before.account_id != account.account_id:
            return self._other_account(visit, answer, new, before)
        if missing and before is not None and before.status == "connected":
            # What works goes on working: the earlier grant has what this one lacks.
            return visit.ends(
                "insufficient",
                account_email=account.email,
                missing=tuple(sorted(missing)),
                previous_email=before.account_email,
            )
        return self._stored(visit, new)

    def _other_account(
        self, visit: Visit, answer: TokenAnswer, new: NewConnection, before: Connection
    ) -> Arrival:
        """Another account than before: nothing is stored until the person says so."""
        missing = visit.provider.missing(new.scopes)
        if missing:
            end = visit.ends(
                "insufficient",
                account_email=new.account_email,
                missing=tuple(sorted(missing)),
                previous_email=before.account_email,
            )
            return self._discarded(answer, end, new.account_email)
        if answer.refresh_token is None:
            error = RefreshTokenMissing("the provider gave no refresh token")
            return self._discarded(answer, self._failed(visit, error), new.account_email)
        facts = {
            "account_id": new.account_id,
            "account_email": new.account_email,
            "scopes": sorted(new.scopes),
            "settings": dict(new.settings),
            "good_until": epoch_milliseconds(self._clock.now()) + 1000 * answer.lifetime_seconds,
            "before": before.account_id,
            "before_email": before.account_email,
        }
        held = {"access_token": answer.access_token, "refresh_token": answer.refresh_token}
        choice = self._question(visit, ["switch", "keep"], facts, held)
        return visit.ends(
            "another_account",
            account_email=new.account_email,
            previous_email=before.account_email,
            choice=choice,
        )

    def _stored(self, visit: Visit, new: NewConnection) -> Arrival:
        company_id, name = visit.state.company_id, visit.provider.name
        stored = self._connections.store(company_id, name, new)
        detail = {"account": stored.account_email, "status": stored.status, "scopes": list(stored.scopes)}
        self._audit.record(company_id, str(visit.state.facts["actor"]), f"{name}.connect", detail)
        if stored.status == "insufficient":
            missing = tuple(sorted(visit.provider.missing(new.scopes)))
            return visit.ends("insufficient", account_email=stored.account_email, missing=missing)
        facts = {"account_id": stored.account_id, "account_email": stored.account_email}
        choice = self._question(visit, ["disconnect"], facts, {})
        return visit.ends("connected", account_email=stored.account_email, choice=choice)

    def _question(
        self, visit: Visit, words: list[str], facts: dict[str, Any], held: dict[str, Secret]
    ) -> Secret:
        kept = {"words": words, "return_to": visit.return_to, "actor": visit.state.facts["actor"]}
        new = NewState(
            "choice", visit.state.company_id, visit.provider.name, kept | facts, held, visit.browser
        )
        return self._states.issue(new)

    # -- answers to questions -------------------------------------------------------------------------

    def _switched(self, visit: Visit) -> Arrival:
        facts, held, name = visit.state.facts, visit.state.secrets, visit.provider.name
        before = self._connections.get(visit.state.company_id, name)
        if before is None or before.account_id != facts["before"]:
            return visit.ends("unchanged", account_email=before.account_email if before else "")
        grant = self._accounts.grant_of(visit.state.company_id, name)
        left_ms = facts["good_until"] - epoch_milliseconds(self._clock.now())
        new = NewConnection(
            kind="oauth",
            account_id=facts["account_id"],
            account_email=facts["account_email"],
            scopes=frozenset(facts["scopes"]),
            access_token=held["access_token"],
            refresh_token=held["refresh_token"],
            access_lifetime_seconds=max(0, left_ms // 1000),
            settings=facts["settings"],
        )
        end = self._stored(visit, new)
        warnings = tuple(self._accounts.end(name, grant))
        return replace(end, warnings=warnings, left_email=facts["before_email"])

    def _kept(self, visit: Visit) -> Arrival:
        facts = visit.state.facts
        end = visit.ends("kept", account_email=facts["before_email"])
        return self._given_back(end, facts["account_email"], visit.state.secrets["refresh_token"])

    def _undone(self, visit: Visit) -> Arrival:
        facts, name = visit.state.facts, visit.provider.name
        now = self._connections.get(visit.state.company_id, name)
        if now is None or now.account_id != facts["account_id"]:
            return visit.ends("unchanged", account_email=now.account_email if now else "")
        warnings = self._accounts.disconnect(visit.state.company_id, name)["warnings"]
        self._audit.record(
            visit.state.company_id,
            str(facts["actor"]),
            f"{name}.disconnect",
            {"account": facts["account_email"], "reason": "not me"},
        )
        return visit.ends(
            "disconnected",
            account_email=facts["account_email"],
            warnings=tuple(warnings),
            left_email=facts["account_email"],
        )

    # -- ends -----------------------------------------------------------------------------------------

    def _discarded(self, answer: TokenAnswer, end: Arrival, email: str = "") -> Arrival:
        """An end after which what was granted just now will not be used."""
        return self._given_back(end, email, answer.refresh_token or answer.access_token)

    def _given_back(self, end: Arrival, email: str, token: Secret) -> Arrival:
        """A grant that will not be used is ended; where that cannot be done, the person reads where they can.

        Nobody has its tokens any more, whatever the provider says.
        """
        grant = Grant(email or "that account", token)
        warnings = tuple(self._accounts.end(end.provider.name, grant))
        return replace(end, warnings=warnings, left_email=email)

    def _failed(self, visit: Visit, error: FrontdeskError) -> Arrival:
        """Each error in the slug of the page that explains it; the log has the exact reason."""
        log.warning("consent came to nothing", reason=error.reason, error=type(error).__name__)
        if isinstance(error, ClientRefused | SecretMissing):
            # Nobody but the operator can mend it, and every company meets it.
            count("OAuthClientRefused", provider=visit.provider.name, reason=error.reason)
        return visit.ends("failed", reason=_slug(error))

    def _told(self, arrival: Arrival) -> Arrival:
        log.info("consent ended", outcome=arrival.outcome, reason=arrival.reason)
        count("Consents", provider=arrival.provider.name, outcome=arrival.outcome)
        return arrival


def _slug(error: FrontdeskError) -> str:
    if isinstance(error, RefreshTokenMissing):
        return "no_refresh_token"
    if isinstance(error, GrantDead):
        return "code_refused"
    if isinstance(error, ClientRefused | SecretMissing | InvalidInput):
        return "not_set_up"
    return "provider_down" if isinstance(error, RetryLater) else "broken"


def _connection(provider: OAuthProvider, answer: TokenAnswer, account: Account) -> NewConnection:
    return NewConnection(
        kind="oauth",
        account_id=account.account_id,
        account_email=account.email,
        # An answer that names no scopes grants what was asked for (RFC 6749 section 5.1).
        scopes=answer.scopes or frozenset(provider.asked),
        access_token=answer.access_token,
        refresh_token=answer.refresh_token,
        access_lifetime_seconds=answer.lifetime_seconds,
        settings=account.settings,
    )
