"""An e-mail as somebody wants it sent, checked: nothing in it can break out of the place it stands in.

`NewEmail` says it whole; `Templated` names a template and the values for it. Both are plain JSON data, so
that they can be kept until they are sent. Who sends, and as whom, is the company's document's business.
"""

from __future__ import annotations

import base64
import binascii
import json
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    ValidationError,
    field_validator,
    model_validator,
)

from shared.companies.base import LanguageTag, Part, Slug, invalid
from shared.email.addresses import AnyMailbox
from shared.email.invitations import Invitation  # noqa: TC001 - the same
from shared.email.words import ENCODED, body, file_name, one_line

MAX_RECIPIENTS = 50
MAX_BODY_CHARACTERS = 300_000
# Of attachments that travel inside the message; larger ones lie in S3. A table's item holds 400 KB.
MAX_INLINE_BYTES = 150_000
MAX_STORED_BYTES = 25 * 1024 * 1024
MAX_ATTACHMENTS = 20
MAX_VALUES_BYTES = 50_000
# What mail providers refuse (Amazon SES's page "Unsupported attachment types"), and who receives mail
# (Gmail's page "File types blocked in Gmail"): what one of both does not bring is no mail.
_ENDINGS = """
ade adp apk app appx appxbundle asp bas bat cab cer chm cmd com cpl crt csh der diagcab diagcfg diagpkg
dll dmg ex ex_ exe fxp gadget hlp hta img inf ins iso isp its jar jnlp js jse ksh lib lnk mad maf mag
mam maq mar mas mat mau mav maw mda mdb mde mdt mdw mdz mjs msc msh msh1 msh1xml msh2 msh2xml mshxml msi
msix msixbundle msp mst nsh ops pcd pif plg prf prg ps1 ps1xml ps2 ps2xml psc1 psc2 reg scf scr sct shb
shs sys tmp url vb vbe vbs vhd vps vsmacros vss vst vsw vxd ws wsc wsf wsh xll xnk
"""
_REFUSED_ENDINGS = frozenset(_ENDINGS.split())
# Headers that somebody may set. All others are ours, or steer a provider (X-SMTPAPI, X-Mailgun-…, X-SES-…).
ALLOWED_HEADERS = (
    "Auto-Submitted",
    "Feedback-ID",
    "Importance",
    "In-Reply-To",
    "List-Help",
    "List-ID",
    "List-Unsubscribe",
    "List-Unsubscribe-Post",
    "References",
    "X-Entity-Ref-ID",
)
_HEADER_NAMES = {name.lower(): name for name in ALLOWED_HEADERS}


def _header_name(name: str) -> str:
    if name.lower() not in _HEADER_NAMES:
        raise ValueError(f"is none of the headers that may be set: {', '.join(ALLOWED_HEADERS)}")
    return _HEADER_NAMES[name.lower()]


def _header_value(text: str) -> str:
    if not text.isascii() or not text.strip():
        raise ValueError("must be a text in ASCII")
    if ENCODED in text:
        raise ValueError("must not hold =?, with which mail programs begin to decode")
    return one_line(text).strip()


def _decoded(value: object) -> object:
    if not isinstance(value, str):
        return value
    try:
        content = base64.b64decode(value, validate=True)
    except (binascii.Error, ValueError):
        raise ValueError("must be base64") from None
    if not content:
        raise ValueError("must not be empty")
    return content


def _once(tags: list[str]) -> list[str]:
    return list(dict.fromkeys(tags))  # SendGrid refuses a category that stands twice


def _type_of_a_file(content_type: str) -> str:
    if content_type.startswith(("multipart/", "message/")):
        raise ValueError("must be the type of a file")
    return content_type


def _safe_name(name: str) -> str:
    safe = file_name(name)
    if safe.rpartition(".")[2].lower() in _REFUSED_ENDINGS:
        raise ValueError("is a kind of file that mail providers refuse")
    return safe


Content = Annotated[
    bytes, BeforeValidator(_decoded), PlainSerializer(lambda content: base64.b64encode(content).decode())
]
HeaderValue = Annotated[str, Field(max_length=900), AfterValidator(_header_value)]
Body = Annotated[str, Field(max_length=MAX_BODY_CHARACTERS), AfterValidator(body)]
Subject = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(one_line)]
Tag = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]{1,60}$")]
FileType = Annotated[
    str, Field(pattern=r"^[a-z]{2,20}/[a-z0-9][a-z0-9.+-]{0,60}$"), AfterValidator(_type_of_a_file)
]
Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
Mailboxes = Annotated[list[AnyMailbox], Field(max_length=MAX_RECIPIENTS)]


class StoredFile(Part):
    """A file in the deployment's bucket: this version and no other, whatever is written there later.

    Without a ``version_id`` it is the one that lies there when the e-mail is taken in, which pins it.
    """

    key: Annotated[str, Field(pattern=r"^[A-Za-z0-9._/-]{1,200}$")]
    version_id: Annotated[str, Field(min_length=1, max_length=1024)] | None = None
    sha256: Sha256
    size_bytes: Annotated[int, Field(ge=1, le=MAX_STORED_BYTES)]


class Attachment(Part):
    """A file of the message; with a ``content_id`` an image that the HTML shows (``cid:…``, RFC 2392)."""

    name: Annotated[str, Field(min_length=1, max_length=1_000), AfterValidator(_safe_name)]
    content_type: FileType
    content: Content | None = None
    stored: StoredFile | None = None
    content_id: Annotated[str, Field(pattern=r"^[A-Za-z0-9._-]{1,60}$")] | None = None

    @model_validator(mode="after")
    def _one_place(self) -> Attachment:
        if (self.content is None) == (self.stored is None):
            raise ValueError("must have either its content or where it is stored")
        if self.content_id and not self.content_type.startswith("image/"):
            raise ValueError("with a content_id must be an image")
        return self

    @property
    def size_bytes(self) -> int:
        """Of the file itself, wherever it is."""
        return self.stored.size_bytes if self.stored else len(self.content or b"")


class _Envelope(Part):
    """What both kinds have."""

    to: Mailboxes
    cc: Mailboxes = Field(default_factory=list)
    bcc: Mailboxes = Field(default_factory=list)
    reply_to: AnyMailbox | None = None
    headers: dict[Annotated[str, AfterValidator(_header_name)], HeaderValue] = Field(default_factory=dict)
    tags: Annotated[list[Tag], Field(max_length=10), AfterValidator(_once)] = Field(default_factory=list)
    attachments: Annotated[list[Attachment], Field(max_length=MAX_ATTACHMENTS)] = Field(default_factory=list)
    invitation: Invitation | None = None

    @model_validator(mode="after")
    def _bounded(self) -> _Envelope:
        everybody = [one.address.lower() for one in (*self.to, *self.cc, *self.bcc)]
        if not self.to:
            raise ValueError("must have somebody to go to")
        if len(everybody) > MAX_RECIPIENTS:
            raise ValueError(f"must have at most {MAX_RECIPIENTS} recipients, not {len(everybody)}")
        if len(set(everybody)) < len(everybody):
            raise ValueError("must not name a recipient twice")
        _require_room(self.attachments)
        return self


def _require_room(attachments: list[Attachment]) -> None:
    inside = sum(len(one.content) for one in attachments if one.content is not None)
    if inside > MAX_INLINE_BYTES:
        raise ValueError(
            f"must carry at most {MAX_INLINE_BYTES} bytes of files inside; larger ones are stored"
        )
    if sum(one.size_bytes for one in attachments) > MAX_STORED_BYTES:
        raise ValueError(f"must carry at most {MAX_STORED_BYTES} bytes of files")
    named = [one.content_id for one in attachments if one.content_id]
    if len(set(named)) < len(named):
        raise ValueError("must not have the same content_id twice")


class NewEmail(_Envelope):
    """A message in full. Where ``text`` is missing it is made from ``html``."""

    subject: Subject
    text: Body | None = None
    html: Body | None = None

    @model_validator(mode="after")
    def _says_something(self) -> NewEmail:
        if not (self.text or "").strip() and not (self.html or "").strip():
            raise ValueError("must have a text or an html body")
        return self


class Templated(_Envelope):
    """A message whose words come from a template of the company's, filled when it is sent."""

    template: Slug
    language: LanguageTag
    values: dict[str, Any]

    @field_validator("values")
    @classmethod
    def _small(cls, values: dict[str, Any]) -> dict[str, Any]:
        if len(json.dumps(values).encode()) > MAX_VALUES_BYTES:
            raise ValueError(f"must have at most {MAX_VALUES_BYTES} bytes")
        return values

    def filled(self, subject: str, html: str, text: str) -> NewEmail:
        """The message with its words.

        Raises:
            InvalidInput: the words are none that may be sent, such as a body that is too long.
        """
        envelope = {name: getattr(self, name) for name in _Envelope.model_fields}
        try:
            return NewEmail(subject=subject, html=html, text=text, **envelope)
        except ValidationError as error:
            raise invalid(error) from None
