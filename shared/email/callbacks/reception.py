"""Reports as they arrive from outside: verified with what the company stored, then taken in."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.email.callbacks import mailgun, sendgrid, ses, sns
from shared.email.secrets import WEBHOOK_KEYS
from shared.platform.clock import Deadline, epoch_milliseconds
from shared.platform.errors import NotFound, RetryLater, Untrusted
from shared.platform.observability import bound, count, log

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from shared.companies.email import Vendor
    from shared.companies.store import CompanyStore
    from shared.credentials.store import Credentials
    from shared.email.aftermath import Aftermath
    from shared.email.callbacks.sns import Certificates
    from shared.platform.clock import Clock
    from shared.platform.http import HttpClient
    from shared.platform.secret import Secret

CONFIRM_SECONDS = 5.0
# Below the 29 seconds of the function and of API Gateway, which answers 504 by itself. A batch that is not
# done by then gets 503, and vendors bring it again: SendGrid for a day.
TAKE_SECONDS = 20.0
_CONFIRM_BYTES = 64 * 1024
_OK = 200


class Reception:
    """Takes providers' reports.

    Args:
        companies: say which providers a company has.
        credentials: hold what reports are verified with.
        aftermath: keeps them.
        certificates: SNS's.
        http: makes the client that confirms a subscription.
        clock: for times.
    """

    def __init__(
        self,
        companies: CompanyStore,
        credentials: Credentials,
        aftermath: Aftermath,
        certificates: Certificates,
        http: Callable[[], HttpClient],
        clock: Clock,
    ) -> None:
        self._companies = companies
        self._credentials = credentials
        self._aftermath = aftermath
        self._certificates = certificates
        self._http = http
        self._clock = clock

    def take(
        self, vendor: Vendor, company_id: str, provider_id: str, headers: Mapping[str, str], body: bytes
    ) -> int:
        """Take a delivery of a vendor.

        Args:
            vendor: whose way of signing it must prove itself in.
            company_id: whose provider, by the path.
            provider_id: which, by the path.
            headers: names in small letters.
            body: as it came.

        Returns:
            How many of its reports were new.

        Raises:
            Untrusted: it does not prove itself, or there is nobody to whom it could.
            InvalidInput: it is no delivery of this vendor's.
            RetryLater: it cannot be taken now, or not all of it; vendors try again.
        """
        deadline = Deadline(self._clock, TAKE_SECONDS)
        with bound(company_id=company_id):
            key = self._key(vendor, company_id, provider_id)
            if vendor == "sendgrid":
                sendgrid.verify(headers, body, key.reveal(), now_seconds=self._now())
                return self._aftermath.take(company_id, provider_id, sendgrid.reports(body), deadline)
            if vendor == "mailgun":
                delivery = mailgun.read(body, key, now_seconds=self._now())
                self._aftermath.spend(company_id, delivery.token)
                return self._aftermath.take(company_id, provider_id, delivery.reports, deadline)
            return self._of_ses(company_id, provider_id, body, key, deadline)

    def _of_ses(
        self, company_id: str, provider_id: str, body: bytes, topic: Secret, deadline: Deadline
    ) -> int:
        message = sns.read(body, topic.reveal(), self._certificates, now_seconds=self._now())
        if message.kind == "SubscriptionConfirmation":
            self._confirm(message.subscribe_url)
            return 0
        if message.kind == "UnsubscribeConfirmation":
            log.warning("the topic no longer reports here", provider=provider_id)
            count("EmailTopicsUnsubscribed")
            return 0
        return self._aftermath.take(company_id, provider_id, ses.reports(message.message), deadline)

    def _confirm(self, url: str) -> None:
        """Visit the address that SNS signed; `sns.read` has seen that it is SNS's own."""
        answer = self._http().send("GET", url, timeout_seconds=CONFIRM_SECONDS, max_bytes=_CONFIRM_BYTES)
        if answer.status != _OK:
            raise RetryLater(
                f"SNS answered {answer.status} to the confirmation", reason="subscription_unconfirmed"
            )
        log.info("a topic's subscription was confirmed")

    def _key(self, vendor: Vendor, company_id: str, provider_id: str) -> Secret:
        try:
            providers = self._companies.get(company_id).email.providers
        except NotFound:
            providers = []
        known = any(one.id == provider_id and one.vendor == vendor for one in providers)
        key = self._credentials.get(company_id, WEBHOOK_KEYS, provider_id) if known else None
        if key is None:
            raise Untrusted("nobody has set such a provider's reports up", reason="provider_unknown")
        return key

    def _now(self) -> float:
        return epoch_milliseconds(self._clock.now()) / 1000
