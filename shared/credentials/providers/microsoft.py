"""Microsoft: mailboxes of Microsoft 365 and Outlook.com, to send e-mails from.

Sources: "Authenticate an IMAP, POP or SMTP connection using OAuth" (learn.microsoft.com/exchange), "OAuth 2.0
authorization code flow", "ID token claims reference", "Refresh tokens" and "Scopes and permissions"
(learn.microsoft.com/entra/identity-platform). Each answer brings a new refresh token; the one before stays
good until its 90 days are over. Programs cannot end a grant. The access token is for the mail server alone:
whose account it is stands in the id token.
"""

from __future__ import annotations

from shared.credentials.providers.contract import TENANT, AccountFields, Endpoints, OAuthProvider

_LOGIN = "https://login.microsoftonline.com"
SEND = "https://outlook.office.com/SMTP.Send"

MICROSOFT = OAuthProvider(
    name="microsoft",
    title="Microsoft Outlook",
    endpoints=Endpoints(
        authorize=f"{_LOGIN}/common/oauth2/v2.0/authorize",
        token=f"{_LOGIN}/common/oauth2/v2.0/token",
    ),
    issuer=f"{_LOGIN}/{TENANT}/v2.0",
    # offline_access brings the refresh token, openid and the two after it the id token with what it says.
    asked=(SEND, "offline_access", "openid", "email", "profile"),
    required=frozenset({SEND}),
    account=AccountFields(
        # Stays for this deployment's client, whatever becomes of names and addresses.
        account_id=("sub",),
        # What people log in with, and SMTP as well. The claim ``email`` may be anything that a tenant's
        # administrator wrote there.
        email=("preferred_username",),
        other_email=("email",),
    ),
    aliases={"https://outlook.office365.com/SMTP.Send": SEND},
    # Who is signed in with one account would not be asked which mailbox it shall be.
    authorize_parameters={"response_mode": "query", "prompt": "select_account"},
    boxes=False,
    remove_at="myapps.microsoft.com (work or school), or account.live.com/consent/Manage (personal)",
)
