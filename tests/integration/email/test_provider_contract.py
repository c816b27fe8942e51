"""Every vendor of e-mail, and its simulator, through the same cases."""

from __future__ import annotations

import base64
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import pytest

from shared.email.addresses import Mailbox
from shared.email.providers.contract import Accepted, Ambiguous, NotAccepted, Rejected, Unsupported
from shared.email.providers.registry import CAPABILITIES
from shared.platform.clock import Deadline, SystemClock
from tests.support.email import invitation, rendered

if TYPE_CHECKING:
    from tests.support.mail import Bench

IMAGE = {"name": "logo.png", "content_type": "image/png", "content": "aG9sYQ==", "content_id": "logo"}
SHEET = {
    "name": "citas año.csv",
    "content_type": "text/csv",
    "content": base64.b64encode(b"a\n.\nb").decode(),
}


def soon(seconds: float = 20) -> Deadline:
    """A deadline of the real clock."""
    return Deadline(SystemClock(), seconds)


class TestEveryVendor:
    """What who sends may rely on."""

    def test_takes_a_message_with_everything_in_it(self, bench: Bench) -> None:
        """Once, with words, files, image, invitation, copies and identity."""
        message = rendered(
            text="Hola\n.punto",
            html="<p>Hola <img src='cid:logo'></p>",
            to=[{"address": "ana@cliente.example", "name": 'Ana, "la" Ñu'}],
            cc=["bea@münchen.example"],
            bcc=["jefe@clinica-sol.example"],
            reply_to="citas@clinica-sol.example",
            headers={"List-Unsubscribe": "<https://x.example/u>"},
            attachments=[IMAGE, SHEET],
            invitation=invitation().model_dump(mode="json"),
        )
        accepted = bench.provider().send(message, soon())
        [mail] = bench.mails()
        headers = dict(mail["headers"])
        assert isinstance(accepted, Accepted)
        assert accepted.provider_id
        assert accepted.refused == ()
        assert mail["recipients"] == [
            "ana@cliente.example",
            "bea@xn--mnchen-3ya.example",
            "jefe@clinica-sol.example",
        ]
        assert mail["subject"] == "Tu cita"
        assert mail["text"].splitlines() == ["Hola", ".punto"]
        assert mail["html"].strip() == "<p>Hola <img src='cid:logo'></p>"
        assert [file["name"] for file in mail["files"]] == ["logo.png", "citas año.csv", "invite.ics"]
        assert mail["files"][1]["bytes"] == 5
        assert (mail["invitation"]["method"], mail["invitation"]["sequence"]) == ("REQUEST", 0)
        assert headers["Message-ID"] == "<em_1@clinica-sol.example>"
        assert headers["List-Unsubscribe"] == "<https://x.example/u>"
        assert headers["Reply-To"] == "citas@clinica-sol.example"
        assert "jefe" not in str(mail["headers"])

    @pytest.mark.parametrize(
        ("what", "error", "arrived"),
        [
            ("busy", NotAccepted, 0),
            ("denied", Rejected, 0),
            ("unwanted", Rejected, None),
            ("lost", Ambiguous, 1),
            ("odd", Ambiguous, None),
        ],
    )
    def test_says_what_became_of_a_message(
        self, bench: Bench, what: str, error: type, arrived: int | None
    ) -> None:
        """Certainly not, not ever, or perhaps: who sends depends on it."""
        bench.say(what)
        with pytest.raises(error) as caught:
            bench.provider().send(rendered(), soon())
        if arrived is not None:
            assert len(bench.mails()) == arrived
        about = {"denied": "account", "unwanted": "message"}.get(what)
        assert getattr(caught.value, "about", None) == about

    def test_goes_on_after_a_failure_that_passed(self, bench: Bench) -> None:
        """The same provider object, the next message."""
        provider = bench.provider()
        bench.say("busy")
        with pytest.raises(NotAccepted):
            provider.send(rendered(), soon())
        provider.send(rendered(), soon())
        assert len(bench.mails()) == 1

    def test_tells_certain_failure_where_nobody_listens(self, bench: Bench) -> None:
        """A refused connection had no effect."""
        dead = "http://127.0.0.1:9"
        bench.surroundings = replace(bench.surroundings, sendgrid_url=dead, mailgun_url=dead, ses_url=dead)
        provider = bench.provider(**({"port": 9} if bench.vendor == "smtp" else {}))
        with pytest.raises(NotAccepted):
            provider.send(rendered(), soon())

    def test_sends_nothing_without_time(self, bench: Bench) -> None:
        """A call that cannot end in time is not begun."""
        with pytest.raises(NotAccepted) as caught:
            bench.provider().send(rendered(), soon(0))
        assert caught.value.reason == "no_time_left"
        assert bench.mails() == []

    @pytest.mark.parametrize(
        ("fields", "feature"),
        [({"tags": ["cita"]}, "tags"), ({"to": ["josé@cliente.example"]}, "smtputf8")],
    )
    def test_refuses_what_it_cannot_do(self, bench: Bench, fields: dict[str, Any], feature: str) -> None:
        """In silence nothing is dropped; what it says that it can do, it does."""
        can = CAPABILITIES[bench.vendor]
        able = {"tags": can.max_tags > 0, "smtputf8": can.smtputf8}[feature]
        if able:
            bench.provider().send(rendered(**fields), soon())
            assert len(bench.mails()) == 1
            return
        with pytest.raises(Unsupported) as caught:
            bench.provider().send(rendered(**fields), soon())
        assert caught.value.reason == feature
        assert bench.mails() == []

    def test_refuses_more_recipients_than_it_takes(self, bench: Bench) -> None:
        """As many as it says are fine."""
        most = CAPABILITIES[bench.vendor].max_recipients
        people = tuple(Mailbox(address=f"a{n}@cliente.example") for n in range(most + 1))
        with pytest.raises(Unsupported) as caught:
            bench.provider().send(replace(rendered(), to=people), soon())
        assert (caught.value.reason, bench.mails()) == ("too_many_recipients", [])
        bench.provider().send(replace(rendered(), to=people[:most]), soon())
        assert len(bench.mails()[0]["recipients"]) == most

    def test_sends_the_same_identity_again(self, bench: Bench) -> None:
        """So that a deliberate repetition can be recognised."""
        provider = bench.provider()
        for _ in range(2):
            provider.send(rendered(), soon())
        first, second = (dict(mail["headers"]) for mail in bench.mails())
        assert first["Message-ID"] == second["Message-ID"]

    def test_tells_no_address_in_its_errors(self, bench: Bench) -> None:
        """They are logged."""
        bench.say("unwanted")
        with pytest.raises(Rejected) as caught:
            bench.provider().send(rendered(), soon())
        assert "cliente.example" not in str(caught.value)
