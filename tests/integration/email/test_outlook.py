"""An e-mail through a connected Microsoft mailbox: consent, tokens and SMTP, over sockets."""

from __future__ import annotations

from datetime import timedelta
from typing import TYPE_CHECKING, Any

import pytest

from local.mail_simulator.kept import Post
from local.smtp_simulator.server import SmtpServer, Switches
from shared.companies.email import SmtpProvider
from shared.companies.store import CompanyStore
from shared.credentials.store import Credentials
from shared.email.outside import CompanyOutside
from shared.email.providers.contract import Rejected
from shared.email.providers.registry import Surroundings
from shared.email.providers.smtp import Server, Smtp
from shared.platform.clock import Deadline, SystemClock
from tests.fakes.mail import NoFiles
from tests.support.atomic import AtomicTable
from tests.support.aws import make_table
from tests.support.email import rendered
from tests.support.mail import LOOPBACK, free_port
from tests.support.oauth_deployment import Deployment
from tests.support.simulators import OWNER, microsoft

if TYPE_CHECKING:
    from mypy_boto3_dynamodb import DynamoDBClient
    from mypy_boto3_kms import KMSClient

    from tests.support.simulators import RunningVendor

__all__ = ["microsoft"]

SERVERS = {"outlook": "smtp.office365.com", "outlook_personal": "smtp-mail.outlook.com"}
SEND = "https://outlook.office.com/SMTP.Send"
# Later than a token that is refused within a minute of its making, which is not renewed.
LATER = timedelta(minutes=2)


class Mailbox:
    """A company that sends from its mailbox at Microsoft, and the mail server there.

    Args:
        deployment: connected with Microsoft.
        dynamodb: for companies.
        username: what the document says.
        preset: which mail server it names.
    """

    def __init__(
        self,
        deployment: Deployment,
        dynamodb: DynamoDBClient,
        username: str = OWNER,
        preset: str = "outlook",
    ) -> None:
        self.deployment = deployment
        self.post = Post()
        self.refused: list[str] = []
        tools = deployment.tools()
        companies = CompanyStore(AtomicTable(make_table(dynamodb, "documents")), SystemClock())
        self._outside = CompanyOutside(
            companies,
            Credentials(tools.vault, deployment.table),
            deployment.worker(LATER),
            Surroundings(LOOPBACK, SystemClock()),
            NoFiles(),
        )
        document = {"id": "m", "vendor": "smtp", "preset": preset, "username": username, "auth": "xoauth2"}
        self._settings = SmtpProvider.parse(document)

    def takes(self, user: str, token: str) -> bool:
        """Microsoft's rule: a living token, made for sending, of this very user."""
        found: dict[str, Any] = self.deployment.vendor.control("POST", "oauth/look", {"token": token})
        good = found.get("account") == user and SEND in found["scopes"]
        if not good:
            self.refused.append(token)
        return good

    def send(self) -> None:
        """As ``email_delivery`` does, with the mail server on this machine in place of Microsoft's."""
        opened = self._outside.provider("sol", self._settings)
        assert isinstance(opened, Smtp)
        assert opened.server == Server(SERVERS[self._settings.preset or ""], 587, implicit_tls=False)
        with SmtpServer(self.post, port := free_port(), Switches(), takes=self.takes):
            here = Smtp(Server("localhost", port, implicit_tls=False), opened.login, LOOPBACK)
            here.send(rendered(), Deadline(SystemClock(), 20))


@pytest.fixture
def deployment(microsoft: RunningVendor, dynamodb: DynamoDBClient, kms: KMSClient) -> Deployment:
    """A company that is connected with Microsoft."""
    deployment = Deployment("microsoft", microsoft, dynamodb, kms)
    deployment.connect()
    return deployment


@pytest.mark.parametrize("preset", SERVERS)
def test_an_email_is_sent_as_the_mailbox(
    deployment: Deployment, dynamodb: DynamoDBClient, preset: str
) -> None:
    """With the token that consent brought; a personal mailbox has another server."""
    mailbox = Mailbox(deployment, dynamodb, preset=preset)
    mailbox.send()
    [mail] = mailbox.post.all()
    assert OWNER in str(mail)
    assert (mailbox.refused, deployment.refreshes()) == ([], 0)


def test_a_token_that_microsoft_no_longer_takes_is_renewed_once_and_the_email_goes(
    deployment: Deployment, dynamodb: DynamoDBClient
) -> None:
    """It was ended before its time; the next e-mail uses the new one without a word."""
    deployment.vendor.control("POST", "oauth/end", {"how": "access"})
    mailbox = Mailbox(deployment, dynamodb)
    mailbox.send()
    assert (len(mailbox.post.all()), len(mailbox.refused), deployment.refreshes()) == (1, 1, 1)
    mailbox.send()
    assert (len(mailbox.post.all()), len(mailbox.refused), deployment.refreshes()) == (2, 1, 1)


def test_a_mailbox_whose_grant_was_ended_sends_nothing(
    deployment: Deployment, dynamodb: DynamoDBClient
) -> None:
    """The company must connect again, and the e-mail goes on to its next provider."""
    deployment.vendor.control("POST", "oauth/end", {"how": "revoked"})
    mailbox = Mailbox(deployment, dynamodb)
    with pytest.raises(Rejected) as refused:
        mailbox.send()
    assert (refused.value.about, refused.value.reason) == ("account", "reconnect_required")
    assert mailbox.post.all() == []


def test_another_mailbox_than_the_connected_one_is_refused_by_the_server(
    deployment: Deployment, dynamodb: DynamoDBClient
) -> None:
    """The document names one, the account is another: the account's matter."""
    mailbox = Mailbox(deployment, dynamodb, "another@clinic.example")
    with pytest.raises(Rejected) as refused:
        mailbox.send()
    assert (refused.value.about, mailbox.post.all()) == ("account", [])
