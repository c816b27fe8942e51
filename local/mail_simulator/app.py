"""The simulator as a Flask application.

``POST /v3/mail/send`` is SendGrid's, ``POST /v3/<domain>/messages.mime`` Mailgun's, and with a local AWS
behind it ``POST /v2/email/outbound-emails`` SES's; every other call of their APIs is refused with 501. For
people: ``/inbox``. For tests:

- ``PUT /simulator/faults``: a list, see `local.faults`; errors are worded as by the path's vendor.
- ``PUT /simulator/smtp-faults``: a list, see `local.smtp_simulator.server.SmtpFault`.
- ``GET /simulator/mails``: what arrived, oldest first; ``DELETE`` forgets it.
"""

from __future__ import annotations

import base64
import json
import re
import time
from dataclasses import asdict
from datetime import UTC, datetime
from typing import TYPE_CHECKING, cast

from flask import Flask, Response, abort, jsonify, render_template, request

from local import faults
from local.mail_simulator import mailgun, sendgrid
from local.mail_simulator.kept import Post, files
from local.ses_simulator import sending as ses
from local.smtp_simulator.server import STAGES, SmtpFault, Switches

if TYPE_CHECKING:
    from local.mail_simulator.kept import Mail

# A mail's HTML may have styles and its own images; it runs nothing and calls nobody.
MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; frame-ancestors 'self'; sandbox"


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in place of a vendor, if it does."""
    if "outbound-emails" in fault.path:
        return ses.refusal(fault)
    if fault.status is None or fault.body == "html":
        return faults.html_page(fault)
    words = fault.body or "a fault that was switched on"
    wait = fault.retry_after_seconds
    if "mail/send" in fault.path:
        body, headers = sendgrid.error_body(words), {"X-RateLimit-Reset": str(int(time.time()) + (wait or 0))}
    else:
        body, headers = json.dumps({"message": words}), {"Retry-After": str(wait or 0)}
    return Response(body, fault.status, headers if wait is not None else None, mimetype="application/json")


def create_app(post: Post | None = None, switches: Switches | None = None, *, aws_url: str = "") -> Flask:
    """A simulator of its own, with nothing switched on.

    Args:
        post: where mails go.
        switches: what goes wrong over SMTP.
        aws_url: the local AWS, which judges what is sent through SES; empty: SES is not simulated.
    """
    app = Flask(__name__, template_folder="pages", static_folder="pages", static_url_path="/inbox/static")
    app.config["MAX_FORM_PARTS"] = 2 * mailgun.MOST_RECIPIENTS
    mails = post or Post()
    app.register_blueprint(sendgrid.blueprint(mails))
    app.register_blueprint(mailgun.blueprint(mails))
    if aws_url:
        app.register_blueprint(ses.blueprint(mails, aws_url))
    _add_pages(app, mails)
    _add_controls(app, mails, switches or Switches())
    return app


def _add_controls(app: Flask, post: Post, switches: Switches) -> None:
    faults.install(app, refusal)

    @app.put("/simulator/smtp-faults")
    def switch() -> Response:
        try:
            chosen = [SmtpFault(**one) for one in request.get_json()]
        except TypeError as error:
            abort(400, f"A fault is wrong: {error}.")
        if any(one.stage not in STAGES for one in chosen):
            abort(400, f"A stage is one of {', '.join(STAGES)}.")
        switches.faults = chosen
        return jsonify([asdict(one) for one in chosen])

    @app.route("/simulator/mails", methods=["GET", "DELETE"])
    def show_mails() -> Response:
        if request.method == "DELETE":
            post.clear()
        return jsonify([mail.shown() for mail in post.all()])

    @app.errorhandler(404)
    @app.errorhandler(405)
    def not_simulated(_: Exception) -> tuple[Response, int]:
        return jsonify({"message": f"{request.method} {request.path} is not simulated"}), 501


def _add_pages(app: Flask, post: Post) -> None:
    @app.get("/inbox")
    @app.get("/inbox/<int:number>")
    def inbox(number: int = 0) -> str:
        mails = [mail.shown() for mail in reversed(post.all())]
        chosen = next((mail for mail in mails if mail["number"] == number), None)
        return render_template("inbox.html", mails=mails, chosen=chosen)

    @app.get("/inbox/<int:number>/html")
    def html(number: int) -> Response:
        mail = post.one(number)
        if mail is None:
            abort(404)
        return Response(_with_images(mail), headers={"Content-Security-Policy": MAIL_POLICY})

    @app.get("/inbox/<int:number>/files/<int:index>")
    def file(number: int, index: int) -> Response:
        mail = post.one(number)
        found = files(mail.message)[index : index + 1] if mail else []
        if not found:
            abort(404)
        # Never shown in place: a mail's file is somebody else's.
        headers = {"Content-Disposition": f'attachment; filename="file-{index}"'}
        content = cast("bytes", found[0].get_payload(decode=True))
        return Response(content, headers=headers, mimetype="application/octet-stream")

    @app.template_filter("moment")
    def moment(value: float | str) -> str:
        at = datetime.fromisoformat(value) if isinstance(value, str) else datetime.fromtimestamp(value, UTC)
        return at.strftime("%a %d %b %Y, %H:%M UTC")


def _with_images(mail: Mail) -> str:
    """The mail's HTML with its own images in it, as a mail program shows them."""
    html = str(mail.shown()["html"] or "")
    for part in files(mail.message):
        name = str(part["Content-ID"] or "").strip("<>")
        if name:
            content = base64.b64encode(cast("bytes", part.get_payload(decode=True))).decode()
            shown = f"data:{part.get_content_type()};base64,{content}"
            # To its end: one image's name may begin another's. In base64 nothing means anything to `re.sub`.
            html = re.sub(rf"cid:{re.escape(name)}(?![A-Za-z0-9._-])", shown, html)
    return html
