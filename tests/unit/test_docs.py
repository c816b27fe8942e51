"""The reference pages keep up with the code: what is missing on its page fails here."""

from __future__ import annotations

import json
import re
import tomllib
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
import pytest

from cli.main import main
from functions.integrations_api import VERSION
from functions.integrations_api.routes import ROUTES
from shared.agent.tools.registry import default_registry
from shared.companies.model import Company
from shared.platform.problems import TYPE_PREFIX
from tests.fakes.mail import MailWorld
from tests.support.appointments import Customer

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parents[2]
REFERENCE = ROOT / "docs" / "reference"
CODE = ("shared", "functions", "cli", "infra", "local", "tests/e2e")


def page(name: str) -> str:
    """A reference page."""
    return (REFERENCE / name).read_text("utf-8")


def settings_in_the_code() -> set[str]:
    """Every variable of ours that a module names."""
    found: set[str] = set()
    for folder in CODE:
        for file in (ROOT / folder).rglob("*.py"):
            found |= set(re.findall(r"\bFRONTDESK_[A-Z]+(?:_[A-Z]+)*\b(?!_)", file.read_text("utf-8")))
    return found


def commands(group: click.Group, *before: str) -> Iterator[str]:
    """Every command's full name."""
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            yield from commands(command, *before, name)
        else:
            yield " ".join([*before, name])


def fields_of(schema: dict[str, Any], definitions: dict[str, Any], path: str = "") -> Iterator[str]:
    """Every field of a JSON schema by its path, lists written with ``[]``."""
    if "$ref" in schema:
        yield from fields_of(definitions[schema["$ref"].rpartition("/")[2]], definitions, path)
    for branch in [*schema.get("anyOf", []), *schema.get("oneOf", [])]:
        yield from fields_of(branch, definitions, path)
    if "items" in schema:
        yield from fields_of(schema["items"], definitions, f"{path}[]")
    for name, inner in schema.get("properties", {}).items():
        place = f"{path}.{name}" if path else name
        yield place
        yield from fields_of(inner, definitions, place)


def fields_of_the_document() -> list[str]:
    """Every field of the company document; the weekdays' intervals are told once, for Monday."""
    schema = Company.model_json_schema()
    found = fields_of(schema, schema["$defs"])
    other_days = r"opening_hours\.(?!monday)\w+\[\]"
    return sorted({field for field in found if not re.match(other_days, field)})


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: route.key)
def test_every_route_has_its_line(route: Any) -> None:  # noqa: ANN401 - a Route
    """With its scope."""
    scope = "none" if route.owner == "open" else route.scope
    assert f"| `{route.key}` | {scope} |" in page("routes.md")


def test_no_line_speaks_of_a_route_that_is_not_there() -> None:
    """A route that was taken away leaves its page as well; the door's three stand in the stack."""
    written = set(re.findall(r"^\| `((?:GET|POST|PUT|DELETE|PATCH) [^`]+)`", page("routes.md"), re.MULTILINE))
    door = {f"POST /api/webhook/chatwoot{tail}" for tail in ("", "/{company_id}", "/{company_id}/{token}")}
    assert written == {route.key for route in ROUTES} | door


@pytest.mark.parametrize("name", sorted(settings_in_the_code()))
def test_every_setting_has_its_line(name: str) -> None:
    """Whoever reads it."""
    assert f"`{name}`" in page("settings.md")


def test_no_line_speaks_of_a_setting_that_nothing_reads() -> None:
    """Nobody shall turn a knob that moves nothing."""
    assert set(re.findall(r"`(FRONTDESK_\w+)`", page("settings.md"))) <= settings_in_the_code()


@pytest.mark.parametrize("name", sorted(commands(main)))
def test_every_command_has_its_line(name: str) -> None:
    """By its full name."""
    assert f"| `frontdesk {name}` |" in page("cli.md")


@pytest.mark.parametrize("name", sorted(default_registry(Customer().tools, MailWorld().outbox)._tools))
def test_every_tool_has_its_line(name: str) -> None:
    """By the name that a company's document uses."""
    assert f"| `{name}` |" in page("tools.md")


@pytest.mark.parametrize("field", fields_of_the_document())
def test_every_field_of_the_company_document_has_its_line(field: str) -> None:
    """By its path."""
    assert f"`{field}`" in page("company-document.md")


def test_the_documents_example_is_a_right_document() -> None:
    """It is what people copy."""
    example = re.search(r"```json\n(.*?)```", page("company-document.md"), re.DOTALL)
    assert example is not None
    assert Company.parse(json.loads(example[1])).name == "Clínica Sol"


def test_the_version_is_the_packages() -> None:
    """What health tells is what was released."""
    assert tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]["version"] == VERSION


def test_the_type_of_problems_is_told() -> None:
    """Programs group by it."""
    assert TYPE_PREFIX in page("routes.md")


@pytest.mark.parametrize(
    "file", sorted((ROOT / "docs").rglob("*.md")), ids=lambda file: str(file.relative_to(ROOT))
)
def test_links_between_pages_lead_somewhere(file: Path) -> None:
    """Also to a heading of the same page's neighbours."""
    for link in re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", file.read_text("utf-8")):
        if "://" not in link:
            assert (file.parent / link).resolve().exists(), link
