"""Finding the vendor of a calendar."""

from __future__ import annotations

import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from shared.calendars.providers.contract import Unsupported
from shared.calendars.providers.making import make_calendar_providers
from shared.calendars.providers.registry import MOST_KEPT, VENDORS, Surroundings, VendorProviders
from shared.companies.calendars import CalendarSettings
from shared.platform.addresses import AddressGuard
from shared.platform.settings import Environment
from tests.fakes.clock import FakeClock

ROOT = Path(__file__).parents[3]
GOOGLE = CalendarSettings(id="ana", provider="google")
SETTINGS = {
    "FRONTDESK_STAGE": "local",
    "FRONTDESK_CREDENTIALS_TABLE": "credentials",
    "FRONTDESK_KMS_KEY_ARN": "arn:aws:kms:eu-west-1:1:key/1",
    "FRONTDESK_GOOGLE_BASE_URL": "http://127.0.0.1:9",
}


def around() -> Surroundings:
    """Surroundings that no test here calls."""
    nobody: Any = SimpleNamespace()
    return Surroundings(nobody, nobody, AddressGuard(), FakeClock())


def test_a_company_has_one_provider_of_a_vendor_and_shares_it_with_nobody() -> None:
    """Its tokens are its own."""
    providers = VendorProviders(around())
    other = CalendarSettings(id="room", provider="google", calendar="room@example.org")
    assert providers.of("clinica-sol", GOOGLE) is providers.of("clinica-sol", other)
    assert providers.of("clinica-sol", GOOGLE) is not providers.of("taller-luna", GOOGLE)


def test_providers_are_kept_within_bounds_the_least_lately_used_go() -> None:
    """A process serves any number of companies."""
    made: list[str] = []

    def vendor(_: Surroundings, company_id: str, __: CalendarSettings) -> Any:  # noqa: ANN401 - a stand-in
        made.append(company_id)
        return SimpleNamespace(company_id=company_id)

    providers = VendorProviders(around(), {"google": vendor})
    first = providers.of("c0", GOOGLE)
    for number in range(1, MOST_KEPT):
        providers.of(f"c{number}", GOOGLE)
    assert providers.of("c0", GOOGLE) is first
    providers.of("one-more", GOOGLE)
    assert providers.of("c0", GOOGLE) is first
    providers.of("c1", GOOGLE)
    assert made.count("c1") == 2


def test_threads_that_ask_at_once_get_the_same() -> None:
    """Made once, however many ask."""
    providers, found = VendorProviders(around()), []
    gate = threading.Barrier(8)

    def ask() -> None:
        gate.wait()
        found.append(providers.of("clinica-sol", GOOGLE))

    threads = [threading.Thread(target=ask) for _ in range(8)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert len({id(one) for one in found}) == 1


def test_a_vendor_that_is_not_there_is_unsupported() -> None:
    """Said in a sentence."""
    with pytest.raises(Unsupported, match="google"):
        VendorProviders(around(), {}).of("clinica-sol", GOOGLE)


def test_every_vendor_of_the_company_document_can_be_opened() -> None:
    """With the name it has there."""
    for name, make in VENDORS.items():
        calendar = cast("CalendarSettings", SimpleNamespace(id="x", provider=name, calendar="primary"))
        assert make(around(), "clinica-sol", calendar).name == name


def test_providers_are_made_from_settings() -> None:
    """No network, no reading."""
    providers = make_calendar_providers(Environment(SETTINGS | {"FRONTDESK_LOOPBACK_ALLOWED": "true"}))
    assert providers.of("clinica-sol", GOOGLE).name == "google"


def test_googles_library_is_loaded_when_a_google_calendar_is_asked_for_and_not_before() -> None:
    """It costs a cold start more than all the rest."""
    script = (
        f"import sys; sys.path.insert(0, {str(ROOT)!r})\n"
        "import shared.calendars.providers.making\n"
        "from shared.calendars.providers.registry import VENDORS\n"
        "assert 'googleapiclient' not in sys.modules\n"
        "VENDORS['google'](__import__('types').SimpleNamespace("
        "tokens=None, client=None, clock=None, google_url=''), 'c', None)\n"
        "assert 'googleapiclient' in sys.modules\n"
    )
    run = subprocess.run(  # noqa: S603 - this interpreter
        [sys.executable, "-I", "-c", script], capture_output=True, text=True, check=False, env={}
    )
    assert run.returncode == 0, run.stderr
