"""Google Calendar.

Sources: "Using OAuth 2.0 for Web Server Applications" and "Using OAuth 2.0 to Access Google APIs"
(developers.google.com/identity/protocols/oauth2); the scopes of each call from the Calendar API's discovery
document, version 3.
"""

from __future__ import annotations

from shared.credentials.providers.contract import AccountFields, Endpoints, OAuthProvider

_SCOPE = "https://www.googleapis.com/auth/"
FREE_BUSY = f"{_SCOPE}calendar.freebusy"
OWN_EVENTS = f"{_SCOPE}calendar.events.owned"
EVENTS = f"{_SCOPE}calendar.events"
CALENDAR_LIST = f"{_SCOPE}calendar.calendarlist.readonly"
READ_ONLY = f"{_SCOPE}calendar.readonly"
READ_EVENTS = f"{_SCOPE}calendar.events.readonly"
READ_OWN_EVENTS = f"{_SCOPE}calendar.events.owned.readonly"
CALENDAR = f"{_SCOPE}calendar"
# SMTP knows no smaller one (developers.google.com/workspace/gmail/imap/xoauth2-protocol).
MAIL = "https://mail.google.com/"

GOOGLE = OAuthProvider(
    name="google",
    title="Google Calendar",
    endpoints=Endpoints(
        authorize="https://accounts.google.com/o/oauth2/v2/auth",
        token="https://oauth2.googleapis.com/token",  # noqa: S106 - an address
        revoke="https://oauth2.googleapis.com/revoke",
        account="https://openidconnect.googleapis.com/v1/userinfo",
    ),
    issuer="https://accounts.google.com",
    asked=("openid", "email", FREE_BUSY, OWN_EVENTS, CALENDAR_LIST),
    # The list is for choosing calendars by name; without it their ids can be written down by hand.
    required=frozenset({FREE_BUSY, OWN_EVENTS}),
    account=AccountFields(account_id=("sub",), email=("email",)),
    mail=(MAIL,),
    implies={
        CALENDAR: frozenset(
            {FREE_BUSY, OWN_EVENTS, EVENTS, CALENDAR_LIST, READ_ONLY, READ_EVENTS, READ_OWN_EVENTS}
        ),
        READ_ONLY: frozenset({FREE_BUSY, CALENDAR_LIST, READ_EVENTS, READ_OWN_EVENTS}),
        # Calls that take calendar.events.owned take calendar.events as well; free/busy takes neither.
        EVENTS: frozenset({OWN_EVENTS, READ_EVENTS, READ_OWN_EVENTS}),
        OWN_EVENTS: frozenset({READ_OWN_EVENTS}),
        f"{_SCOPE}calendar.events.freebusy": frozenset({FREE_BUSY}),
        f"{_SCOPE}calendar.calendarlist": frozenset({CALENDAR_LIST}),
    },
    aliases={f"{_SCOPE}userinfo.email": "email", f"{_SCOPE}userinfo.profile": "profile"},
    # Only a real consent with offline access brings a refresh token; earlier grants are not merged in, they
    # could hide a box that was not ticked.
    authorize_parameters={"access_type": "offline", "prompt": "consent", "include_granted_scopes": "false"},
    service_account_scopes=(FREE_BUSY, EVENTS),
    remove_at="myaccount.google.com/connections",
)
