"""House rules of the HTTP API."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from infra import names
from tests.infra.templates import StageTemplate, target

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer


def routes(template: StageTemplate) -> dict[str, str]:
    """Route keys, and the function behind each."""
    functions = {
        k: v["Properties"]["FunctionName"] for k, v in template.of_type("AWS::Lambda::Function").items()
    }
    found = {}
    for route in template.of_type("AWS::ApiGatewayV2::Route").values():
        integration = route["Properties"]["Target"]["Fn::Join"][1][1]
        uri = template.body["Resources"][target(integration)]["Properties"]["IntegrationUri"]
        found[route["Properties"]["RouteKey"]] = functions[target(uri)]
    return found


def test_webhooks_go_to_the_door_and_everything_else_to_the_api(template: StageTemplate) -> None:
    """A path nobody knows is answered by us as well, as problem+json."""
    door = names.function(template.stage, names.CHATWOOT_WEBHOOK)
    assert routes(template) == {
        "POST /api/webhook/chatwoot": door,
        "POST /api/webhook/chatwoot/{company_id}": door,
        "POST /api/webhook/chatwoot/{company_id}/{token}": door,
        "$default": names.function(template.stage, names.INTEGRATIONS_API),
    }


def test_integrations_use_payload_format_two(template: StageTemplate) -> None:
    """The handlers read version 2.0 events."""
    for integration in template.of_type("AWS::ApiGatewayV2::Integration").values():
        assert integration["Properties"]["PayloadFormatVersion"] == "2.0"


def stage_of(template: StageTemplate) -> dict[str, object]:
    """The properties of the API's only stage."""
    [stage] = template.of_type("AWS::ApiGatewayV2::Stage").values()
    properties: dict[str, object] = stage["Properties"]
    return properties


def test_the_access_log_holds_the_route_and_never_the_path(template: StageTemplate) -> None:
    """A path can hold a webhook's token."""
    settings = stage_of(template)["AccessLogSettings"]
    assert isinstance(settings, dict)
    line = json.loads(settings["Format"])
    assert line["route"] == "$context.routeKey"
    forbidden = ("path", "querystring", "header", "resourcePath", "authorizer", "$input")
    for value in line.values():
        assert not any(word.lower() in value.lower() for word in forbidden), value


def test_the_api_is_throttled(template: StageTemplate, synthesized: Synthesizer) -> None:
    """A flood is answered with 429, which Chatwoot's agent bots retry."""
    assert stage_of(template)["DefaultRouteSettings"] == {
        "ThrottlingBurstLimit": 400,
        "ThrottlingRateLimit": 200,
    }
    chosen = stage_of(synthesized("dev", requests_per_second="30"))
    assert chosen["DefaultRouteSettings"] == {"ThrottlingBurstLimit": 60, "ThrottlingRateLimit": 30}


def test_no_browser_origin_is_allowed_unless_named(template: StageTemplate, synthesized: Synthesizer) -> None:
    """No CORS answers by default, and never a wildcard."""
    [api] = template.of_type("AWS::ApiGatewayV2::Api").values()
    assert "CorsConfiguration" not in api["Properties"]
    [open_api] = (
        synthesized("dev", allowed_origins="https://desk.example.com")
        .of_type("AWS::ApiGatewayV2::Api")
        .values()
    )
    cors = open_api["Properties"]["CorsConfiguration"]
    assert cors["AllowOrigins"] == ["https://desk.example.com"]
    assert "*" not in json.dumps(cors)
