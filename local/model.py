"""Which model the functions of the local world ask: a real one where there is a key, else the simulator."""

from __future__ import annotations

from dataclasses import dataclass
from urllib.parse import urlsplit

from local.ports import url
from shared.platform.secret import Secret

OPENAI = "https://api.openai.com/v1"
_SIMULATED_KEY = "simulated"


@dataclass(frozen=True)
class Model:
    """A model and how to ask it.

    Args:
        base_url: where it is.
        api: ``responses``, or ``chat_completions`` for servers that only imitate OpenAI's older API.
        api_key: the key to send.
        simulated: whether it is the simulator.
        name: the model's name; empty: the default of the deployment.
    """

    base_url: str
    api: str
    api_key: Secret
    simulated: bool
    name: str = ""

    def describe(self) -> str:
        """Which model it is, for the person at the terminal."""
        if self.simulated:
            return "the simulated model (set OPENAI_API_KEY to use the real one)"
        return f"the real model {self.name} at {urlsplit(self.base_url).netloc}".replace("  ", " ")


def choose(*, base_url: str, api_key: str, name: str, simulator_port: int) -> Model:
    """The model to use.

    Args:
        base_url: an OpenAI-compatible server; empty: OpenAI itself.
        api_key: its key; empty with an empty ``base_url``: the simulator.
        name: the model's name; empty: the default.
        simulator_port: where the simulator listens.
    """
    if not base_url and not api_key:
        return Model(f"{url(simulator_port)}/v1", "responses", Secret(_SIMULATED_KEY), simulated=True)
    address = base_url or OPENAI
    api = "responses" if urlsplit(address).hostname == urlsplit(OPENAI).hostname else "chat_completions"
    # Servers of one's own often want no key, but the header must hold something.
    return Model(address, api, Secret(api_key or "none"), simulated=False, name=name)
