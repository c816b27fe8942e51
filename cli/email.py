"""E-mails of a company."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from cli.client import path_of
from cli.context import Options, hidden, options_of, table
from cli.files import attachments

if TYPE_CHECKING:
    from collections.abc import Iterator


@click.group()
def email() -> None:
    """Send e-mails, see what became of them, and set their providers up."""


@email.command(name="send")
@click.argument("company_id")
@click.option("--to", required=True, multiple=True, help="Who gets it; again for each further one.")
@click.option("--subject", required=True, help="Its subject.")
@click.option("--key", default="", help="The same key again is the same e-mail.")
@click.option(
    "--attach",
    multiple=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="A file that goes with it; as often as you like.",
)
@options_of
def send_email(
    options: Options, company_id: str, to: tuple[str, ...], subject: str, key: str, attach: tuple[Path, ...]
) -> None:
    """Send a text, read from standard input, as COMPANY_ID, with files.

    Example: frontdesk email send clinica-sol --to ana@example.com --subject Hola --attach a.pdf < text.txt
    """
    text = sys.stdin.read()
    if not text.strip():
        raise click.UsageError("The text is missing: give it on standard input.")
    client = options.client()
    files = list(attachments(client, company_id, attach))
    message = {"to": list(to), "subject": subject, "text": text, "attachments": files}
    wish = {"company_id": company_id, "message": message}
    headers = {"Idempotency-Key": key} if key else {}
    answer = client.call("POST", path_of("emails"), wish, headers=headers)
    far = "Queued" if answer["status"] == "queued" else f"Asked for before, and {answer['status']},"
    options.show(answer, [f"{far} as {answer['email_id']}."])


@email.command(name="list")
@click.argument("company_id")
@click.option("--state", default="", help="Only those in this state, such as REJECTED.")
@click.option("--fate", default="", help="Only those of which this was reported, such as bounced.")
@click.option("--limit", default=50, show_default=True, help="At most so many.")
@options_of
def list_emails(options: Options, company_id: str, state: str, fate: str, limit: int) -> None:
    """List the newest e-mails of COMPANY_ID.

    Example: frontdesk email list clinica-sol --state UNKNOWN
    """
    filters = {name: value for name, value in (("state", state), ("fate", fate)) if value}
    query = urlencode({"company_id": company_id, "limit": str(limit), **filters})
    answer = options.client().call("GET", f"{path_of('emails')}?{query}")
    columns = ("email_id", "created_at", "kind", "state", "fate", "provider", "reason")
    options.show(answer, table(answer["emails"], *columns))


@email.command(name="show")
@click.argument("company_id")
@click.argument("email_id")
@options_of
def show_email(options: Options, company_id: str, email_id: str) -> None:
    """Tell what became of EMAIL_ID of COMPANY_ID.

    Example: frontdesk email show clinica-sol em-0123456789abcdef0123456789abcdef
    """
    query = urlencode({"company_id": company_id})
    answer = options.client().call("GET", f"{path_of('emails', email_id)}?{query}")
    options.show(answer, _story(answer))


@email.command(name="resend")
@click.argument("company_id")
@click.argument("email_id")
@click.confirmation_option(prompt="Where nobody knows, a second copy may arrive. Go on?")
@options_of
def resend_email(options: Options, company_id: str, email_id: str) -> None:
    """Send EMAIL_ID of COMPANY_ID again: it was rejected, came back, or nobody knows.

    Example: frontdesk email resend clinica-sol em-0123456789abcdef0123456789abcdef --yes
    """
    path = path_of("emails", email_id, "resend")
    answer = options.client().call("POST", path, {"company_id": company_id})
    options.show(answer, [f"Queued {answer['email_id']} again."])


@email.command(name="suppressions")
@click.argument("company_id")
@click.option("--add", default="", help="Put an address on the list.")
@click.option("--remove", default="", help="Take an address off the list.")
@options_of
def suppressions(options: Options, company_id: str, add: str, remove: str) -> None:
    """List the addresses that COMPANY_ID does not write to, or change the list.

    Example: frontdesk email suppressions clinica-sol --remove ana@example.com
    """
    client, parts = options.client(), ("companies", company_id, "email", "suppressions")
    if add:
        client.call("POST", path_of(*parts), {"address": add})
    if remove:
        client.call("POST", path_of(*parts, "remove"), {"address": remove})
    found: list[dict[str, Any]] = []
    cursor: str | None = ""
    while cursor is not None:
        query = urlencode({"limit": "200", **({"cursor": cursor} if cursor else {})})
        page = client.call("GET", f"{path_of(*parts)}?{query}")
        found, cursor = found + page["suppressions"], page["next_cursor"]
    options.show({"suppressions": found}, table(found, "address", "reason", "since"))


@email.command(name="preview")
@click.argument("company_id")
@click.argument("template")
@click.option("--language", default="", help="Such as pt; without it the company's own.")
@click.option("--html", is_flag=True, help="The HTML, for a file or a browser, instead of the text.")
@options_of
def preview(options: Options, company_id: str, template: str, language: str, *, html: bool) -> None:
    """Show TEMPLATE of COMPANY_ID as it will look, with examples for values.

    Example: frontdesk email preview clinica-sol appointment_confirmed --html > confirmed.html
    """
    wish = {"template": template, **({"language": language} if language else {})}
    answer = options.client().call("POST", path_of("companies", company_id, "email", "preview"), wish)
    shown = [answer["html"]] if html else [f"Subject: {answer['subject']}", "", answer["text"]]
    options.show(answer, shown)


@email.command(name="secret")
@click.argument("company_id")
@click.argument("provider_id")
@click.option("--webhook", is_flag=True, help="What reports are verified with, instead of the secret.")
@options_of
def set_secret(options: Options, company_id: str, provider_id: str, *, webhook: bool) -> None:
    """Store what PROVIDER_ID of COMPANY_ID is opened with; read from standard input, or asked for unseen.

    With --webhook: SendGrid's verification key, Mailgun's signing key, or the ARN of SES's topic.

    Example: frontdesk email secret clinica-sol main < key.txt
    """
    value = hidden("secret", "standard input") if sys.stdin.isatty() else sys.stdin.read().strip()
    if not value:
        raise click.UsageError("The secret is empty.")
    path = path_of("companies", company_id, "email", "secrets", provider_id)
    answer = options.client().call("PUT", path, {"webhook_key" if webhook else "secret": value})
    options.show(answer, [f"Stored for {provider_id}."])


def _story(told: dict[str, Any]) -> Iterator[str]:
    yield f"{told['email_id']}  {told['kind']}  {told['state']}  {told['reason']}".rstrip()
    yield f"  asked for {told['created_at']}, not worth sending after {told['expires_at']}"
    yield from _noted(told)
    for name, one in told["tried"].items():
        yield f"  {name}: {'; '.join(_of_one(one, told['state']))}"
    if told["provider"]:
        yield f"  last asked: {told['provider']}; {told['attempts']} in all"
    for report in told["reports"]:
        words = (report["at"], report["fate"], report.get("address", ""), report.get("words", ""))
        yield f"  {'  '.join(words)}".rstrip()


def _noted(told: dict[str, Any]) -> Iterator[str]:
    """What not every e-mail has; addresses and words only for keys that may read them."""
    notes = {
        "nobody knows since": told["unknown_since"],
        "next look": told["waits_until"] if told["state"] in {"QUEUED", "UNKNOWN"} else None,
        "reported": told["fate"],
        "in words": told.get("words"),
        "recipients not taken": told["refused_recipients"] or "",
        "not taken": ", ".join(told.get("refused", ())),
        "not written to": ", ".join(told.get("left_out", ())),
        "copies for the rest": ", ".join(told["rests"]),
        "a copy for the rest of": told["rest_of"],
        "somebody may have it twice": "yes" if told["possible_duplicate"] else "",
    }
    yield from (f"  {name}: {value}" for name, value in notes.items() if value)


def _of_one(one: dict[str, Any], state: str) -> Iterator[str]:
    """What came of one provider."""
    yield f"asked {one['times']} times" if one["times"] != 1 else "asked once"
    yield one.get("words") or one["reason"] or one["ended"] or "it did not say why"
    if state == "QUEUED":
        yield f"again from {one['wait_until']}" if one["wait_until"] else "not asked again"
