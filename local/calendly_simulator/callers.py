"""Who calls Calendly's API v2, whether they may, and how it says no."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Response, request

from local import faults
from local.calendly_simulator.grants import User, covers
from local.calendly_simulator.oauth import calendly

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


def bad(parameter: str, message: str, code: str = "") -> ApiRefused:
    """A request that is wrong, and what is wrong with it."""
    detail = {"parameter": parameter, "message": message} | ({"code": code} if code else {})
    sentence = "The supplied parameters are invalid."
    return ApiRefused(HTTPStatus.BAD_REQUEST, "Invalid Argument", sentence, details=[detail])


def missing() -> ApiRefused:
    """What is not there, or not for the caller's eyes."""
    return ApiRefused(HTTPStatus.NOT_FOUND, "Resource Not Found", "The server could not find the resource.")


def denied(message: str) -> ApiRefused:
    """What the caller's plan or rights do not allow."""
    return ApiRefused(HTTPStatus.FORBIDDEN, "Permission Denied", message)


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in the API's place: ``body`` is the title."""
    if fault.status is None or not fault.body:
        return faults.html_page(fault)
    body = json.dumps({"title": fault.body, "message": "a fault that was switched on"})
    return Response(body, fault.status, mimetype="application/json")


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
    return pair.user
