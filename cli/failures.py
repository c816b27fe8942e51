"""What can go wrong, as sentences and exit codes.

0: done. 1: Frontdesk or AWS refused. 2: the command was typed wrongly (click's own). 3: nobody answered.
"""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING

import click
from botocore.exceptions import BotoCoreError, ClientError

from shared.platform.errors import FrontdeskError

if TYPE_CHECKING:
    from collections.abc import Iterator


class Refused(click.ClickException):
    """The other side understood and said no."""

    exit_code = 1


class NotThere(Refused):
    """There is no such thing."""


class Unreachable(click.ClickException):
    """Nobody answered."""

    exit_code = 3


@contextmanager
def aws_errors(what: str) -> Iterator[None]:
    """Turn boto3's errors into sentences.

    Args:
        what: what was being done, for the sentence.
    """
    try:
        yield
    except ClientError as error:
        code = error.response["Error"]["Code"]
        message = error.response["Error"].get("Message", "")
        raise Refused(f"AWS refused {what}: {code}. {message}".strip()) from None
    except BotoCoreError as error:
        raise Unreachable(f"AWS could not be asked for {what}: {error}") from None


@contextmanager
def our_errors() -> Iterator[None]:
    """Turn our own errors into the sentences that they are."""
    try:
        yield
    except FrontdeskError as error:
        raise Refused(str(error)) from None
