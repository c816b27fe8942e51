"""Amazon SES's events, published to SNS.

The bodies are described on SES's pages "Event data that Amazon SES publishes to Amazon SNS" (event
publishing, ``eventType``) and "Amazon SNS notification contents" (feedback, ``notificationType``).
"""

from __future__ import annotations

import json
from typing import Any

from shared.email.callbacks.reports import Fate, Report, at_text, email_id, mapping, text
from shared.email.rendered import EMAIL_ID
from shared.platform.errors import InvalidInput

_FATES = {
    "Send": Fate.ACCEPTED,
    "Delivery": Fate.DELIVERED,
    "DeliveryDelay": Fate.DELAYED,
    "Bounce": Fate.BOUNCED,
    "Complaint": Fate.COMPLAINED,
    "Reject": Fate.DROPPED,
    "Subscription": Fate.UNSUBSCRIBED,
}
# Where a kind of event keeps its own fields, and its list of recipients in there.
_DETAILS = {
    "Delivery": ("delivery", "recipients"),
    "DeliveryDelay": ("deliveryDelay", "delayedRecipients"),
    "Bounce": ("bounce", "bouncedRecipients"),
    "Complaint": ("complaint", "complainedRecipients"),
    "Subscription": ("subscription", ""),
}
# Feedback that is sent in the same way and complains of nothing: that a mail is no spam after all, and that
# its signature did not verify (RFC 5965 section 7.3, IANA's "MARF Feedback Type Names").
_NO_COMPLAINT = {"not-spam", "auth-failure"}
_PERMANENT = "Permanent"


def reports(message: str) -> list[Report]:
    """What one event says, a report for each recipient it names; what is no news of a mail says nothing.

    Args:
        message: the ``Message`` of an SNS notification.

    Raises:
        InvalidInput: it is no event of SES.
    """
    try:
        event = mapping(json.loads(message))
    except (ValueError, RecursionError):
        raise InvalidInput("the notification is not JSON", reason="not_json") from None
    kind = event.get("eventType", event.get("notificationType"))
    if not isinstance(kind, str) or kind not in _FATES:
        return []
    mail = mapping(event.get("mail"))
    where, recipients = _DETAILS.get(kind, ("", ""))
    details = mapping(event.get(where)) if where else {}
    if not _is_news(kind, details):
        return []
    named = details.get(recipients) or mail.get("destination")
    if not isinstance(named, list):
        raise InvalidInput("the event names no recipients", reason="malformed_event")
    return [_report(kind, mail, details, recipient) for recipient in named]


def _is_news(kind: str, details: dict[str, Any]) -> bool:
    """Whether an event says of a mail what its name says."""
    if kind == "Complaint":
        return text(details.get("complaintFeedbackType")) not in _NO_COMPLAINT
    if kind == "Subscription":  # also of somebody who wants more, or less of one topic only
        return mapping(details.get("newTopicPreferences")).get("unsubscribeAll") is True
    return True


def _report(kind: str, mail: dict[str, Any], details: dict[str, Any], recipient: object) -> Report:
    named = recipient if isinstance(recipient, dict) else {"emailAddress": recipient}
    message_id, address = text(mail.get("messageId")), text(named.get("emailAddress"), 320)
    at = at_text(details.get("timestamp") or mail.get("timestamp"))
    own = text(details.get("feedbackId")) or f"{message_id}:{kind}:{at.isoformat()}"
    return Report(
        event_id=f"{own}:{address}",
        fate=_FATES[kind],
        address=address,
        at=at,
        email_id=_own_id(mail),
        provider_id=message_id,
        permanent=_lasting(kind, details),
        words=_words(details, named),
        certain=kind != "Bounce" or _lasting(kind, details),
    )


def _own_id(mail: dict[str, Any]) -> str:
    tags = mail.get("tags")
    values = tags.get(EMAIL_ID) if isinstance(tags, dict) else None
    return email_id(values[0]) if isinstance(values, list) and values else ""


def _lasting(kind: str, details: dict[str, Any]) -> bool:
    if kind == "Bounce":
        return details.get("bounceType") == _PERMANENT
    return kind in {"Complaint", "Subscription"}


def _words(details: dict[str, Any], recipient: dict[str, Any]) -> str:
    return (
        text(recipient.get("diagnosticCode"))
        or text(details.get("complaintFeedbackType"))
        or text(details.get("bounceSubType"))
        or text(details.get("smtpResponse"))
    )
