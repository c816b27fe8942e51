"""The DynamoDB tables. They are separate so that each function's grant is narrow."""

from __future__ import annotations

from typing import TYPE_CHECKING

from aws_cdk import RemovalPolicy
from aws_cdk import aws_dynamodb as dynamodb
from constructs import Construct

from infra import names

if TYPE_CHECKING:
    from infra.stages import Settings


class Tables(Construct):
    """Every table has the same keys, point-in-time recovery, and a TTL as its broom.

    Encryption at rest is DynamoDB's own (an AWS owned key): with a key of ours every function would need a
    grant on it, beside the one that is conditioned on the vault's purposes. What must not be readable to
    someone who can read the table is encrypted by the vault before it gets here.
    """

    def __init__(self, scope: Construct, construct_id: str, settings: Settings) -> None:
        super().__init__(scope, construct_id)
        self._settings = settings
        self.companies = self._table(names.COMPANIES)
        self.credentials = self._table(names.CREDENTIALS)
        self.conversations = self._table(names.CONVERSATIONS)
        # Only heads carry its keys, and what it projects changes when a turn is closed: one write a turn.
        self.conversations.add_global_secondary_index(
            index_name=names.RECENT_INDEX,
            partition_key=_text(f"{names.RECENT_INDEX}_pk"),
            sort_key=_text(f"{names.RECENT_INDEX}_sk"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=["last_outcome"],
        )
        self.calendars = self._table(names.CALENDARS)
        # All three are sparse: items carry an index's keys only while they are to be found by it. Who finds
        # one reads the item itself before acting, so the keys are enough.
        for index in names.CALENDAR_INDEXES:
            self.calendars.add_global_secondary_index(
                index_name=index,
                partition_key=_text(f"{index}_pk"),
                sort_key=_text(f"{index}_sk"),
                projection_type=dynamodb.ProjectionType.KEYS_ONLY,
            )
        self.emails = self._table(names.EMAILS)
        # Only e-mails that wait carry its keys; which one it is stands in the table's own.
        self.emails.add_global_secondary_index(
            index_name=names.WAITING_INDEX,
            partition_key=_text(f"{names.WAITING_INDEX}_pk"),
            sort_key=_text(f"{names.WAITING_INDEX}_sk"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )
        # What a line of a company's list shows, so that no list reads e-mails with their content.
        self.emails.add_global_secondary_index(
            index_name=names.WRITTEN_INDEX,
            partition_key=_text(f"{names.WRITTEN_INDEX}_pk"),
            sort_key=_text(f"{names.WRITTEN_INDEX}_sk"),
            projection_type=dynamodb.ProjectionType.INCLUDE,
            non_key_attributes=list(names.WRITTEN_ATTRIBUTES),
        )
        # Only connections whose tokens are renewed carry its keys; who it is stands in the sort key.
        self.credentials.add_global_secondary_index(
            index_name=names.REFRESH_DUE_INDEX,
            partition_key=_text(f"{names.REFRESH_DUE_INDEX}_pk"),
            sort_key=_text(f"{names.REFRESH_DUE_INDEX}_sk"),
            projection_type=dynamodb.ProjectionType.KEYS_ONLY,
        )

    def _table(self, name: str) -> dynamodb.Table:
        stage = self._settings.stage
        return dynamodb.Table(
            self,
            name.capitalize(),
            table_name=names.table(stage.name, name),
            partition_key=_text("pk"),
            sort_key=_text("sk"),
            billing_mode=dynamodb.BillingMode.PAY_PER_REQUEST,
            time_to_live_attribute="expires_at",
            point_in_time_recovery_specification=dynamodb.PointInTimeRecoverySpecification(
                point_in_time_recovery_enabled=True
            ),
            deletion_protection=stage.keeps_data,
            removal_policy=RemovalPolicy.RETAIN if stage.keeps_data else RemovalPolicy.DESTROY,
        )


def _text(name: str) -> dynamodb.Attribute:
    return dynamodb.Attribute(name=name, type=dynamodb.AttributeType.STRING)
