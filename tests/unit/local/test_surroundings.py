from __future__ import annotations

import pytest

from local import surroundings
from local.model import choose

SHELL = {
    "PATH": "/usr/bin",
    "HOME": "/home/dev",
    "AWS_PROFILE": "production",
    "AWS_ACCESS_KEY_ID": "AKIAREAL",
    "OPENAI_API_KEY": "sk-planted",
    "FRONTDESK_STAGE": "prod",
    "HTTPS_PROXY": "http://proxy.example.com:3128",
    "no_proxy": "example.org",
    "REQUESTS_CA_BUNDLE": "/etc/ca.pem",
    "UV_INDEX_URL": "https://packages.example.com/simple",
    "SECRET_OF_SOMETHING_ELSE": "planted",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def test_servers_get_the_bare_necessities() -> None:
    """The deployed functions inherit what the local AWS has: no key and no account of the developer's."""
    given = surroundings.plain(SHELL)

    assert not {"sk-planted", "AKIAREAL", "production", "planted", "prod"} & set(given.values())
    assert given["HTTPS_PROXY"] == SHELL["HTTPS_PROXY"]
    assert given["REQUESTS_CA_BUNDLE"] == "/etc/ca.pem"


def test_loopback_is_reached_around_the_proxy() -> None:
    """A company's proxy cannot reach this machine's loopback addresses; its own exceptions stay."""
    given = surroundings.plain(SHELL)

    assert given["NO_PROXY"] == given["no_proxy"] == "example.org,127.0.0.1,localhost"


def test_the_cdk_can_only_reach_the_local_aws() -> None:
    """Whatever account the shell is logged in to, the local deployment does not go there."""
    given = surroundings.for_deploying("http://127.0.0.1:8481", SHELL)

    assert given["AWS_ENDPOINT_URL"] == "http://127.0.0.1:8481"
    assert given["AWS_ACCESS_KEY_ID"] == "test"
    assert given["AWS_CONFIG_FILE"] == given["AWS_SHARED_CREDENTIALS_FILE"] == "/dev/null"
    assert "AWS_PROFILE" not in given
    assert "sk-planted" not in given.values()


def test_bundling_keeps_what_installers_need() -> None:
    """The index that a company's machines must use still counts for the bundles."""
    given = surroundings.for_deploying("http://127.0.0.1:8481", SHELL)

    assert given["UV_INDEX_URL"] == SHELL["UV_INDEX_URL"]
    assert "PYTHONDONTWRITEBYTECODE" not in given


def test_without_a_key_the_model_is_simulated_and_said_so() -> None:
    """Nobody takes simulated answers for real ones."""
    model = choose(base_url="", api_key="", name="", simulator_port=8483)

    assert (model.simulated, model.base_url, model.api) == (True, "http://127.0.0.1:8483/v1", "responses")
    assert "simulated" in model.describe()


def test_with_a_key_the_real_model_answers() -> None:
    """OPENAI_API_KEY alone means OpenAI itself, over the Responses API."""
    model = choose(base_url="", api_key="sk-planted", name="", simulator_port=8483)

    assert (model.simulated, model.base_url, model.api) == (False, "https://api.openai.com/v1", "responses")
    assert model.describe() == "the real model at api.openai.com"
    assert "sk-planted" not in repr(model)


@pytest.mark.parametrize("key", ["", "k"])
def test_an_imitation_of_openai_is_asked_the_older_way(key: str) -> None:
    """OpenAI-compatible servers speak Chat Completions; many want no key at all."""
    model = choose(base_url="http://127.0.0.1:11434/v1", api_key=key, name="llama", simulator_port=8483)

    assert (model.simulated, model.api, model.name) == (False, "chat_completions", "llama")
    assert model.api_key.reveal() != ""
    assert model.describe() == "the real model llama at 127.0.0.1:11434"
