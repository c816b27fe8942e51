"""The HTTP API: three routes to the door, everything else to ``integrations_api``."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

from aws_cdk import Duration, RemovalPolicy
from aws_cdk import aws_apigatewayv2 as apigateway
from aws_cdk import aws_logs as logs
from aws_cdk.aws_apigatewayv2_integrations import HttpLambdaIntegration
from constructs import Construct

from infra import names
from infra.constructs.functions import RETENTION
from infra.constructs.nag import acknowledge

if TYPE_CHECKING:
    from infra.constructs.functions import Functions
    from infra.stages import Settings

WEBHOOK_PATH = "/api/webhook/chatwoot"
# A path can hold a webhook's token, so no log holds a path; the route's key is the path without its values.
ACCESS_LOG = {
    "time": "$context.requestTimeEpoch",
    "request_id": "$context.requestId",
    "ip": "$context.identity.sourceIp",
    "method": "$context.httpMethod",
    "route": "$context.routeKey",
    "status": "$context.status",
    "response_bytes": "$context.responseLength",
    "latency_ms": "$context.responseLatency",
    "integration_status": "$context.integrationStatus",
    "integration_latency_ms": "$context.integrationLatency",
    "error": "$context.error.responseType",
}
_CORS_METHODS = [
    apigateway.CorsHttpMethod.GET,
    apigateway.CorsHttpMethod.POST,
    apigateway.CorsHttpMethod.PUT,
    apigateway.CorsHttpMethod.PATCH,
    apigateway.CorsHttpMethod.DELETE,
]


class Api(Construct):
    """What the world calls.

    ``$default`` goes to ``integrations_api`` as well, so that "no such route" is answered by us, as
    problem+json, and a new route of that function needs no new resource here.
    """

    def __init__(self, scope: Construct, construct_id: str, settings: Settings, functions: Functions) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        door = self._integration(functions, names.CHATWOOT_WEBHOOK)
        self.http_api = apigateway.HttpApi(
            self,
            "Http",
            api_name=names.api(settings.stage.name),
            create_default_stage=False,
            cors_preflight=self._cors(),
            default_integration=self._integration(functions, names.INTEGRATIONS_API),
        )
        for tail in ("", "/{company_id}", "/{company_id}/{token}"):
            self.http_api.add_routes(
                path=WEBHOOK_PATH + tail, methods=[apigateway.HttpMethod.POST], integration=door
            )
        self.logs = self._log_group()
        self._stage()
        self._acknowledge_routes()

    @property
    def url(self) -> str:
        """The API's base URL, without a slash at its end."""
        return self.http_api.api_endpoint

    def _integration(self, functions: Functions, name: str) -> HttpLambdaIntegration:
        # One permission for the API instead of one per route.
        return HttpLambdaIntegration(name, functions.all[name].function, scope_permission_to_route=False)

    def _cors(self) -> apigateway.CorsPreflightOptions | None:
        if not self._settings.allowed_origins:
            return None
        return apigateway.CorsPreflightOptions(
            allow_origins=list(self._settings.allowed_origins),
            allow_methods=_CORS_METHODS,
            allow_headers=["authorization", "content-type", "idempotency-key", "if-match", "if-none-match"],
            # What a browser's script may read beside the body: a document's version, when to come again.
            expose_headers=["etag", "retry-after"],
            max_age=Duration.hours(1),
        )

    def _log_group(self) -> logs.LogGroup:
        stage = self._settings.stage
        return logs.LogGroup(
            self,
            "AccessLogs",
            log_group_name=names.access_logs(stage.name),
            retention=RETENTION[stage.log_days],
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )

    def _stage(self) -> None:
        rate = self._settings.requests_per_second
        apigateway.CfnStage(
            self,
            "Stage",
            api_id=self.http_api.api_id,
            stage_name="$default",
            auto_deploy=True,
            access_log_settings=apigateway.CfnStage.AccessLogSettingsProperty(
                destination_arn=self.logs.log_group_arn, format=json.dumps(ACCESS_LOG)
            ),
            default_route_settings=apigateway.CfnStage.RouteSettingsProperty(
                throttling_rate_limit=rate, throttling_burst_limit=2 * rate
            ),
        )

    def _acknowledge_routes(self) -> None:
        acknowledge(
            self.http_api,
            "AwsSolutions-APIG4",
            "The functions authenticate: the door by Chatwoot's signature over the raw body, which no "
            "authorizer of an HTTP API sees, the API by hashed keys that belong to a company",
        )
