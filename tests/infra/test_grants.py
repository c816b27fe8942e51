"""Least privilege: what each function may do, and what it may not."""

from __future__ import annotations

from fnmatch import fnmatch
from typing import TYPE_CHECKING

import pytest

from infra import names
from infra.constructs.grants import purposes
from shared.companies.names import company_pk, owner_pk, trail_pk
from shared.email.files import company_prefix
from tests.infra.policies import may_use_vault_key
from tests.infra.templates import StageTemplate, as_list, target, texts

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer

PURPOSES = ("webhook", "chatwoot", "model", "oauth", "email")


def allowed(template: StageTemplate, function: str, logical_id: str) -> set[str]:
    """The actions that a function may do on a resource."""
    return {
        action
        for statement in template.statements_of(function)
        if statement["Effect"] == "Allow"
        for resource in as_list(statement["Resource"])
        if isinstance(resource, dict) and "Fn::Join" not in resource and target(resource) == logical_id
        for action in as_list(statement["Action"])
    }


def context(purpose: str) -> dict[str, str]:
    """The vault's encryption context."""
    return {"company": "acme", "purpose": purpose}


def test_the_door_opens_webhook_secrets_and_nothing_else(on_aws: StageTemplate) -> None:
    """A stolen door cannot open a Chatwoot token."""
    opened = [
        p for p in PURPOSES if may_use_vault_key(on_aws, names.CHATWOOT_WEBHOOK, "kms:Decrypt", context(p))
    ]
    assert opened == ["webhook"]


@pytest.mark.parametrize("function", names.FUNCTIONS)
def test_each_function_opens_only_its_purposes(on_aws: StageTemplate, function: str) -> None:
    """Every function's key use is conditioned on the purpose in the encryption context."""
    opened = {p for p in PURPOSES if may_use_vault_key(on_aws, function, "kms:Decrypt", context(p))}
    assert opened == set(purposes(function))


@pytest.mark.parametrize("function", names.FUNCTIONS)
def test_nothing_is_opened_without_a_purpose(on_aws: StageTemplate, function: str) -> None:
    """A ciphertext made without context cannot be passed off as one of the vault's."""
    assert not may_use_vault_key(on_aws, function, "kms:Decrypt", {"company": "acme"})


@pytest.mark.parametrize("function", names.FUNCTIONS)
def test_only_the_api_makes_data_keys(on_aws: StageTemplate, function: str) -> None:
    """Credentials are written where companies are managed, nowhere else."""
    may = may_use_vault_key(on_aws, function, "kms:GenerateDataKey", context("chatwoot"))
    assert may == (function == names.INTEGRATIONS_API)


# It opens no credentials: it hands reminders on.
OPENS_NONE = {names.APPOINTMENT_REMINDERS}
OPENERS = sorted(set(names.FUNCTIONS) - OPENS_NONE)


@pytest.mark.parametrize("function", OPENERS)
def test_the_functions_own_policy_is_conditioned_on_its_purposes(
    on_aws: StageTemplate, function: str
) -> None:
    """Either side is enough alone: this one without the key's policy, the next without this."""
    key, _ = on_aws.vault_key
    conditions = [
        statement["Condition"]
        for statement in on_aws.statements_of(function)
        if any(isinstance(r, dict) and key in str(r) for r in as_list(statement["Resource"]))
    ]
    assert conditions == [{"StringEquals": {"kms:EncryptionContext:purpose": list(purposes(function))}}]


def test_another_kms_key_is_used_and_the_stacks_own_still_opens(synthesized: Synthesizer) -> None:
    """Between the deployment that changes the key and the end of the rotation both are needed."""
    arn = "arn:aws:kms:eu-west-1:111122223333:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    template = synthesized("dev", kms_key_arn=arn)
    own, _ = template.vault_key
    for function in names.FUNCTIONS:
        variables = template.function(function)["Properties"]["Environment"]["Variables"]
        assert variables["FRONTDESK_KMS_KEY_ARN"] == arn
        if function in OPENS_NONE:
            continue
        [statement] = [s for s in template.statements_of(function) if "kms:" in str(s["Action"])]
        assert {arn if one == arn else target(one) for one in statement["Resource"]} == {own, arn}
        assert statement["Condition"] == {
            "StringEquals": {"kms:EncryptionContext:purpose": list(purposes(function))}
        }
    assert template.body["Outputs"]["KeyArn"]["Value"] == arn


def test_who_hands_reminders_on_opens_no_credentials(on_aws: StageTemplate) -> None:
    """No grant, and the key's policy denies its role everything, without a condition."""
    for function in OPENS_NONE:
        assert purposes(function) == ()
        assert not any("kms:" in str(s["Action"]) for s in on_aws.statements_of(function))
        denied = [
            statement
            for statement in on_aws.vault_key[1]["Properties"]["KeyPolicy"]["Statement"]
            if statement["Effect"] == "Deny"
            for principal in as_list(statement["Principal"]["AWS"])
            if isinstance(principal, dict) and target(principal) == on_aws.role_of(function)
        ]
        assert [statement.get("Condition") for statement in denied] == [None]


@pytest.mark.parametrize("function", OPENERS)
def test_the_keys_own_policy_confines_each_role(on_aws: StageTemplate, function: str) -> None:
    """A policy that is one day attached by hand to a role does not widen its purposes."""
    _, key = on_aws.vault_key
    denied = [
        statement["Condition"]["StringNotEquals"]["kms:EncryptionContext:purpose"]
        for statement in key["Properties"]["KeyPolicy"]["Statement"]
        if statement["Effect"] == "Deny"
        for principal in as_list(statement["Principal"]["AWS"])  # CDK joins those with the same purposes
        if isinstance(principal, dict) and target(principal) == on_aws.role_of(function)
    ]
    assert denied == [list(purposes(function))]


def test_the_door_writes_conversations_and_cannot_read_them(template: StageTemplate) -> None:
    """The public door records what a turn must see; it cannot show anybody's conversation."""
    actions = allowed(template, names.CHATWOOT_WEBHOOK, template.table(names.CONVERSATIONS))
    assert actions == {"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:DeleteItem"}


def test_the_door_only_reads_companies_and_credentials(template: StageTemplate) -> None:
    """It knows whose message it is, and changes nothing about them."""
    for table in (names.COMPANIES, names.CREDENTIALS):
        actions = allowed(template, names.CHATWOOT_WEBHOOK, template.table(table))
        assert actions <= {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}


def test_the_door_only_sends_and_only_to_incoming(template: StageTemplate) -> None:
    """It puts messages in and never takes one out."""
    sqs = {
        target(resource): as_list(statement["Action"])
        for statement in template.statements_of(names.CHATWOOT_WEBHOOK)
        for resource in as_list(statement["Resource"])
        if any(action.startswith("sqs:") for action in as_list(statement["Action"]))
    }
    assert sqs == {template.queue("incoming")[0]: ["sqs:SendMessage"]}


def test_the_api_reads_conversations_and_puts_dead_letters_back(template: StageTemplate) -> None:
    """It shows them, changes what a replay changes, and sends to the queue that turns read."""
    actions = allowed(template, names.INTEGRATIONS_API, template.table(names.CONVERSATIONS))
    reads = {"dynamodb:GetItem", "dynamodb:BatchGetItem", "dynamodb:Query"}
    assert actions == reads | {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}  # a customer may be forgotten
    queue = template.queue("incoming")[0]
    assert allowed(template, names.INTEGRATIONS_API, queue) == {"sqs:SendMessage"}
    variables = template.function(names.INTEGRATIONS_API)["Properties"]["Environment"]["Variables"]
    assert target(variables["FRONTDESK_INCOMING_QUEUE_URL"]) == queue


def test_only_the_api_reads_the_index_of_recent_conversations(template: StageTemplate) -> None:
    """By name, and nothing but reading."""
    for function in names.FUNCTIONS:
        granted = [
            as_list(statement["Action"])
            for statement in template.statements_of(function)
            if any(text == f"/index/{names.RECENT_INDEX}" for text in texts(statement["Resource"]))
        ]
        expected = [["dynamodb:Query"]] if function == names.INTEGRATIONS_API else []
        assert granted == expected, function


def test_turns_the_api_and_the_sync_book_and_no_other_function_does(template: StageTemplate) -> None:
    """Whole transactions, and reading by the indexes' names."""
    calendars = template.table(names.CALENDARS)
    expected = {
        "GetItem",
        "BatchGetItem",
        "Query",
        "PutItem",
        "UpdateItem",
        "DeleteItem",
        "ConditionCheckItem",
    }
    reminders = {f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem")}
    assert allowed(template, names.APPOINTMENT_REMINDERS, calendars) == reminders
    for function in set(names.FUNCTIONS) - {names.APPOINTMENT_REMINDERS}:
        books = function in {names.CONVERSATION_TURNS, names.INTEGRATIONS_API, names.CALENDAR_SYNC}
        actions = {f"dynamodb:{action}" for action in expected} if books else set()
        assert allowed(template, function, calendars) == actions, function
        indexes = {
            text.removeprefix("/index/")
            for statement in template.statements_of(function)
            for text in texts(statement["Resource"])
            if text.removeprefix("/index/") in names.CALENDAR_INDEXES
        }
        assert indexes == (set(names.CALENDAR_INDEXES) if books else set()), function


def test_turns_may_do_what_a_transaction_consists_of(template: StageTemplate) -> None:
    """DynamoDB checks TransactWriteItems by its single actions (its "IAM and transactions" page)."""
    actions = allowed(template, names.CONVERSATION_TURNS, template.table(names.CONVERSATIONS))
    needed = {"ConditionCheckItem", "PutItem", "UpdateItem"}
    assert {f"dynamodb:{action}" for action in needed} <= actions


def test_turns_consume_incoming_and_give_up_into_dead_letters(template: StageTemplate) -> None:
    """A turn hides and deletes its messages, puts back one that waited often, sends a case it gives up."""
    incoming = allowed(template, names.CONVERSATION_TURNS, template.queue("incoming")[0])
    given_up = allowed(template, names.CONVERSATION_TURNS, template.queue("dead-letters")[0])
    expected = {"sqs:ReceiveMessage", "sqs:DeleteMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage"}
    assert expected <= incoming
    assert given_up == {"sqs:SendMessage"}


def test_the_search_for_missed_messages_sends_and_never_takes_a_customers_message(
    template: StageTemplate,
) -> None:
    """It looks how many wait; its own errands it consumes."""
    incoming = allowed(template, names.MISSED_MESSAGES, template.queue("incoming")[0])
    errands = allowed(template, names.MISSED_MESSAGES, template.standard_queue("missed-messages")[0])
    assert incoming == {"sqs:SendMessage", "sqs:GetQueueAttributes"}
    assert {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"} <= errands
    conversations = allowed(template, names.MISSED_MESSAGES, template.table(names.CONVERSATIONS))
    assert conversations == {f"dynamodb:{action}" for action in ("GetItem", "Query", "PutItem", "UpdateItem")}


def test_only_the_api_changes_what_a_company_is_and_what_it_trusts_us_with(template: StageTemplate) -> None:
    """Documents, keys and credentials change in one place."""
    for function in names.FUNCTIONS:
        for table in (names.COMPANIES, names.CREDENTIALS):
            writes = {
                action
                for action in allowed(template, function, template.table(table))
                if not action.removeprefix("dynamodb:").startswith(("Get", "BatchGet", "Query"))
            }
            if table == names.COMPANIES and function in {names.CONVERSATION_TURNS, names.DEAD_LETTERS}:
                # They note what they learn of a Chatwoot: markers it drops, inboxes that assign.
                assert writes == {"dynamodb:UpdateItem"}
                continue
            if table == names.COMPANIES and function == names.TOKEN_REFRESH:
                # It adds to the audit trail that a company must connect again.
                assert writes == {"dynamodb:PutItem"}
                continue
            if table == names.CREDENTIALS and function in {
                names.CONVERSATION_TURNS,
                names.TOKEN_REFRESH,
                names.CALENDAR_SYNC,
                names.EMAIL_DELIVERY,
            }:
                # A token that is about to end is renewed when it is used, and nothing else changes.
                assert writes == {"dynamodb:UpdateItem"}
                continue
            assert bool(writes) == (function == names.INTEGRATIONS_API), (function, table)


@pytest.mark.parametrize("function", names.FUNCTIONS)
def test_no_function_changes_or_deletes_in_everybodys_audit_trail(
    on_aws: StageTemplate, function: str
) -> None:
    """A denial stands above every grant; the partitions are those that the trail writes to."""
    denied = [statement for statement in on_aws.statements_of(function) if statement["Effect"] == "Deny"]
    assert [target(one["Resource"]) for one in denied] == [on_aws.table(names.COMPANIES)]
    assert set(denied[0]["Action"]) == {"dynamodb:UpdateItem", "dynamodb:DeleteItem"}
    assert denied[0]["Condition"] == {"ForAnyValue:StringLike": {"dynamodb:LeadingKeys": [names.TRAIL]}}
    assert fnmatch(trail_pk("2026-11"), names.TRAIL)
    assert not any(fnmatch(pk, names.TRAIL) for pk in (company_pk("audit"), owner_pk("operator")))


def test_only_the_renewal_of_tokens_asks_which_are_due(template: StageTemplate) -> None:
    """By the index's name, and nothing but reading; its errands it sends and consumes."""
    for function in names.FUNCTIONS:
        granted = [
            as_list(statement["Action"])
            for statement in template.statements_of(function)
            if any(text == f"/index/{names.REFRESH_DUE_INDEX}" for text in texts(statement["Resource"]))
        ]
        assert granted == ([["dynamodb:Query"]] if function == names.TOKEN_REFRESH else []), function
    errands = allowed(template, names.TOKEN_REFRESH, template.standard_queue("token-refresh")[0])
    assert {"sqs:SendMessage", "sqs:ReceiveMessage", "sqs:DeleteMessage"} <= errands


def test_who_has_e_mails_sent_writes_them_down_and_who_sends_them_takes_them_up(
    template: StageTemplate,
) -> None:
    """Nobody but the API deletes an e-mail's story; only the worker takes messages out of the queue."""
    emails, queue = template.table(names.EMAILS), template.standard_queue("emails")[0]
    for function in (names.CONVERSATION_TURNS, names.DEAD_LETTERS, names.TOKEN_REFRESH):
        assert allowed(template, function, emails) == {"dynamodb:GetItem", "dynamodb:PutItem"}
        assert allowed(template, function, queue) == {"sqs:SendMessage"}
    assert allowed(template, names.INTEGRATIONS_API, queue) == {"sqs:SendMessage"}
    worker = allowed(template, names.EMAIL_DELIVERY, emails)
    assert worker == {f"dynamodb:{action}" for action in ("GetItem", "PutItem", "UpdateItem", "DeleteItem")}
    assert {"sqs:ReceiveMessage", "sqs:ChangeMessageVisibility", "sqs:SendMessage"} <= allowed(
        template, names.EMAIL_DELIVERY, queue
    )
    for function in (names.CHATWOOT_WEBHOOK, names.MISSED_MESSAGES):
        assert not allowed(template, function, emails) | allowed(template, function, queue)
    opens = {one for one in names.FUNCTIONS if "email" in purposes(one)}
    assert opens == {names.EMAIL_DELIVERY, names.INTEGRATIONS_API}


def test_deployment_secrets_are_read_by_name_where_they_are_used(template: StageTemplate) -> None:
    """Each parameter spelled out; the door and the dead letters have no business with them."""
    for function in names.FUNCTIONS:
        granted = [
            "".join(part for part in resource["Fn::Join"][1] if isinstance(part, str))
            for statement in template.statements_of(function)
            if as_list(statement["Action"]) == ["ssm:GetParameter"]
            for resource in as_list(statement["Resource"])
        ]
        asks = {names.CONVERSATION_TURNS, names.INTEGRATIONS_API}
        secrets = ["openai_api_key"] if function in asks else []
        if function in asks | {names.TOKEN_REFRESH, names.EMAIL_DELIVERY, names.CALENDAR_SYNC}:
            secrets += ["google_client_secret", "calendly_client_secret"]
        # Who only looks into calendars has no business with Microsoft's mailboxes.
        if function in {names.INTEGRATIONS_API, names.TOKEN_REFRESH, names.EMAIL_DELIVERY}:
            secrets += ["microsoft_client_secret"]
        wanted = [f"arn::ssm:::parameter/frontdesk/{template.stage}/{name}" for name in secrets]
        assert sorted(granted) == sorted(wanted), function


def test_no_statement_has_a_wildcard_but_tracing(template: StageTemplate) -> None:
    """X-Ray's write actions take no resource; everything else names what it touches."""
    tracing = {"xray:PutTraceSegments", "xray:PutTelemetryRecords"}
    for function in names.FUNCTIONS:
        for statement in template.statements_of(function):
            actions = set(as_list(statement["Action"]))
            assert not any("*" in action for action in actions), statement
            assert "*" not in as_list(statement["Resource"]) or actions == tracing, statement


def test_no_managed_policy_is_attached(template: StageTemplate) -> None:
    """AWS's managed policies grant more than a function needs, and change without us."""
    for role in template.of_type("AWS::IAM::Role").values():
        assert "ManagedPolicyArns" not in role["Properties"]


def test_each_function_has_a_role_of_its_own(template: StageTemplate) -> None:
    """A grant of one is never a grant of another."""
    roles = [template.role_of(name) for name in names.FUNCTIONS]
    assert len(set(roles)) == len(names.FUNCTIONS)


def test_files_are_uploaded_by_the_api_and_read_by_the_worker(template: StageTemplate) -> None:
    """One folder of one bucket; nobody else sees it, and nobody reads what is not pinned but the API."""
    [bucket] = template.of_type("AWS::S3::Bucket")
    expected = {
        names.EMAIL_DELIVERY: {"s3:GetObjectVersion", "s3:ListBucket"},
        names.INTEGRATIONS_API: {
            "s3:PutObject", "s3:GetObject", "s3:GetObjectVersion", "s3:DeleteObjectVersion",
            "s3:ListBucket", "s3:ListBucketVersions",
        },
    }  # fmt: skip
    for function in names.FUNCTIONS:
        statements = [
            statement
            for statement in template.statements_of(function)
            if any(action.startswith("s3:") for action in as_list(statement["Action"]))
        ]
        actions = {action for statement in statements for action in as_list(statement["Action"])}
        assert actions == expected.get(function, set()), function
        for statement in statements:
            assert bucket in set(texts(statement["Resource"])), function
            whole = all("ListBucket" in action for action in as_list(statement["Action"]))
            assert whole or f"/{names.FILES_PREFIX}*" in set(texts(statement["Resource"]))
    assert company_prefix("acme").startswith(names.FILES_PREFIX)
