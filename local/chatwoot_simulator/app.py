"""One simulator as a Flask application: Chatwoot's API, the desk page, and ``/simulator`` to play people.

The API has the calls that Frontdesk makes; others answer 501. People on the desk page and in tests make the
same calls below ``/simulator/api/v1``, where they meet no faults and are not counted.
"""

from __future__ import annotations

from flask import Blueprint, Flask, Response, abort, current_app, g, jsonify, request
from werkzeug.exceptions import HTTPException

from local import faults, file_storage
from local.chatwoot_simulator.records import FACTS, Refused, Row, conversation_answer, fields, message_answer
from local.chatwoot_simulator.rules import Chatwoot

# What an agent bot's token may call since Chatwoot 4.14.2.
FOR_BOTS = ("show_conversation", "create_message", "toggle_status", "toggle_typing_status", "labels")
ACCOUNT = "/accounts/<int:account_id>"
CONVERSATION = f"{ACCOUNT}/conversations/<int:conversation_id>"
api, people = Blueprint("api", __name__), Blueprint("people", __name__)


def create_app(retry_wait_seconds: float = 3.0) -> Flask:
    """A simulator with one account, its people, a bot and inboxes of several channels.

    Args:
        retry_wait_seconds: between the attempts to tell an agent bot.
    """
    app = Flask(__name__, static_folder="desk", static_url_path="/desk")
    app.extensions["chatwoot"] = installation = Chatwoot(retry_wait_seconds)
    faults.install(app)
    app.register_blueprint(file_storage.FileStorage().routes)

    @app.before_request
    def one_at_a_time() -> None:
        installation.lock.acquire()

    app.teardown_request(lambda _: installation.lock.release())
    app.register_blueprint(api, url_prefix="/api/v1")
    app.register_blueprint(api, url_prefix="/simulator/api/v1", name="desk")
    app.register_blueprint(people, url_prefix="/simulator")
    app.add_url_rule("/desk", view_func=lambda: app.send_static_file("index.html"))
    app.register_error_handler(Refused, lambda refused: refused.args)
    app.register_error_handler(HTTPException, _failed)
    return app


def _failed(error: HTTPException) -> tuple[Row, int]:
    unknown = error.code in (404, 405) and request.path.startswith("/api/")
    sentence = "The simulator does not have this call" if unknown else error.description
    return {"error": sentence}, 501 if unknown else error.code or 500


def chatwoot() -> Chatwoot:
    """The installation that this application serves."""
    found: Chatwoot = current_app.extensions["chatwoot"]
    return found


@people.before_request
def locate() -> None:
    """Find the account and the conversation that the path names: views get them in ``g``."""
    given, records, caller = request.view_args or {}, chatwoot().records, g.get("caller")
    if "account_id" in given:
        g.account = records.one("accounts", id=given.pop("account_id"))
        if caller and caller["account_id"] != g.account["id"]:
            who = "You are" if caller["role"] else "Bot is"
            raise _denied(f"{who} not authorized to access this account")
    if "conversation_id" in given:
        ids = {"account_id": g.account["id"], "id": given.pop("conversation_id")}
        g.conversation = records.one("conversations", **ids)


@api.before_request
def admit() -> None:
    """Find out who calls. A header spelled with underscores never arrives, as behind nginx by default."""
    token, view = request.headers.get("Api-Access-Token"), str(request.endpoint).partition(".")[2]
    if not token:
        raise Refused({"errors": ["You need to sign in or sign up before continuing."]}, 401)
    known = [one for kind in ("users", "bots") for one in chatwoot().records.every(kind, token=token)]
    if not known:
        raise _denied("Invalid Access Token")
    g.caller = known[0]
    if not g.caller["role"] and view not in FOR_BOTS:
        raise _denied("Access to this endpoint is not authorized for bots")
    locate()
    if "/webhooks" in request.path and g.caller["role"] != "administrator":
        raise _denied("You are not authorized to do this action")


def mine(kind: str, **values: object) -> list[Row]:
    """Those records of a kind that belong to the account."""
    return chatwoot().records.every(kind, account_id=g.account["id"], **values)


def _denied(error: str) -> Refused:
    return Refused({"error": error}, 401)


@api.get("/profile")
def profile() -> Row:
    """Whose token it is."""
    account = {"id": g.caller["account_id"], "role": g.caller["role"]}
    return {**fields("user in answers", g.caller), "accounts": [account]}


@api.get(f"{ACCOUNT}/conversations")
def list_conversations() -> Row:
    """25 a page, the liveliest first, open ones unless asked."""
    status, page = request.args.get("status", "open"), request.args.get("page", 1, int)
    found = [conversation_answer(one) for one in mine("conversations") if status in ("all", one["status"])]
    found.sort(key=lambda one: float(one["updated_at"]), reverse=True)
    return {"data": {"meta": {"all_count": len(found)}, "payload": found[25 * page - 25 : 25 * page]}}


@api.get(CONVERSATION)
def show_conversation() -> Row:
    """A conversation as it is now."""
    return conversation_answer(g.conversation)


@api.post(f"{CONVERSATION}/toggle_status")
def toggle_status() -> Row:
    """A status that does not exist is a 500."""
    was, status, role = g.conversation["status"], request.get_json()["status"], g.caller["role"]
    if status not in FACTS["status_words"]:
        raise Refused({"status": 500, "error": "Internal Server Error"}, 500)
    taken = {"assignee_id": g.caller["id"]} if (role, status) == ("agent", "open") else {}
    chatwoot().change(g.conversation, status=status, **taken)
    handed_over = role is None and (was, status) == ("pending", "open")
    return {"meta": {}, "payload": {"success": None if handed_over else True, "current_status": status}}


@api.post(f"{CONVERSATION}/toggle_typing_status")
def toggle_typing_status() -> Response:
    """The desk page shows it."""
    g.conversation["typing"] = g.caller["name"] if request.get_json()["typing_status"] == "on" else ""
    return Response()


@api.route(f"{CONVERSATION}/labels", methods=["GET", "POST"])
def labels() -> Row:
    """Posting replaces all."""
    if request.method == "POST":
        chatwoot().change(g.conversation, labels=list(dict.fromkeys(request.get_json()["labels"])))
    return {"payload": g.conversation["labels"]}


@api.get(f"{CONVERSATION}/messages")
def list_messages() -> Row:
    """The newest 20, before an id, 100 after an id, or between two, the first included."""
    after, before = request.args.get("after", 0, int), request.args.get("before", 0, int)
    said = [message_answer(one) for one in g.conversation["said"] if not before or one["id"] < before]
    first, limit = (after, 1000) if before else (after + 1, 100)
    later = [one for one in said if one["id"] >= first][:limit]
    return {"meta": {"labels": g.conversation["labels"]}, "payload": later if after else said[-20:]}


@api.post(f"{CONVERSATION}/messages")
def create_message() -> Row:
    """200 means stored; the delivery comes later."""
    given, sender = request.get_json(), g.caller
    if given.get("message_type", "outgoing") != "outgoing":
        raise Refused({"error": "Incoming messages are only allowed in Api inboxes"}, 422)
    if given.get("sender_type") == "AgentBot":  # the message is then nobody's human reply
        sender = chatwoot().records.one("bots", id=given["sender_id"], account_id=g.account["id"])
    values = {name: given[name] for name in ("private", "content_attributes", "source_id") if name in given}
    return message_answer(chatwoot().reply(g.conversation, sender, given["content"], **values))


@api.get(f"{ACCOUNT}/<any(inboxes, agent_bots, webhooks):kind>")
def list_all(kind: str) -> Response:
    """Inboxes, bots (with their keys for administrators), webhooks."""
    rows = [fields(f"{kind} for {g.caller['role']}", one) for one in mine(kind.removeprefix("agent_"))]
    wrapped = {"inboxes": {"payload": rows}, "webhooks": {"payload": {"webhooks": rows}}}
    return jsonify(wrapped.get(kind, rows))


@api.post(f"{ACCOUNT}/webhooks", defaults={"number": None})
@api.route(f"{ACCOUNT}/webhooks/<int:number>", methods=["PATCH", "DELETE"])
def change_webhook(number: int | None) -> Row:
    """Chatwoot chooses the secret and shows it in its answers; a change keeps it."""
    records, given = chatwoot().records, request.get_json(silent=True) or {}
    found = records.one("webhooks", account_id=g.account["id"], id=number) if number else {}
    if request.method == "DELETE":
        records["webhooks"].remove(found)
        return {}
    if any(one is not found for one in mine("webhooks", url=given["url"])):
        raise Refused({"message": "Url has already been taken", "attributes": ["url"]}, 422)
    found = found or records.add("webhooks", account_id=g.account["id"])
    found |= {name: given[name] for name in FACTS["webhook_settings"] if name in given}
    return {"payload": {"webhook": fields("webhooks for administrator", found)}}


@people.route("/accounts", methods=["GET", "POST"])
def accounts() -> Row | list[Row]:
    """Every account with its people, bots and inboxes, tokens and secrets included; or a new one."""
    if request.method == "POST":
        return chatwoot().records.add_account(request.get_json()["name"])
    return chatwoot().records["accounts"]


@people.patch(f"{ACCOUNT}/<any(inboxes, bots):kind>/<int:number>")
def change_settings(kind: str, number: int) -> Row:
    """How an inbox behaves, where a bot is told of events."""
    (found,), given = mine(kind, id=number), request.get_json()
    if not given.keys() <= found.keys():
        abort(400, "There is no such setting.")
    found |= given
    return found


@people.post(f"{ACCOUNT}/customer")
def customer_writes() -> Row:
    """A customer writes ``text`` in ``inbox_id``; ``custom_attributes`` are those of a new conversation.

    ``attachments`` were made by ``POST /simulator/files`` (`local.file_storage`).
    """
    given = request.get_json()
    message = chatwoot().customer_writes(mine("inboxes", id=given["inbox_id"])[0], given)
    return {"message_id": message["id"], "conversation_id": message["conversation_id"]}


@people.get(f"{ACCOUNT}/conversations")
def conversations() -> list[Row]:
    """What the desk page shows, the liveliest first, private notes and activity included."""
    return sorted(map(_row, mine("conversations")), key=lambda one: float(one["updated_at"]), reverse=True)


@people.route(CONVERSATION, methods=["GET", "PATCH"])
def conversation() -> Row:
    """A person sets ``status`` or ``assignee_id``, or the window's ``can_reply``."""
    chatwoot().change(g.conversation, **request.get_json(silent=True) or {})
    return _row(g.conversation)


@people.get("/deliveries")
def deliveries() -> list[Row]:
    """The webhooks that were sent, one entry an attempt."""
    return chatwoot().deliveries


def _row(conversation: Row) -> Row:
    said = [message_answer(one) | fields("message on the desk", one) for one in conversation["said"]]
    names = {"contact": conversation["contact"]["name"], "inbox": conversation["inbox"]["name"]}
    names["assignee"] = conversation["users"].get(conversation["assignee_id"], {"name": None})["name"]
    return {**fields("conversation on the desk", conversation), **names, "messages": said}
