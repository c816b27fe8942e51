"""A small IAM evaluator: enough of the algorithm for the conditions that our policies use.

Source: IAM user guide, "Policy evaluation logic" and "IAM JSON policy elements: Condition operators".
"""

from __future__ import annotations

from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any

from tests.infra.templates import as_list, target

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from tests.infra.templates import StageTemplate


def may_use_vault_key(
    template: StageTemplate, function: str, action: str, context: Mapping[str, str]
) -> bool:
    """Whether a function may call KMS with the vault's key under this encryption context.

    The key's policy lets the account delegate to IAM (its first statement), so an allow in the role's
    policy counts; a deny on either side wins.
    """
    key, resource = template.vault_key
    role = template.role_of(function)
    keys = {f"kms:EncryptionContext:{name}": value for name, value in context.items()}
    own = [s for s in template.statements_of(function) if key in _targets(s["Resource"])]
    of_key = [s for s in resource["Properties"]["KeyPolicy"]["Statement"] if _is_for(s, role)]
    effects = {s["Effect"] for s in [*own, *of_key] if _matches(s, action, keys)}
    return effects == {"Allow"}


def _targets(resources: object) -> set[str]:
    return {
        target(r) for r in as_list(resources) if isinstance(r, dict) and ("Ref" in r or "Fn::GetAtt" in r)
    }


def _is_for(statement: dict[str, Any], role: str) -> bool:
    principal = statement["Principal"]
    if principal == "*":
        return True
    return any(p == "*" or (isinstance(p, dict) and role in _targets(p)) for p in as_list(principal["AWS"]))


def _matches(statement: dict[str, Any], action: str, keys: Mapping[str, str]) -> bool:
    return any(fnmatchcase(action, pattern) for pattern in as_list(statement["Action"])) and all(
        _OPERATORS[operator](keys.get(name), as_list(expected))
        for operator, conditions in statement.get("Condition", {}).items()
        for name, expected in conditions.items()
    )


_OPERATORS: dict[str, Callable[[str | None, list[str]], bool]] = {
    "StringEquals": lambda value, expected: value is not None and value in expected,
    "StringNotEquals": lambda value, expected: value not in expected,
    "Null": lambda value, expected: (value is None) == (expected == ["true"]),
}
