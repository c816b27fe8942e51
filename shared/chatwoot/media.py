"""Files that customers sent, fetched from where Chatwoot keeps them.

A ``data_url`` answers with a redirect to the storage, which is another host and an address that works for
five minutes (Rails guide "Active Storage Overview", "Redirect mode"), so nothing is kept but the first one.
Anybody who can write the URL could lead us anywhere: every hop is checked like the first, no token is sent,
size and time are bounded. Just after the event the file may not be stored yet (chatwoot/chatwoot#14644,
#15540): a 404 is then tried again. URLs are as good as the file itself and stand in no log line.
"""

from __future__ import annotations

from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from shared.platform.addresses import AddressRefused
from shared.platform.errors import AnswerLost, GiveUp, RequestNotSent
from shared.platform.http import AnswerTooLarge

if TYPE_CHECKING:
    from shared.platform.clock import Clock, Deadline
    from shared.platform.http import HttpAnswer, HttpClient

MAX_HOPS = 5
# 23.5 s in all, as far as the deadline allows.
WAITS_SECONDS = (0.5, 1.0, 2.0, 4.0, 8.0, 8.0)
_STORED_BY_CHATWOOT = "/rails/active_storage/"
_OK, _FORBIDDEN, _NOT_FOUND, _TOO_MANY, _SERVER_ERROR = 200, 403, 404, 429, 500
_REDIRECTS = {301, 302, 303, 307, 308}
# Content encodings would only hide how large a file is.
_HEADERS = {"Accept": "*/*", "Accept-Encoding": "identity"}


class FileUnavailable(GiveUp):
    """A file cannot be had.

    Args:
        reason: ``too_large``, ``not_found``, ``timeout``, ``unreachable``, ``address_refused``, ``empty``,
            ``too_many_redirects`` or ``status_<number>``.
        passing: whether another try may work.
    """

    def __init__(self, reason: str, *, passing: bool = False) -> None:
        super().__init__(f"a customer's file cannot be had: {reason}", reason=reason)
        self.passing = passing


class Downloads:
    """Fetches files; belongs to one thread.

    Args:
        http: makes the calls; used for nothing that carries a token.
        clock: waits between tries.
    """

    def __init__(self, http: HttpClient, clock: Clock) -> None:
        self._http = http
        self._clock = clock

    def fetch(self, url: str, *, base_url: str, max_bytes: int, deadline: Deadline, young: bool) -> bytes:
        """A file, whole.

        Args:
            url: from an attachment.
            base_url: the company's Chatwoot. Its files are asked for there when the URL itself cannot be
                called: an installation may know itself under a name that only its own network has.
            max_bytes: larger files are not read.
            deadline: when it must be over, every try and redirect included.
            young: whether the file was sent a moment ago, so that it may yet come into being.

        Raises:
            FileUnavailable: there is no such file, or none that we take.
        """
        for wait_seconds in (*WAITS_SECONDS, 0.0):
            try:
                return self._once(_joined(base_url, url), base_url, max_bytes, deadline)
            except FileUnavailable as failed:
                again = failed.passing and (young or failed.reason != "not_found")
                if not again or not wait_seconds or deadline.remaining_seconds() <= wait_seconds:
                    raise
            self._clock.sleep(wait_seconds)
        raise AssertionError("the last try has no wait after it")

    def _once(self, url: str, base_url: str, max_bytes: int, deadline: Deadline) -> bytes:
        try:
            answer = self._get(url, max_bytes, deadline)
        except FileUnavailable as failed:
            elsewhere = _at_the_company(url, base_url)
            if failed.reason not in {"address_refused", "unreachable"} or elsewhere is None:
                raise
            url = elsewhere
            answer = self._get(url, max_bytes, deadline)
        hops = 0
        while answer.status in _REDIRECTS and answer.headers.get("location"):
            if hops == MAX_HOPS:
                raise FileUnavailable("too_many_redirects")
            url, hops = _joined(url, answer.headers["location"]), hops + 1
            answer = self._get(url, max_bytes, deadline)
        return _body(answer, hops)

    def _get(self, url: str, max_bytes: int, deadline: Deadline) -> HttpAnswer:
        try:
            return self._http.send(
                "GET",
                url,
                timeout_seconds=deadline.remaining_seconds(),
                headers=_HEADERS,
                max_bytes=max_bytes,
            )
        except AddressRefused:
            raise FileUnavailable("address_refused") from None
        except AnswerTooLarge:
            raise FileUnavailable("too_large") from None
        except RequestNotSent as error:
            late = error.reason in {"timeout", "no_time_left"}
            raise FileUnavailable("timeout" if late else "unreachable", passing=True) from None
        except AnswerLost as error:
            reason = "timeout" if error.reason == "timeout" else "unreachable"
            raise FileUnavailable(reason, passing=True) from None


def _joined(base: str, url: str) -> str:
    try:
        return urljoin(base, url)
    except ValueError:
        raise FileUnavailable("address_refused") from None


def _body(answer: HttpAnswer, hop: int) -> bytes:
    if answer.status == _OK:
        if not answer.body:
            raise FileUnavailable("empty", passing=True)
        return answer.body
    # Amazon S3 hides what is missing behind 403 from those who may not list the bucket ("GetObject", errors).
    if answer.status == _NOT_FOUND or (answer.status == _FORBIDDEN and hop):
        raise FileUnavailable("not_found", passing=True)
    busy = answer.status == _TOO_MANY or answer.status >= _SERVER_ERROR
    raise FileUnavailable(f"status_{answer.status}", passing=busy)


def _at_the_company(url: str, base_url: str) -> str | None:
    """The same file's address at the company's own Chatwoot, where it is another."""
    found, base = urlsplit(url), urlsplit(base_url)
    if not found.path.startswith(_STORED_BY_CHATWOOT) or found[:2] == base[:2]:
        return None
    return found._replace(scheme=base.scheme, netloc=base.netloc).geturl()
