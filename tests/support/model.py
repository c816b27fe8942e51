"""The model simulator on a loopback port, for tests that make real calls."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from local.model_simulator.app import create_app
from local.serving import Server
from shared.agent.connect import open_model_client
from shared.agent.settings import ModelSettings
from shared.platform.addresses import AddressGuard
from shared.platform.http import HttpClient
from shared.platform.secret import Secret

if TYPE_CHECKING:
    from collections.abc import Iterator

    from shared.agent.model_client import ModelClient
    from shared.agent.settings import Api

LOOPBACK = AddressGuard(loopback_allowed=True)


class RunningModel:
    """A handle on the running simulator.

    Args:
        port: where it listens.
    """

    def __init__(self, port: int) -> None:
        self.origin = f"http://127.0.0.1:{port}"
        self.base_url = f"{self.origin}/v1"
        self.http = HttpClient(LOOPBACK)

    def switch(self, *faults: dict[str, Any]) -> None:
        """Switch these faults on until the next switch, unless they say how many times; all others off."""
        self._control("PUT", "faults", [{"times": None, **fault} for fault in faults])

    def script(self, *outputs: dict[str, Any]) -> None:
        """Have the next calls answered with exactly this."""
        self._control("PUT", "script", list(outputs))

    def calls(self) -> list[dict[str, Any]]:
        """The calls it has received: ``path`` and ``request`` (the body)."""
        received: list[dict[str, Any]] = self._control("GET", "calls")
        return received

    def client(self, api: Api = "responses", **settings: Any) -> ModelClient:  # noqa: ANN401 - settings' fields
        """A model client that calls it."""
        chosen = ModelSettings(base_url=self.base_url, api=api, **settings)
        return open_model_client(chosen, Secret("sk-test"), LOOPBACK)

    def _control(self, method: str, what: str, body: object = None) -> Any:  # noqa: ANN401 - any JSON value
        url = f"{self.origin}/simulator/{what}"
        return self.http.send(method, url, timeout_seconds=5, json_body=body).json()


@pytest.fixture
def model() -> Iterator[RunningModel]:
    """A running model simulator with nothing switched on."""
    with Server(create_app()) as server:
        yield RunningModel(server.port)
