"""Which outside service a turn's failure speaks of, where it speaks of one."""

from __future__ import annotations

from shared.chatwoot.errors import ChatwootDenied, MessageNotStored, MessageRefused
from shared.companies.pulse import CHATWOOT, MODEL
from shared.conversations.plan import Outcome
from shared.platform.errors import AnswerLost, FrontdeskError, RequestNotSent

# A turn that ended so has spoken with Chatwoot.
SPOKE = frozenset({Outcome.ANSWERED, Outcome.HANDED_OVER, Outcome.REMINDED})
# About one request or one message, and not about the service.
_OF_ONE_MESSAGE = frozenset({"model_context", "model_refused", "message_refused", "conversation_missing"})
_OF_CHATWOOT = (ChatwootDenied, MessageNotStored, MessageRefused, RequestNotSent, AnswerLost)


def failing_service(failed: FrontdeskError) -> str:
    """``model``, ``chatwoot``, or an empty text where the failure blames neither.

    The model's own failures all carry slugs that begin with ``model_``.
    """
    if failed.reason in _OF_ONE_MESSAGE:
        return ""
    if failed.reason.startswith("model_"):
        return MODEL
    return CHATWOOT if isinstance(failed, _OF_CHATWOOT) else ""
