# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# Private to the collection: may change at any time.
"""Access control lists: read, created and deleted."""

from __future__ import annotations

from typing import Any, Iterable, NamedTuple

from .batches import batches
from .client import Admin, check
from .connection import KafkaError

# Codes of org.apache.kafka.common.acl and org.apache.kafka.common.resource.
RESOURCE_TYPES = {
    "topic": 2,
    "group": 3,
    "cluster": 4,
    "transactional_id": 5,
    "delegation_token": 6,
    "user": 7,
}
PATTERN_TYPES = {"literal": 3, "prefixed": 4}
OPERATIONS = {
    "all": 2,
    "read": 3,
    "write": 4,
    "create": 5,
    "delete": 6,
    "alter": 7,
    "describe": 8,
    "cluster_action": 9,
    "describe_configs": 10,
    "alter_configs": 11,
    "idempotent_write": 12,
    "create_tokens": 13,
    "describe_tokens": 14,
    "two_phase_commit": 15,
}
PERMISSIONS = {"deny": 2, "allow": 3}
ANY = 1
# A code of org.apache.kafka.common.protocol.Errors.
SECURITY_DISABLED = 54


class Acl(NamedTuple):
    """One rule; all seven fields are its identity, and a rule that differs in one is another rule."""

    resource_type: str
    name: str
    pattern_type: str
    principal: str
    host: str
    operation: str
    permission: str

    @property
    def resource(self) -> tuple[str, str, str]:
        """What the rule is about."""
        return self[:3]

    def __str__(self) -> str:
        return "%s %s from %s to %s %s %s (%s)" % (
            self.permission,
            self.principal,
            self.host,
            self.operation,
            self.resource_type,
            self.name,
            self.pattern_type,
        )


def describe(admin: Admin) -> set[Acl]:
    """All rules, as the broker that is asked has them; raises KafkaError where there is no authorizer."""
    from kafka.protocol.admin import DescribeAclsRequest as Request

    answer = admin.send(
        Request(
            resource_type_filter=ANY,
            resource_name_filter=None,
            pattern_type_filter=ANY,
            principal_filter=None,
            host_filter=None,
            operation=ANY,
            permission_type=ANY,
        )
    )
    _check(answer, "to describe the ACLs")
    return {
        Acl(
            _name(RESOURCE_TYPES, resource.resource_type),
            resource.resource_name,
            _name(PATTERN_TYPES, resource.pattern_type),
            acl.principal,
            acl.host,
            _name(OPERATIONS, acl.operation),
            _name(PERMISSIONS, acl.permission_type),
        )
        for resource in answer.resources
        for acl in resource.acls
    }


def create(admin: Admin, acls: Iterable[Acl]) -> None:
    """Create rules; those of one resource travel in one request.

    With allow.everyone.if.no.acl.found the first rule of a resource closes it for everyone else.
    """
    from kafka.protocol.admin import CreateAclsRequest as Request

    resources: dict[tuple[str, str, str], list[Acl]] = {}
    for acl in sorted(acls):
        resources.setdefault(acl.resource, []).append(acl)
    for batch in batches(admin, resources.values(), len):
        sent = [acl for resource in batch for acl in resource]
        creations = [
            Request.AclCreation(
                resource_type=_code(RESOURCE_TYPES, acl.resource_type),
                resource_name=acl.name,
                resource_pattern_type=_code(PATTERN_TYPES, acl.pattern_type),
                principal=acl.principal,
                host=acl.host,
                operation=_code(OPERATIONS, acl.operation),
                permission_type=_code(PERMISSIONS, acl.permission),
            )
            for acl in sent
        ]
        answer = admin.send(Request(creations=creations))
        for acl, result in zip(sent, answer.results):
            _check(result, "to create the ACL: %s" % (acl,))


def delete(admin: Admin, acls: Iterable[Acl]) -> None:
    """Delete exactly these rules, each by a filter of all its fields."""
    from kafka.protocol.admin import DeleteAclsRequest as Request

    for batch in batches(admin, sorted(acls)):
        answer = admin.send(Request(filters=[_filter(Request, acl) for acl in batch]))
        for acl, result in zip(batch, answer.filter_results):
            for each in [result, *result.matching_acls]:
                _check(each, "to delete the ACL: %s" % (acl,))


def _filter(request: Any, acl: Acl) -> Any:
    return request.DeleteAclsFilter(
        resource_type_filter=_code(RESOURCE_TYPES, acl.resource_type),
        resource_name_filter=acl.name,
        pattern_type_filter=_code(PATTERN_TYPES, acl.pattern_type),
        principal_filter=acl.principal,
        host_filter=acl.host,
        operation=_code(OPERATIONS, acl.operation),
        permission_type=_code(PERMISSIONS, acl.permission),
    )


def _check(answer: Any, what: str) -> None:
    if answer.error_code == SECURITY_DISABLED:
        raise KafkaError(
            "The cluster has no authorizer and therefore no ACLs; set authorizer.class.name on all its nodes first.",
            answer.error_code,
        )
    check(answer, what)


def _name(table: dict[str, int], code: int) -> str:
    # A newer Kafka may have more than this file knows; its number is kept.
    return next((name for name, each in table.items() if each == code), str(code))


def _code(table: dict[str, int], name: str) -> int:
    return table[name] if name in table else int(name)
