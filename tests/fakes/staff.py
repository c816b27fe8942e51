"""A company's people, who are told of conversations."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from shared.email.notices import ConversationNotice


@dataclass
class FakeStaff:
    """Stands in for `shared.email.notices.StaffNotices`.

    ``told`` holds what it was told, by the e-mail's key and each once, as the outbox does; ``faults`` are
    raised first.
    """

    told: dict[str, dict[str, Any]] = field(default_factory=dict)
    faults: list[Exception] = field(default_factory=list)
    calls: int = 0

    def handed_over(self, company_id: str, notice: ConversationNotice) -> None:
        """See `shared.conversations.desk.Staff`."""
        self._keep("handed_over", company_id, notice)

    def left_unanswered(self, company_id: str, notice: ConversationNotice) -> None:
        """See `shared.conversations.desk.Staff`."""
        self._keep("left_unanswered", company_id, notice)

    def _keep(self, kind: str, company_id: str, notice: ConversationNotice) -> None:
        self.calls += 1
        if self.faults:
            raise self.faults.pop(0)
        what = {name: value for name, value in vars(notice).items() if name != "key"}
        self.told.setdefault(notice.key, {"kind": kind, "company_id": company_id, **what})
