"""The e-mails of a scene: the real outbox and the real notices, with every effect of them recorded."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from shared.email.notices import StaffNotices
from shared.email.outbox import Outbox, read_back
from shared.email.records import WAITING_INDEX, content_key
from tests.fakes.table import MemoryTable
from tests.reliability.effects import Recorded

if TYPE_CHECKING:
    from tests.reliability.effects import Recorder
    from tests.support.desk import World

# A company whose people are told of every hand-over.
TOLD: dict[str, Any] = {
    "staff_email": "equipo@clinica-sol.example",
    "email": {
        "from_address": "hola@clinica-sol.example",
        "providers": [{"id": "grid", "vendor": "sendgrid"}],
    },
    "hand_over": {"notify_by_email": "always"},
}


class Mailing:
    """See the module.

    Args:
        world: the scene's.
        recorder: numbers the effects.
    """

    def __init__(self, world: World, recorder: Recorder) -> None:
        self._table = MemoryTable()
        self._called: set[str] = set()
        table: Any = Recorded(self._table, "dynamodb", {"transact": "transact"}, recorder)
        queue: Any = Recorded(self, "sqs", {"send": "send e-mail"}, recorder)
        companies: Any = world.companies
        self.staff = StaffNotices(companies, Outbox(table, queue, world.clock), world.clock)

    def send(self, company_id: str, email_id: str, *, delay_seconds: int = 0) -> None:
        """See `shared.email.outbox.EmailQueue`; a worker that is called twice takes an e-mail up once."""
        del company_id, delay_seconds
        self._called.add(email_id)

    def mails(self) -> list[str]:
        """The templates of the e-mails that a worker was called for, or that the sweep would find."""
        items = [item for item in self._table.scan() if f"{WAITING_INDEX}_pk" in item]
        written = {item["sk"].removeprefix("email#") for item in items}
        assert self._called <= written, "a worker was called for nothing"
        contents = [
            self._table.get(content_key(item["company_id"], item["sk"].removeprefix("email#")))
            for item in items
        ]
        return [read_back(item["content"]).template for item in contents if item]  # type: ignore[union-attr]

    def forgotten(self) -> int:
        """How many e-mails were written down, and no worker called."""
        written = {item["sk"].removeprefix("email#") for item in self._table.scan() if "state" in item}
        return len(written - self._called)
