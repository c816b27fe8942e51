"""E-mails in the table: one item per e-mail, which changes state and never grows.

    email#<id>                 the e-mail: state, what was tried
    email#<id>#content         what is to be sent, written once: a change is charged for its whole item
    email#<id>#report#<digest> what a provider reported of it afterwards, once for each event
    contact#<account>#<contact>#<id>  whose e-mail it is, so that a contact's are found
    suppressed#<address>       an address that is not written to any more
    unsuppressed#<digest>      when a person took an address off that list
    allowance#<contact>        how many e-mails a contact had the desk send in the last day; *: all contacts
    breaker#<provider>         a provider of the company that does not work at the moment
    series#<name>              the newest of some e-mails of which only the newest is worth sending

Every change of state is conditional on the fence, a number that grows whenever somebody takes the e-mail up.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from shared.companies.names import SCHEMA_VERSION, company_pk
from shared.platform.clock import epoch_milliseconds, from_epoch_milliseconds
from shared.platform.tables import Key, Put

if TYPE_CHECKING:
    from collections.abc import Mapping
    from datetime import datetime

    from shared.companies.email import Kind
    from shared.platform.tables import Item

KEPT_SECONDS = 90 * 24 * 3600

# An e-mail that should have been taken up so long ago has lost its message, or the queue is very long.
LOST_AFTER = timedelta(minutes=15)

# The index of e-mails that still wait: a few partitions, so that a large mailing does not share one.
WAITING_INDEX = "waiting"
WAITING_SHARDS = 4
# The index of a company's e-mails by the time at which they were asked for.
WRITTEN_INDEX = "written"
_MILLISECOND_DIGITS = 14


class State(StrEnum):
    """Where an e-mail stands."""

    QUEUED = "QUEUED"
    SENDING = "SENDING"
    ACCEPTED = "ACCEPTED"
    REJECTED = "REJECTED"
    UNKNOWN = "UNKNOWN"


FINAL = {State.ACCEPTED, State.REJECTED}


@dataclass(frozen=True)
class Tried:
    """What came of one provider so far.

    Args:
        count: how often it was asked.
        ended: why it is not asked again; empty: it may be.
        wait_until: not before this moment; with ``ended``: from then on again after all, because somebody may
            have mended its account meanwhile.
        reason: of its last failure.
        words: its own on that.
    """

    count: int = 0
    ended: str = ""
    wait_until: datetime | None = None
    reason: str = ""
    words: str = field(default="", repr=False)


@dataclass(frozen=True)
class Contact:
    """A Chatwoot contact: whose conversation or appointment an e-mail belongs to."""

    account_id: int
    contact_id: int


@dataclass(frozen=True)
class Series:
    """E-mails of which only the newest is worth sending, such as those about one appointment.

    Args:
        name: which e-mails.
        number: grows with each.
    """

    name: str
    number: int


@dataclass(frozen=True)
class EmailRecord:
    """An e-mail as it is.

    Args:
        company_id: whose.
        email_id: ours; made from the company and the key it was enqueued with.
        kind: what it is for.
        state: see `State`.
        fence: grows with each take-up.
        created_at: when it was asked for.
        ends_at: after this moment it is not sent any more.
        digest: of content, kind and contact: the same key with another digest is a mistake.
        contact: whose it is, where it belongs to a customer.
        series: those that it may be overtaken by.
        busy_until: while ``SENDING``: until when somebody may still be at it.
        provider: who was asked last.
        tried: per provider, what came of it.
        attempts: how often a provider was asked.
        unknown_since: since when nobody knows.
        sent_again: whether it was sent once more because nobody knew.
        maybe_twice: whether somebody had it sent again while nobody knew.
        left: it is ``UNKNOWN``, and nothing more is done about it; only a report changes that.
        proven: a provider's report says that it has the e-mail.
        provider_id: the provider's name for it.
        message_id: its Message-ID, from the first try on.
        reason: why it was rejected, or what is in the way.
        words: the provider's own words on that.
        refused: recipients that the provider does not bring it to.
        left_out: addresses of it that are not written to.
        only: to whom of its recipients it goes; empty: to all.
        part: the how-manieth rest it is; 0: an e-mail of its own.
        rest_of: the e-mail whose rest it is.
        rests: the e-mails that go to those of ``refused`` who may be reached later, or by another provider.
        finished_at: when it became ``ACCEPTED`` or ``REJECTED``.
        fate: the gravest that was reported of it, at any of its addresses; empty: nothing was.
        waits_until: when it is looked at next, where it waits.
        resent_at: since when it is sent anew, by a person's wish, although what came before is settled.
    """

    company_id: str
    email_id: str
    kind: Kind
    state: State
    fence: int
    created_at: datetime
    ends_at: datetime
    digest: str = ""
    contact: Contact | None = None
    series: Series | None = None
    busy_until: datetime | None = None
    provider: str = ""
    tried: Mapping[str, Tried] = field(default_factory=dict)
    attempts: int = 0
    unknown_since: datetime | None = None
    sent_again: bool = False
    maybe_twice: bool = False
    left: bool = False
    proven: bool = False
    provider_id: str = ""
    message_id: str = ""
    reason: str = ""
    words: str = field(default="", repr=False)
    refused: tuple[str, ...] = field(default=(), repr=False)
    left_out: tuple[str, ...] = field(default=(), repr=False)
    only: tuple[str, ...] = field(default=(), repr=False)
    part: int = 0
    rest_of: str = ""
    rests: tuple[str, ...] = ()
    finished_at: datetime | None = None
    fate: str = ""
    waits_until: datetime | None = None
    resent_at: datetime | None = None

    @property
    def possible_duplicate(self) -> bool:
        """Whether somebody may have it twice."""
        return self.sent_again or self.maybe_twice


def email_key(company_id: str, email_id: str) -> Key:
    """Where an e-mail stands."""
    return Key(company_pk(company_id), f"email#{email_id}")


def content_key(company_id: str, email_id: str) -> Key:
    """Where what is to be sent stands."""
    return Key(company_pk(company_id), f"email#{email_id}#content")


def series_key(company_id: str, name: str) -> Key:
    """Where the newest of a series stands."""
    return Key(company_pk(company_id), f"series#{name}")


def report_key(company_id: str, email_id: str, digest: str) -> Key:
    """Where a report on it stands."""
    return Key(company_pk(company_id), f"email#{email_id}#report#{digest}")


def contact_key(company_id: str, contact: Contact, email_id: str) -> Key:
    """Where it stands that an e-mail is a contact's."""
    return Key(company_pk(company_id), f"contact#{contact.account_id}#{contact.contact_id}#{email_id}")


def _contact_pointer(record: EmailRecord) -> list[Put]:
    """What makes an e-mail a contact's, where it is one's."""
    if record.contact is None:
        return []
    where = contact_key(record.company_id, record.contact, record.email_id)
    pointer = {**where.as_item(), "v": SCHEMA_VERSION, "expires_at": _expires_at(record)}
    return [Put({**pointer, "email_id": record.email_id})]


def waiting_keys(record_id: str, at: datetime) -> dict[str, str]:
    """The index's keys of an e-mail that waits for this moment."""
    shard = int(record_id[-1], 16) % WAITING_SHARDS
    return {
        f"{WAITING_INDEX}_pk": waiting_shard(shard),
        f"{WAITING_INDEX}_sk": f"{digits(at)}#{record_id}",
    }


def waiting_shard(number: int) -> str:
    """One of the index's partitions."""
    return f"waiting#{number}"


def waiting_until(at: datetime) -> str:
    """The index's last key of e-mails that wait for this moment or an earlier one."""
    return f"{digits(at)}$"  # "$" follows "#"


def digits(at: datetime) -> str:
    """A moment as text that sorts by time."""
    return f"{epoch_milliseconds(at):0{_MILLISECOND_DIGITS}d}"


def new_items(record: EmailRecord, content: str, **fields: object) -> list[Put]:
    """A new e-mail's items, in one transaction.

    Args:
        record: as it begins.
        content: what is to be sent, as JSON text; see `shared.email.outbox`.
        fields: further attributes of the e-mail's own item.
    """
    kept = {**content_key(record.company_id, record.email_id).as_item(), "v": SCHEMA_VERSION}
    expires_at = _expires_at(record)
    return [
        Put({**_as_item(record), **fields}, "attribute_not_exists(pk)"),
        Put({**kept, "content": content, "expires_at": expires_at}),
        *_contact_pointer(record),
    ]


def _expires_at(record: EmailRecord) -> int:
    return epoch_milliseconds(record.created_at) // 1000 + KEPT_SECONDS


def _as_item(record: EmailRecord) -> Item:
    item: Item = {
        **email_key(record.company_id, record.email_id).as_item(),
        "v": SCHEMA_VERSION,
        "company_id": record.company_id,
        "kind": record.kind,
        "state": record.state.value,
        "fence": record.fence,
        "created_ms": epoch_milliseconds(record.created_at),
        "ends_ms": epoch_milliseconds(record.ends_at),
        "digest": record.digest,
        "attempts": 0,
        "expires_at": _expires_at(record),
        **waiting_keys(record.email_id, record.created_at),
        f"{WRITTEN_INDEX}_pk": company_pk(record.company_id),
        f"{WRITTEN_INDEX}_sk": f"{digits(record.created_at)}#{record.email_id}",
    }
    if record.contact:
        item["contact"] = [record.contact.account_id, record.contact.contact_id]
    if record.series:
        item["series"] = [record.series.name, record.series.number]
    return item


def as_record(item: Item) -> EmailRecord:
    """An item as it was read."""
    contact, series = item.get("contact"), item.get("series")
    return EmailRecord(
        company_id=item["company_id"],
        email_id=item["sk"].removeprefix("email#"),
        kind=item["kind"],
        state=State(item["state"]),
        fence=item["fence"],
        created_at=from_epoch_milliseconds(item["created_ms"]),
        ends_at=from_epoch_milliseconds(item["ends_ms"]),
        digest=item.get("digest", ""),
        contact=Contact(contact[0], contact[1]) if contact else None,
        series=Series(series[0], series[1]) if series else None,
        busy_until=_moment(item, "busy_until_ms"),
        provider=item.get("provider", ""),
        tried={name: _tried(given) for name, given in item.get("tried", {}).items()},
        attempts=item.get("attempts", 0),
        unknown_since=_moment(item, "unknown_since_ms"),
        sent_again=item.get("sent_again", False),
        maybe_twice=item.get("maybe_twice", False),
        left=item.get("left", False),
        proven=item.get("proven", False),
        provider_id=item.get("provider_id", ""),
        message_id=item.get("message_id", ""),
        reason=item.get("reason", ""),
        words=item.get("words", ""),
        refused=tuple(item.get("refused", ())),
        left_out=tuple(item.get("left_out", ())),
        only=tuple(item.get("only", ())),
        part=item.get("part", 0),
        rest_of=item.get("rest_of", ""),
        rests=tuple(item.get("rests", ())),
        finished_at=_moment(item, "finished_ms"),
        fate=item.get("fate", ""),
        waits_until=_waits_until(item),
        resent_at=_moment(item, "resent_ms"),
    )


def _waits_until(item: Item) -> datetime | None:
    at = item.get(f"{WAITING_INDEX}_sk", "").partition("#")[0]
    return from_epoch_milliseconds(int(at)) if at else None


def tried_item(tried: Mapping[str, Tried]) -> dict[str, Any]:
    """What was tried, as it stands in the item."""
    return {
        name: {
            "count": one.count,
            "ended": one.ended,
            "reason": one.reason,
            "words": one.words,
            **({"wait_until_ms": epoch_milliseconds(one.wait_until)} if one.wait_until else {}),
        }
        for name, one in tried.items()
    }


def _tried(given: Item) -> Tried:
    wait_until = _moment(given, "wait_until_ms")
    return Tried(given["count"], given["ended"], wait_until, given.get("reason", ""), given.get("words", ""))


def _moment(item: Item, name: str) -> datetime | None:
    return from_epoch_milliseconds(item[name]) if item.get(name) else None
