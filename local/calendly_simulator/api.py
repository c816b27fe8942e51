"""Calendly's API v2: who is asking, whether they may, and what they get."""

from __future__ import annotations

from http import HTTPStatus
from typing import Any

from flask import Blueprint, g, request

from local.calendly_simulator.grants import User, covers
from local.calendly_simulator.oauth import calendly, organization_uri, user_uri

routes = Blueprint("calendly_api", __name__)

JsonDict = dict[str, Any]


class ApiRefused(Exception):
    """The API says no.

    Args:
        status: of the answer.
        title: the kind of error.
        message: a sentence.
        more: further fields of the body.
    """

    def __init__(self, status: int, title: str, message: str, **more: object) -> None:
        super().__init__(title)
        self.status, self.body = status, {"title": title, "message": message, **more}


@routes.errorhandler(ApiRefused)
def refuse(refused: ApiRefused) -> tuple[JsonDict, int]:
    """As Calendly words errors."""
    return refused.body, refused.status


def caller(scope: str) -> User:
    """Who asks, if their token allows the call.

    Raises:
        ApiRefused: there is no living token, or it lacks the scope.
    """
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    pair = calendly().grants.living(token.strip()) if scheme == "Bearer" else None
    if pair is None:
        raise ApiRefused(HTTPStatus.UNAUTHORIZED, "Unauthenticated", "The access token is invalid")
    if not covers(pair.scopes, scope):
        sentence = "The access token does not have the scope that this call needs"
        needs = {"type": "InsufficientScopeError", "required_scopes": [scope]}
        raise ApiRefused(HTTPStatus.FORBIDDEN, "Permission Denied", sentence, **needs)
    g.user = pair.user
    return pair.user


@routes.get("/users/me")
def me() -> JsonDict:
    """Whose token it is."""
    user = caller("users:read")
    resource = {
        "uri": user_uri(user),
        "name": user.name,
        "email": user.email,
        "timezone": user.zone,
        "scheduling_url": f"https://calendly.com/{user.number.lower()}",
        "current_organization": organization_uri(user),
        "resource_type": "User",
    }
    return {"resource": resource}
