"""Where vendors of e-mail are called."""

from __future__ import annotations

import pytest

from shared.email.making import make_surroundings
from shared.email.providers.ses import ses_client
from shared.platform.secret import Secret
from shared.platform.settings import Environment, SettingError

KEY = ("AKIAIOSFODNN7EXAMPLE", Secret("right"))


def test_vendors_are_called_where_they_are() -> None:
    """Nobody has to set anything, and the stack says ``-``."""
    for variables in ({}, {"FRONTDESK_MAIL_BASE_URL": "-", "FRONTDESK_SES_BASE_URL": "-"}):
        around = make_surroundings(Environment(variables))
        assert (around.sendgrid_url, around.mailgun_url, around.ses_url) == ("", "", "")


def test_a_trial_calls_them_elsewhere() -> None:
    """SES has a setting of its own, because it may be the real one behind another endpoint."""
    around = make_surroundings(
        Environment({"FRONTDESK_MAIL_BASE_URL": "http://mail:1/", "FRONTDESK_SES_BASE_URL": "http://ses:2"})
    )
    assert (around.sendgrid_url, around.mailgun_url, around.ses_url) == (
        "http://mail:1",
        "http://mail:1",
        "http://ses:2",
    )


def test_a_wrong_address_is_refused_by_name() -> None:
    """At the start, and not with the first e-mail."""
    with pytest.raises(SettingError, match="FRONTDESK_SES_BASE_URL"):
        make_surroundings(Environment({"FRONTDESK_SES_BASE_URL": "eu-west-1"}))


@pytest.mark.parametrize("name", ["AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SESV2"])
def test_an_endpoint_of_our_own_account_has_no_say_in_a_companys(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It would send the company's mails, and its key's signature, to where nobody said they should go."""
    monkeypatch.setenv(name, "http://127.0.0.1:9")
    assert ses_client("eu-west-1", *KEY).meta.endpoint_url == "https://email.eu-west-1.amazonaws.com"
    assert ses_client("eu-west-1", *KEY, "http://127.0.0.1:8").meta.endpoint_url == "http://127.0.0.1:8"
