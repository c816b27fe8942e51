"""Where the command sends a key, and where it does not."""

from __future__ import annotations

import click
import pytest

from cli.client import ApiClient, path_of
from cli.context import Options, table


@pytest.mark.parametrize(
    "url",
    [
        "https://desk.example.com",
        "http://127.0.0.1:8480",
        "http://localhost:8480/",
        "http://[::1]:8480",
    ],
)
def test_a_key_goes_over_https_or_stays_on_this_machine(url: str) -> None:
    """The local world speaks plain HTTP."""
    ApiClient(url, "fd_operator.x.y")


@pytest.mark.parametrize(
    "url",
    ["http://desk.example.com", "http://10.0.0.1", "http://127.0.0.1.example.com", "desk", "", "https://"],
)
def test_a_key_goes_nowhere_else(url: str) -> None:
    """It would be read on the way."""
    with pytest.raises(click.UsageError, match="https"):
        ApiClient(url, "fd_operator.x.y")


@pytest.mark.parametrize("key", ["", "two\nlines", "ñ", "tab\t"])
def test_what_cannot_be_a_key_is_not_sent(key: str) -> None:
    """A line end in it would begin another header."""
    with pytest.raises(click.UsageError, match="API key"):
        ApiClient("https://desk.example.com", key)


def test_names_cannot_lead_out_of_their_place_in_a_path() -> None:
    """They are typed by people."""
    assert path_of("companies", "../x?y#z", "api-keys") == "/api/companies/..%2Fx%3Fy%23z/api-keys"


def test_options_do_not_show_the_key() -> None:
    """Not even in a traceback."""
    assert "planted" not in repr(Options("https://desk.example.com", "planted", as_json=False))


def test_a_table_is_aligned_and_has_a_head_without_rows() -> None:
    """Columns as wide as their widest cell."""
    rows: list[dict[str, object]] = [
        {"company_id": "sol", "name": "Sol"},
        {"company_id": "luna-llena", "name": None},
    ]
    assert table(rows, "company_id", "name") == [
        "company id  name",
        "sol         Sol",
        "luna-llena  None",
    ]
    assert table([], "name") == ["name"]
