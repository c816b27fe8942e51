"""House rules of what holds data: tables, key, logs."""

from __future__ import annotations

import json
from datetime import timedelta
from typing import TYPE_CHECKING

from functions.integrations_api.routes_emails import LONGEST
from infra import names
from infra.names import Outputs
from shared.calendars.keys import CONTACT_INDEX, DUE_INDEX, MONTH_INDEX
from shared.conversations.keys import RECENT_INDEX
from shared.credentials.connections import DUE_INDEX as REFRESH_DUE_INDEX
from shared.email.file_intake import KEPT, USABLE
from shared.email.records import WAITING_INDEX, WRITTEN_INDEX
from tests.infra.templates import StageTemplate, texts

if TYPE_CHECKING:
    from tests.infra.conftest import Synthesizer

HOLDS_DATA = ("AWS::DynamoDB::Table", "AWS::S3::Bucket", "AWS::SQS::Queue", "AWS::Logs::LogGroup")


def test_tables_recover_to_any_point_and_forget_what_expired(template: StageTemplate) -> None:
    """Point-in-time recovery everywhere, TTL on the attribute that every item carries."""
    tables = template.of_type("AWS::DynamoDB::Table").values()
    assert {t["Properties"]["TableName"] for t in tables} == {
        names.table(template.stage, name) for name in names.TABLES
    }
    for table in tables:
        properties = table["Properties"]
        assert properties["PointInTimeRecoverySpecification"] == {"PointInTimeRecoveryEnabled": True}
        assert properties["TimeToLiveSpecification"] == {"AttributeName": "expires_at", "Enabled": True}
        assert properties["BillingMode"] == "PAY_PER_REQUEST"
        assert [key["AttributeName"] for key in properties["KeySchema"]] == ["pk", "sk"]


def test_conversations_are_indexed_as_the_ledger_writes_them(template: StageTemplate) -> None:
    """The index's keys stand on the heads; it projects what changes with a turn's end only."""
    table = template.body["Resources"][template.table(names.CONVERSATIONS)]["Properties"]
    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == names.RECENT_INDEX == RECENT_INDEX
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["recent_pk", "recent_sk"]
    projection = {"ProjectionType": "INCLUDE", "NonKeyAttributes": ["last_outcome"]}
    assert index["Projection"] == projection


def test_calendars_are_indexed_sparsely(template: StageTemplate) -> None:
    """By what is due, by contact and by month; the keys are enough, readers read the item."""
    table = template.body["Resources"][template.table(names.CALENDARS)]["Properties"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert set(indexes) == {DUE_INDEX, CONTACT_INDEX, MONTH_INDEX} == set(names.CALENDAR_INDEXES)
    for name, index in indexes.items():
        assert [key["AttributeName"] for key in index["KeySchema"]] == [f"{name}_pk", f"{name}_sk"]
        assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_connections_are_indexed_by_when_their_tokens_are_due(template: StageTemplate) -> None:
    """By keys alone: no token, sealed or not, is copied into an index."""
    table = template.body["Resources"][template.table(names.CREDENTIALS)]["Properties"]
    [index] = table["GlobalSecondaryIndexes"]
    assert index["IndexName"] == names.REFRESH_DUE_INDEX == REFRESH_DUE_INDEX
    assert [key["AttributeName"] for key in index["KeySchema"]] == ["refresh_due_pk", "refresh_due_sk"]
    assert index["Projection"] == {"ProjectionType": "KEYS_ONLY"}


def test_e_mails_are_indexed_by_what_waits_and_by_their_time(template: StageTemplate) -> None:
    """Neither index holds an address or a word of an e-mail."""
    table = template.body["Resources"][template.table(names.EMAILS)]["Properties"]
    indexes = {index["IndexName"]: index for index in table["GlobalSecondaryIndexes"]}
    assert set(indexes) == {WAITING_INDEX, WRITTEN_INDEX} == {names.WAITING_INDEX, names.WRITTEN_INDEX}
    assert indexes[WAITING_INDEX]["Projection"] == {"ProjectionType": "KEYS_ONLY"}
    shown = set(indexes[WRITTEN_INDEX]["Projection"]["NonKeyAttributes"])
    assert shown == {"kind", "state", "created_ms", "finished_ms", "provider", "attempts", "reason", "fate"}


def test_files_are_private_and_forgotten_by_the_clock(template: StageTemplate) -> None:
    """In versions, encrypted, for nobody else, as long as an e-mail is kept, as the API promises."""
    [bucket] = template.of_type("AWS::S3::Bucket").values()
    properties = bucket["Properties"]
    assert properties["VersioningConfiguration"] == {"Status": "Enabled"}
    assert set(properties["PublicAccessBlockConfiguration"].values()) == {True}
    [encryption] = properties["BucketEncryption"]["ServerSideEncryptionConfiguration"]
    assert encryption["ServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
    rule, marks = properties["LifecycleConfiguration"]["Rules"]
    after = timedelta(days=rule["NoncurrentVersionExpiration"]["NoncurrentDays"])
    assert (rule["Status"], timedelta(days=rule["ExpirationInDays"])) == ("Enabled", USABLE)
    assert after > LONGEST
    assert USABLE + after == KEPT
    assert (marks["Status"], marks["ExpiredObjectDeleteMarker"]) == ("Enabled", True)
    assert "CorsConfiguration" not in properties


def test_browsers_may_upload_from_the_allowed_origins_alone(synthesized: Synthesizer) -> None:
    """Those that may call the API."""
    template = synthesized("dev", allowed_origins="https://desk.example.com")
    [bucket] = template.of_type("AWS::S3::Bucket").values()
    [rule] = bucket["Properties"]["CorsConfiguration"]["CorsRules"]
    assert (rule["AllowedOrigins"], rule["AllowedMethods"]) == (["https://desk.example.com"], ["PUT"])


def test_files_travel_encrypted(on_aws: StageTemplate) -> None:
    """The bucket's policy refuses everything else; the local AWS speaks plain HTTP on loopback."""
    [policy] = on_aws.of_type("AWS::S3::BucketPolicy").values()
    conditions = [s["Condition"] for s in policy["Properties"]["PolicyDocument"]["Statement"]]
    assert {"Bool": {"aws:SecureTransport": "false"}} in conditions
    assert {"NumericLessThan": {"s3:TlsVersion": 1.2}} in conditions


def test_prod_keeps_its_data(prod: StageTemplate) -> None:
    """Deleting the stack deletes no table, queue, log or key, and the stack itself is protected."""
    for kind in HOLDS_DATA:
        for name, resource in prod.of_type(kind).items():
            assert resource["DeletionPolicy"] == resource["UpdateReplacePolicy"] == "Retain", name
    for table in prod.of_type("AWS::DynamoDB::Table").values():
        assert table["Properties"]["DeletionProtectionEnabled"] is True
    assert prod.vault_key[1]["DeletionPolicy"] == "Retain"
    manifest = json.loads((prod.file.parent / "manifest.json").read_text())
    assert manifest["artifacts"]["frontdesk-prod"]["properties"]["terminationProtection"] is True


def test_other_stages_leave_nothing_behind(synthesized: Synthesizer) -> None:
    """A trial can be taken down whole."""
    for stage in ("local", "dev"):
        template = synthesized(stage)
        for kind in (*HOLDS_DATA, "AWS::KMS::Key"):
            for name, resource in template.of_type(kind).items():
                assert resource["DeletionPolicy"] == "Delete", name


def test_keys_rotate(template: StageTemplate) -> None:
    """New key material every year; the old goes on opening what it wrapped."""
    for key in template.of_type("AWS::KMS::Key").values():
        assert key["Properties"]["EnableKeyRotation"] is True


def test_the_vaults_key_serves_no_service(on_aws: StageTemplate) -> None:
    """No AWS service is let in by the key's policy: only the account's own roles, by their policies."""
    statements = on_aws.vault_key[1]["Properties"]["KeyPolicy"]["Statement"]
    assert not any("Service" in s["Principal"] for s in statements if isinstance(s["Principal"], dict))
    allowing = [s for s in statements if s["Effect"] == "Allow"]
    assert len(allowing) == 1
    assert ":root" in "".join(texts(allowing[0]["Principal"]))


def test_the_outputs_say_where_everything_is(template: StageTemplate) -> None:
    """Tools read the outputs by the names in infra/names.py."""
    expected = {value for name, value in vars(Outputs).items() if name.isupper()}
    assert expected <= set(template.body["Outputs"])


def test_the_local_stage_needs_no_bootstrap(synthesized: Synthesizer) -> None:
    """The local AWS has a bucket for the code and none of the CDK's roles or parameters."""
    template = synthesized("local")
    assert "BootstrapVersion" not in template.body.get("Parameters", {})
    buckets = {
        f["Properties"]["Code"]["S3Bucket"] for f in template.of_type("AWS::Lambda::Function").values()
    }
    assert buckets == {names.assets_bucket("local")}


def test_the_template_knows_no_account_and_no_region(template: StageTemplate) -> None:
    """Synthesis needs no AWS account; the deployment says where."""
    manifest = json.loads((template.file.parent / "manifest.json").read_text())
    environment = manifest["artifacts"][names.stack(template.stage)]["environment"]
    assert environment == "aws://unknown-account/unknown-region"
