"""What functions count when they could do nothing better: each count is an alarm of the operator's."""

from __future__ import annotations

from dataclasses import dataclass

from infra import names


@dataclass(frozen=True)
class Counter:
    """A metric that a function counts, any occurrence of which the operator wants to know.

    Args:
        alarm: name of the alarm.
        function: who counts.
        metric: as it is named in `shared.platform.observability.count`.
        says: what it means.
        reason: count only those with this value of the dimension ``reason``; empty: all.
        threshold: how many of them within five minutes.
    """

    alarm: str
    function: str
    metric: str
    says: str
    reason: str = ""
    threshold: int = 1

    @property
    def pattern(self) -> str:
        """CloudWatch's filter pattern: an embedded metric is a line of the log, its value a list."""
        only = f' && $.reason = "{self.reason}"' if self.reason else ""
        return f"{{ $.{self.metric}[0] >= 1{only} }}"


COUNTERS = (
    Counter(
        "consents-refused",
        names.INTEGRATIONS_API,
        "OAuthClientRefused",
        "A provider refuses this deployment's OAuth client: no company can connect its account there.",
    ),
    Counter(
        "dead-letters",
        names.DEAD_LETTERS,
        "DeadLetters",
        "Frontdesk gave a conversation up; its record says why.",
    ),
    Counter(
        "dead-letters-untold",
        names.DEAD_LETTERS,
        "DeadLettersUntold",
        "Frontdesk gave a conversation up and can tell nobody through Chatwoot: look at its record.",
    ),
    Counter(
        "hand-over-storm",
        names.DEAD_LETTERS,
        "HandOverStorm",
        "More than twenty conversations were given up for one cause within five minutes: look at the cause.",
    ),
    Counter(
        "companies-without-secret",
        names.CHATWOOT_WEBHOOK,
        "CompaniesWithoutSecret",
        "Deliveries of a company are refused because no webhook secret is configured for it.",
    ),
    Counter(
        "turns-broken",
        names.CONVERSATION_TURNS,
        "AttemptsFailed",
        "A turn met an error that nobody foresaw; its log line says where.",
        reason="broken",
    ),
    Counter(
        "inboxes-failing",
        names.CONVERSATION_TURNS,
        "InboxesFailing",
        "More than one in twenty messages of an inbox failed at its channel; the log line says which inbox.",
    ),
    Counter(
        "duplicate-parts",
        names.CHATWOOT_WEBHOOK,
        "DuplicateParts",
        "A customer read a part of a reply twice; the log line says in which conversation.",
    ),
    Counter(
        "records-unreadable",
        names.DEAD_LETTERS,
        "UnreadableRecords",
        "A record of the queues that nobody can read was put aside: perhaps a customer waits for its answer.",
    ),
    Counter(
        "transcriptions-refused",
        names.CONVERSATION_TURNS,
        "TranscriptionsRefused",
        "Voice messages are not understood: the key, the quota or the model's name is wrong.",
    ),
    Counter(
        "keys-refused",
        names.CONVERSATION_TURNS,
        "KeyServiceFailures",
        "KMS opens no data keys: work ends when what is in memory is five minutes old.",
    ),
    Counter(
        "keys-refused-at-door",
        names.CHATWOOT_WEBHOOK,
        "KeyServiceFailures",
        "KMS opens no data keys at the door: deliveries cannot be verified.",
    ),
    Counter(
        "visits-broken",
        names.CONVERSATION_TURNS,
        "VisitsBroken",
        "A conversation could not even be begun, for an error that nobody foresaw.",
    ),
    Counter(
        "messages-lost",
        names.CONVERSATION_TURNS,
        "MessagesLost",
        "Webhooks do not reach us: customers' messages were found only by the search for missed ones.",
        threshold=5,
    ),
    Counter(
        "missed-messages-broken",
        names.MISSED_MESSAGES,
        "MissedRunsBroken",
        "The search for missed messages met an error that nobody foresaw.",
    ),
    Counter(
        "oauth-client-refused",
        names.TOKEN_REFRESH,
        "OAuthClientRefused",
        "A provider refuses this deployment's OAuth client: no company's token can be renewed there.",
    ),
    Counter(
        "tokens-ended",
        names.TOKEN_REFRESH,
        "TokensEnded",
        "A company's token has ended and cannot be renewed: its calendar is out of reach.",
    ),
    Counter(
        "reminders-failed",
        names.CONVERSATION_TURNS,
        "RemindersFailed",
        "Reminders of appointments could not be said in their conversations; by reason.",
        threshold=5,
    ),
    Counter(
        "reminders-broken",
        names.APPOINTMENT_REMINDERS,
        "RemindersBroken",
        "A reminder met an error that nobody foresaw before it was handed on.",
    ),
    Counter(
        "staff-mails-late",
        names.CONVERSATION_TURNS,
        "StaffMailsLate",
        "Hand-overs of which a company's people could not be told by e-mail; they are told later.",
        threshold=5,
    ),
    Counter(
        "token-refreshes-failing",
        names.TOKEN_REFRESH,
        "TokenRefreshesFailed",
        "Many tokens could not be renewed within five minutes: a provider does not answer.",
        threshold=20,
    ),
    Counter(
        "token-refreshes-broken",
        names.TOKEN_REFRESH,
        "TokenRefreshesBroken",
        "The renewal of a token met an error that nobody foresaw.",
    ),
    Counter(
        "calendar-syncs-broken",
        names.CALENDAR_SYNC,
        "CalendarSyncsBroken",
        "The look at a company's calendars met an error that nobody foresaw.",
    ),
    Counter(
        "calendar-syncs-failing",
        names.CALENDAR_SYNC,
        "CalendarSyncsFailed",
        "Many calendars could not be read within five minutes: a vendor does not answer.",
        threshold=20,
    ),
    Counter(
        "calendars-old",
        names.CALENDAR_SYNC,
        "CalendarsOld",
        "A calendar was not read for an hour; each question for free times asks its vendor.",
    ),
    Counter(
        "email-fallbacks",
        names.EMAIL_DELIVERY,
        "EmailFallbacks",
        "E-mails go out, but not through the company's first provider: it does not take them.",
    ),
    Counter(
        "email-providers-failing",
        names.EMAIL_DELIVERY,
        "EmailBreakersOpened",
        "A company's e-mail provider fails again and again, or refuses the account, and is left alone.",
    ),
    Counter(
        "emails-unknown",
        names.EMAIL_DELIVERY,
        "EmailsUnknown",
        "Several e-mails went to a provider whose answer was lost: nobody knows yet whether they arrive.",
        threshold=5,
    ),
    Counter(
        "emails-rejected",
        names.EMAIL_DELIVERY,
        "EmailsRejected",
        "Several e-mails were not sent, and will not be, within five minutes.",
        threshold=5,
    ),
    Counter(
        "email-allowance-used-up",
        names.CONVERSATION_TURNS,
        "EmailsOverCompanyAllowance",
        "A company's customers have had as many e-mails from the desk as there are for a day.",
    ),
    Counter(
        "email-recipients-refused",
        names.EMAIL_DELIVERY,
        "EmailRecipientsRefused",
        "E-mails went out, but not to everybody: mail servers refused some of their recipients.",
        threshold=5,
    ),
    Counter(
        "emails-dropped",
        names.INTEGRATIONS_API,
        "EmailsDropped",
        "A provider took an e-mail and then did not send it, because of what it says or of the account.",
    ),
    Counter(
        "emails-sent-back",
        names.INTEGRATIONS_API,
        "EmailsSentBack",
        "Many e-mails bounced or were called spam within five minutes; providers close accounts for that.",
        threshold=10,
    ),
    Counter(
        "email-deliveries-broken",
        names.EMAIL_DELIVERY,
        "EmailDeliveriesBroken",
        "The delivery of an e-mail met an error that nobody foresaw; it is tried again.",
    ),
    Counter(
        "emails-lost",
        names.EMAIL_DELIVERY,
        "EmailsSwept",
        "E-mails waited although nobody would have taken them up; the sweep queued them again.",
        threshold=5,
    ),
)
