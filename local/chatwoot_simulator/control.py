"""``/simulator``: the calls that play people (`roles`), and those that look into the machine."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from flask import Blueprint, Response, abort, request

from local.chatwoot_simulator.roles import Roles, given_fields

if TYPE_CHECKING:
    from collections.abc import Callable

    from flask.typing import ResponseReturnValue

    from local.chatwoot_simulator.faults import Faults
    from local.chatwoot_simulator.records import JsonDict, World
    from local.chatwoot_simulator.rules import Installation
    from local.chatwoot_simulator.watch import Watch
    from local.chatwoot_simulator.webhooks import WebhookSender

WATCH_SECONDS = 15.0
_ACCOUNT = "/accounts/<int:account_id>"
_CONVERSATION = f"{_ACCOUNT}/conversations/<int:number>"
# Method, path, and the method of `Roles` that answers, holding the records' lock.
ROLES_CALLS = (
    ("GET", "/accounts", "accounts"),
    ("POST", "/accounts", "new_account"),
    ("POST", f"{_ACCOUNT}/inboxes", "new_inbox"),
    ("PATCH", f"{_ACCOUNT}/inboxes/<int:number>", "set_inbox"),
    ("PATCH", f"{_ACCOUNT}/bots/<int:number>", "set_bot"),
    ("POST", "/reset", "reset"),
    ("POST", f"{_ACCOUNT}/customer", "customer_writes"),
    ("POST", f"{_CONVERSATION}/agent", "agent_replies"),
    ("PATCH", _CONVERSATION, "set_conversation"),
    ("DELETE", f"{_CONVERSATION}/messages/<int:message_id>", "delete_message"),
    ("GET", f"{_ACCOUNT}/conversations", "conversations"),
    ("GET", _CONVERSATION, "conversation"),
    ("GET", f"{_CONVERSATION}/seen", "seen"),
)
# The same for `Machine`, without the lock: these calls wait, or send.
MACHINE_CALLS = (
    ("GET", "/changes", "changes"),
    ("GET", "/faults", "active"),
    ("PUT", "/faults", "switch"),
    ("GET", "/calls", "calls"),
    ("GET", "/deliveries", "deliveries"),
    ("POST", "/deliveries/<int:number>/repeat", "repeat"),
    ("POST", "/forget", "forget"),
)


def control(installation: Installation, sender: WebhookSender, faults: Faults, watch: Watch) -> Blueprint:
    """The routes of one installation."""
    routes = Blueprint("control", __name__, url_prefix="/simulator")
    roles, machine = Roles(installation), Machine(sender, faults, watch)
    for method, path, name in ROLES_CALLS:
        routes.add_url_rule(path, name, _locked(installation.world, getattr(roles, name)), methods=[method])
    for method, path, name in MACHINE_CALLS:
        routes.add_url_rule(path, name, getattr(machine, name), methods=[method])
    return routes


def _locked(world: World, call: Callable[..., ResponseReturnValue]) -> Callable[..., ResponseReturnValue]:
    def view(**numbers: int) -> ResponseReturnValue:
        with world.lock:
            return call(**numbers)

    return view


class Machine:
    """What was sent and called, what goes wrong, and when something is new."""

    def __init__(self, sender: WebhookSender, faults: Faults, watch: Watch) -> None:
        self.sender = sender
        self.faults = faults
        self.watch = watch

    def changes(self) -> JsonDict:
        """Wait until something is newer than ``after``."""
        wait_seconds = min(request.args.get("wait_seconds", 0.0, float), WATCH_SECONDS)
        return {"version": self.watch.wait(request.args.get("after", -1, int), wait_seconds)}

    def active(self) -> list[JsonDict]:
        """The faults that still happen."""
        return self.faults.active()

    def switch(self) -> list[JsonDict]:
        """Replace all faults."""
        wanted: Any = request.get_json()
        try:
            return self.faults.switch(wanted)
        except TypeError as error:
            abort(400, f"A fault is wrong: {error}.")

    def calls(self) -> list[JsonDict]:
        """The API calls that arrived."""
        return self.faults.calls(request.args.get("after", 0, int))

    def deliveries(self) -> list[JsonDict]:
        """The webhooks that were sent, one entry an attempt."""
        return self.sender.deliveries(request.args.get("after", 0, int))

    def repeat(self, number: int) -> JsonDict:
        """Send a delivery once more."""
        try:
            return self.sender.repeat(number, as_new=bool(given_fields().get("as_new"))).shown()
        except KeyError:
            abort(404, "There is no such delivery.")

    def forget(self) -> Response:
        """Empty the lists of calls and deliveries, switch faults off."""
        self.sender.forget()
        self.faults.forget()
        return Response(status=204)
