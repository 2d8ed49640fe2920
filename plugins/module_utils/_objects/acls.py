# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Which access rules to create and which to delete, from what is declared and what is there."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Collection, Iterable, Sequence

from .._kafka.acls import OPERATIONS, PATTERN_TYPES, PERMISSIONS, RESOURCE_TYPES, Acl
from .declared import Edit, ObjectsError, holds, once

ACL_OPTIONS: dict[str, dict[str, Any]] = {
    "principal": {"type": "str", "required": True},
    "resource_type": {"type": "str", "required": True, "choices": list(RESOURCE_TYPES)},
    "name": {"type": "str"},
    "pattern_type": {"type": "str", "choices": list(PATTERN_TYPES), "default": "literal"},
    "operations": {"type": "list", "elements": "str", "required": True, "choices": list(OPERATIONS)},
    "permission": {"type": "str", "choices": list(PERMISSIONS), "default": "allow"},
    "host": {"type": "str", "default": "*"},
    "state": {"type": "str", "choices": ["present", "absent"], "default": "present"},
}
# AclEntry.supportedOperations of Kafka; all is one of every type.
OPERATIONS_OF = {
    "topic": ("read", "write", "create", "delete", "alter", "describe", "describe_configs", "alter_configs"),
    "group": ("read", "delete", "describe", "describe_configs", "alter_configs"),
    "cluster": (
        "create",
        "alter",
        "describe",
        "cluster_action",
        "describe_configs",
        "alter_configs",
        "idempotent_write",
    ),
    "transactional_id": ("write", "describe", "two_phase_commit"),
    "delegation_token": ("describe",),
    "user": ("create_tokens", "describe_tokens"),
}
CLUSTER = "kafka-cluster"
# What has names that a prefix can own.
OWNABLE = ("topic", "group", "transactional_id")
EVERYONE = "User:*"


@dataclass(frozen=True)
class Change:
    """Rules to create and to delete."""

    create: tuple[Acl, ...]
    delete: tuple[Acl, ...]

    def edits(self) -> list[Edit]:
        """The change as lines."""
        return [Edit(None, str(acl)) for acl in self.create] + [Edit(str(acl), None) for acl in self.delete]


def wanted(entries: Iterable[dict[str, Any]]) -> tuple[list[Acl], list[Acl]]:
    """The rules that shall exist, and those that shall not; raises ObjectsError for what no rule can be."""
    present: list[Acl] = []
    absent: list[Acl] = []
    for entry in entries:
        (absent if entry["state"] == "absent" else present).extend(_rules(entry))
    once(present + absent, "ACL")
    return present, absent


def _rules(entry: dict[str, Any]) -> list[Acl]:
    kind, name, principal = entry["resource_type"], entry["name"], entry["principal"]
    if kind == "cluster":
        if name not in (None, CLUSTER) or entry["pattern_type"] != "literal":
            raise ObjectsError(
                "An ACL of %s is about the cluster %s (%s), but there is only %s (literal); leave both out."
                % (principal, name, entry["pattern_type"], CLUSTER)
            )
        name = CLUSTER
    if not name:
        raise ObjectsError("An ACL of %s is about a %s without a name; set name." % (principal, kind))
    if not all(principal.partition(":")):
        raise ObjectsError("The principal %s of an ACL has no type; write it as User:%s." % (principal, principal))
    if not entry["operations"]:
        raise ObjectsError("An ACL of %s on %s %s has no operations; name at least one." % (principal, kind, name))
    for operation in entry["operations"]:
        if operation != "all" and operation not in OPERATIONS_OF[kind]:
            raise ObjectsError(
                "An ACL of %s on %s %s has the operation %s, which a %s does not have; it has %s and all."
                % (principal, kind, name, operation, kind, ", ".join(OPERATIONS_OF[kind]))
            )
    return [
        Acl(kind, name, entry["pattern_type"], principal, entry["host"], operation, entry["permission"])
        for operation in entry["operations"]
    ]


def plan(
    before: Collection[Acl],
    present: Sequence[Acl],
    absent: Sequence[Acl],
    *,
    owned: tuple[str, ...],
    protected: Collection[str],
) -> Change:
    """What to create and what to delete; rules of these names that nothing declares go, too.

    Raises ObjectsError for what would take away access that a protected principal or an administrator has; a rule that
    is there already takes nothing away.
    """
    for acl in sorted(set(present) - set(before)):
        if acl.permission == "deny" and (acl.principal in protected or (_shows_all(acl) and acl.principal == EVERYONE)):
            raise ObjectsError(
                "The ACL would shut the operator out: %s; take it out, or take %s out of protected_principals."
                % (acl, acl.principal)
            )
    gone = [acl for acl in absent if acl in before]
    for acl in gone:
        if acl.permission == "allow" and (acl.principal in protected or _rules_all(acl)):
            raise ObjectsError(
                "The ACL gives an operator access and is never deleted here: %s; take state: absent out, and delete it"
                " with kafka-acls when another operator has access." % (acl,)
            )
    kept = set(present)
    purged = [
        acl
        for acl in before
        if acl not in kept
        and acl.resource_type in OWNABLE
        and holds(owned, acl.name)
        and acl.principal not in protected
    ]
    return Change(tuple(sorted(kept - set(before))), tuple(sorted({*gone, *purged})))


def _rules_all(acl: Acl) -> bool:
    """Whether the rule is about the right to change ACLs."""
    return acl.resource_type == "cluster" and acl.operation in ("alter", "all")


def _shows_all(acl: Acl) -> bool:
    """Whether the rule is about the right to see or to change ACLs; without the first, this module can do nothing."""
    return _rules_all(acl) or (acl.resource_type == "cluster" and acl.operation == "describe")


def entries(acls: Iterable[Acl]) -> list[dict[str, Any]]:
    """The rules as a file declares them, those that differ in the operation only in one entry."""
    grouped: dict[Acl, list[str]] = {}
    for acl in sorted(acls):
        grouped.setdefault(acl._replace(operation=""), []).append(acl.operation)
    return [_entry(acl, operations) for acl, operations in grouped.items()]


def _entry(acl: Acl, operations: list[str]) -> dict[str, Any]:
    # What is the default of a declaration is left out, so that a person reads what matters.
    entry = {
        "principal": acl.principal,
        "resource_type": acl.resource_type,
        "name": acl.name,
        "pattern_type": acl.pattern_type,
        "operations": operations,
        "permission": acl.permission,
        "host": acl.host,
    }
    return {
        key: value
        for key, value in entry.items()
        if value != ACL_OPTIONS[key].get("default") and not (key == "name" and acl.resource_type == "cluster")
    }
