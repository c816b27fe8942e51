"""The fault table holds, and its page shows the table that holds."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import pytest

from shared.email.message import NewEmail, Templated
from shared.email.providers.contract import Accepted, NotAccepted, Provider
from tests.integration.email.bends import Bent
from tests.integration.email.failures import MESSAGE, Failure, Verdict, failures
from tests.integration.email.fault_table import BEGIN, END, PAGE, expected, played, section
from tests.integration.email.office import Office
from tests.support.mail import VENDORS, Bench, Benches

if TYPE_CHECKING:
    from shared.email.rendered import Rendered
    from shared.platform.clock import Deadline

CASES = [(vendor, failure) for vendor in VENDORS for failure in failures(vendor)]


@pytest.mark.parametrize(
    ("vendor", "failure"),
    CASES,
    ids=[f"{vendor}-{failure.what.replace(' ', '-')}" for vendor, failure in CASES],
)
def test_what_becomes_of_an_e_mail(benches: Benches, vendor: str, failure: Failure) -> None:
    """As it has to be: once, for ever, and for a reminder; and so the page says."""
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    own = shown.partition(section(vendor, [])[0] + "\n")[2].partition("\n### ")[0]
    assert "\n".join(played(benches, vendor, failure)) in own


def test_the_page_shows_nothing_else() -> None:
    """Two lines for each failure that there is."""
    shown = PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]
    heads = len(VENDORS) * len(section("smtp", [])[2:4])
    assert len([line for line in shown.splitlines() if line.startswith("|")]) == heads + 2 * len(CASES)


@pytest.mark.parametrize("kind", ["transactional", "reminder"])
@pytest.mark.parametrize("lasting", [False, True])
def test_what_has_to_be_keeps_the_promises(*, lasting: bool, kind: str) -> None:
    """Whatever the failure: these are the rules, and the table only spells them out."""
    for _vendor, failure in CASES:
        result = expected(failure, lasting=lasting, kind=kind)  # type: ignore[arg-type]
        assert result.identities <= 1
        if failure.verdict.nobody_knows:
            assert result.provider == "first", "another provider is never asked blindly"
            assert result.mails <= (1 if kind == "reminder" else 2)
            assert result.possible_duplicate == (kind != "reminder")
            continue
        assert not result.possible_duplicate
        assert result.mails == (0 if failure.verdict is Verdict.NO_RECIPIENT else 1)
        if failure.verdict is Verdict.PASSING and lasting:
            assert (result.provider, result.asked) == ("second", (3, 1))


class _Liar(Bent):
    """Says of a mail that it took that it certainly did not."""

    def _written(self, rendered: Rendered) -> bytes:
        del rendered  # the real one writes it
        return b""

    def _hand_over(self, rendered: Rendered, content: bytes, deadline: Deadline) -> Accepted:
        super()._hand_over(rendered, content, deadline)
        raise NotAccepted("it took it")


def _lying(bench: Bench) -> Provider:
    return _Liar(bench.provider())


def test_the_table_notices_a_second_copy(benches: Benches) -> None:
    """Otherwise it could not fail."""
    liar = Failure("a vendor that lies", Verdict.PASSING, bend=_lying)
    with pytest.raises(AssertionError, match="mails=2"):
        played(benches, "sendgrid", liar)


def test_the_table_notices_a_certain_failure_that_is_taken_for_an_uncertain_one(benches: Benches) -> None:
    """Its mail would come late, or not at all."""
    [lost] = [one for one in failures("mailgun") if one.what == "502, a page"]
    with pytest.raises(AssertionError, match="possible_duplicate=True"):
        played(benches, "mailgun", dataclasses.replace(lost, verdict=Verdict.PASSING))


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun", "ses"])
def test_a_short_wait_that_a_vendor_asks_for_is_kept(benches: Benches, vendor: str) -> None:
    """And no other provider is asked meanwhile."""
    bench = benches.bench(vendor)
    bench.fail(status=429, body="TooManyRequestsException", retry_after_seconds=45)
    office = Office(bench)
    record = office.delivered(NewEmail.parse(MESSAGE))
    assert record.provider == "first"
    # SendGrid names a moment in whole seconds.
    assert [43 <= wait <= 45 for wait in office.waits] == [True]


@pytest.mark.parametrize("vendor", ["sendgrid", "mailgun", "ses"])
def test_a_long_wait_is_not_kept_while_there_is_another_provider(benches: Benches, vendor: str) -> None:
    """A confirmation that comes an hour late is no use."""
    bench = benches.bench(vendor)
    bench.fail(status=429, body="TooManyRequestsException", retry_after_seconds=600)
    office = Office(bench)
    record = office.delivered(NewEmail.parse(MESSAGE))
    assert (record.provider, office.waits, len(bench.mails())) == ("second", [], 1)


def test_a_template_is_filled_once_with_whatever_a_customer_is_called(benches: Benches) -> None:
    """Braces in a value stay braces; the sender is the company."""
    bench = benches.bench("sendgrid")
    office = Office(
        bench, rules={"transactional": {"from_name": "Recepción", "reply_to": "citas@sol.example"}}
    )
    values = {
        "company": {"name": "Clínica Sol"},
        "customer": {"name": "{{ company.name }}"},
        "appointment": {"service": "Botox", "date": "martes", "time": "10:00", "zone": "Madrid"},
    }
    record = office.delivered(
        Templated.parse(
            {
                "to": ["ana@cliente.example"],
                "template": "appointment_confirmed",
                "language": "es",
                "values": values,
            }
        )
    )
    [mail] = bench.mails()
    headers = dict(mail["headers"])
    assert record.state == "ACCEPTED"
    assert "{{ company.name }}" in mail["text"]
    assert "Recepción" in headers["From"]
    assert headers["Reply-To"] == "citas@sol.example"
