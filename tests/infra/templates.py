"""Questions to a synthesized template."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from infra import names

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from infra.stages import Settings

Resource = dict[str, Any]


@dataclass(frozen=True)
class StageTemplate:
    """A template, with the settings it was made from."""

    settings: Settings
    body: dict[str, Any]
    file: Path

    @property
    def stage(self) -> str:
        """Its stage's name."""
        return self.settings.stage.name

    def of_type(self, kind: str) -> dict[str, Resource]:
        """Resources of a type, by logical id."""
        return {k: v for k, v in self.body["Resources"].items() if v["Type"] == kind}

    def function(self, name: str) -> Resource:
        """A function by our name for it."""
        return self.named("AWS::Lambda::Function", "FunctionName", names.function(self.stage, name))[1]

    def named(self, kind: str, attribute: str, value: str) -> tuple[str, Resource]:
        """Logical id and resource of the one that carries this name."""
        [found] = [(k, v) for k, v in self.of_type(kind).items() if v["Properties"].get(attribute) == value]
        return found

    def queue(self, name: str) -> tuple[str, Resource]:
        """Logical id and resource of a queue by our name for it."""
        return self.named("AWS::SQS::Queue", "QueueName", names.queue(self.stage, name))

    def standard_queue(self, name: str) -> tuple[str, Resource]:
        """The same for a queue without order."""
        return self.named("AWS::SQS::Queue", "QueueName", names.standard_queue(self.stage, name))

    def table(self, name: str) -> str:
        """Logical id of a table by our name for it."""
        return self.named("AWS::DynamoDB::Table", "TableName", names.table(self.stage, name))[0]

    @property
    def vault_key(self) -> tuple[str, Resource]:
        """Logical id and resource of the vault's key."""
        [alias] = self.of_type("AWS::KMS::Alias").values()
        logical_id = target(alias["Properties"]["TargetKeyId"])
        return logical_id, self.body["Resources"][logical_id]

    def role_of(self, function: str) -> str:
        """Logical id of a function's role."""
        return target(self.function(function)["Properties"]["Role"])

    def statements_of(self, function: str) -> list[Resource]:
        """Every statement of the policies of a function's role."""
        role = self.role_of(function)
        inline = self.body["Resources"][role]["Properties"].get("Policies", [])
        found = [s for policy in inline for s in policy["PolicyDocument"]["Statement"]]
        for policy in self.of_type("AWS::IAM::Policy").values():
            if {"Ref": role} in policy["Properties"]["Roles"]:
                found += policy["Properties"]["PolicyDocument"]["Statement"]
        return found

    def source_of(self, function: str) -> Resource:
        """The properties of the event source mapping that feeds a function."""
        logical_id, _ = self.named(
            "AWS::Lambda::Function", "FunctionName", names.function(self.stage, function)
        )
        [found] = [
            mapping["Properties"]
            for mapping in self.of_type("AWS::Lambda::EventSourceMapping").values()
            if target(mapping["Properties"]["FunctionName"]) == logical_id
        ]
        properties: Resource = found
        return properties


def target(reference: dict[str, Any]) -> str:
    """The logical id that a Ref or Fn::GetAtt points to."""
    return str(reference["Ref"] if "Ref" in reference else reference["Fn::GetAtt"][0])


def as_list(value: object) -> list[Any]:
    """What IAM writes alone or in a list, as a list."""
    return value if isinstance(value, list) else [value]


def texts(value: object) -> Iterator[str]:
    """Every text anywhere inside a JSON value."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for key, inner in value.items():
            yield str(key)
            yield from texts(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from texts(inner)
