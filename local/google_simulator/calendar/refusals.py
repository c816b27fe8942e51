"""How the Calendar API says no (its guide "Handle API errors")."""

from __future__ import annotations

import json
from http import HTTPStatus
from typing import Any

from flask import Response

from local import faults

JsonDict = dict[str, Any]


class ApiRefused(Exception):
    """The API says no.

    Args:
        status: of the answer.
        reason: by which programs tell errors apart.
        message: a sentence.
        domain: whose error it is.
        location: the parameter or header that is wrong.
    """

    def __init__(
        self, status: int, reason: str, message: str, *, domain: str = "global", location: str = ""
    ) -> None:
        super().__init__(reason)
        self.status = status
        error = {"domain": domain, "reason": reason, "message": message}
        if location:
            kind = "header" if location in ("If-Match", "Authorization") else "parameter"
            error |= {"locationType": kind, "location": location}
        self.body = {"error": {"errors": [error], "code": int(status), "message": message}}


def bad(reason: str, message: str, location: str = "", domain: str = "global") -> ApiRefused:
    """A request that is wrong whatever happens."""
    return ApiRefused(HTTPStatus.BAD_REQUEST, reason, message, domain=domain, location=location)


def missing() -> ApiRefused:
    """What is not there, or not for the caller's eyes."""
    return ApiRefused(HTTPStatus.NOT_FOUND, "notFound", "Not Found")


def refusal(fault: faults.Fault) -> Response | None:
    """What a fault answers in the API's place: ``body`` is the reason."""
    if fault.status is None or not fault.body:
        return faults.html_page(fault)
    domain = "usageLimits" if fault.body.endswith("Exceeded") else "global"
    body = ApiRefused(fault.status, fault.body, "a fault that was switched on", domain=domain).body
    return Response(json.dumps(body), fault.status, mimetype="application/json")
