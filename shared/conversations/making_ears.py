"""Puts listening together from settings and AWS clients."""

from __future__ import annotations

from typing import TYPE_CHECKING

from shared.agent.connect import open_transcriber
from shared.agent.settings import ModelSettings
from shared.chatwoot.media import Downloads
from shared.conversations.desk import Lending
from shared.conversations.listening import Ears
from shared.platform import aws
from shared.platform.clock import SystemClock
from shared.platform.http import HttpClient
from shared.platform.secrets import DeploymentSecrets

if TYPE_CHECKING:
    from shared.agent.media.transcription import Transcriber
    from shared.platform.addresses import AddressGuard
    from shared.platform.settings import Environment


def make_ears(environment: Environment, guard: AddressGuard) -> Ears:
    """What listening needs from outside.

    Args:
        environment: the settings; read when the first recording comes.
        guard: which addresses may be called.
    """

    def transcriber() -> Transcriber:
        secrets = DeploymentSecrets(aws.ssm(), environment.text("FRONTDESK_STAGE"))
        settings = ModelSettings.from_environment(environment)
        return open_transcriber(settings, secrets.get("openai_api_key"), guard)

    return Ears(lambda: Downloads(HttpClient(guard), SystemClock()), Lending(transcriber).lend)
