#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare access rules of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_acls
short_description: Declare the access control lists of a Kafka cluster
version_added: "0.1.0"
description:
  - Compares the declared rules with those of the cluster, and sends only what differs, many in one request. Rules are
    created before any is deleted, all rules of a resource in one request, and read back afterwards.
  - A rule is identified by all of its fields. Rules that are not declared stay, unless O(purge) is set and the name of
    their resource begins with one of O(owned_prefixes).
  - Never deletes rules of O(protected_principals), or rules that allow to change ACLs (C(alter) or C(all) on the
    cluster).
  - A cluster without an authorizer is refused.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
  - rackaware.kafka.objects
  - rackaware.kafka.objects.protected
options:
  acls:
    description: The rules.
    type: list
    elements: dict
    required: true
    suboptions:
      principal:
        description: Who, such as C(User:orders).
        type: str
        required: true
      resource_type:
        description: The kind of the resource.
        type: str
        required: true
        choices: [topic, group, cluster, transactional_id, delegation_token, user]
      name:
        description: The name of the resource, or its beginning with O(acls[].pattern_type=prefixed). C(*) is all.
          Left out for O(acls[].resource_type=cluster).
        type: str
      pattern_type:
        description: Whether O(acls[].name) is the whole name or its beginning.
        type: str
        choices: [literal, prefixed]
        default: literal
      operations:
        description: What the principal does; each resource type has some of them, and V(all).
        type: list
        elements: str
        required: true
        choices:
          - all
          - read
          - write
          - create
          - delete
          - alter
          - describe
          - cluster_action
          - describe_configs
          - alter_configs
          - idempotent_write
          - create_tokens
          - describe_tokens
          - two_phase_commit
      permission:
        description: Whether that is allowed.
        type: str
        choices: [deny, allow]
        default: allow
      host:
        description: The address that the principal comes from; C(*) is any.
        type: str
        default: "*"
      state:
        description: Whether the rule exists.
        type: str
        choices: [present, absent]
        default: present
"""

EXAMPLES = r"""
- name: Let one application read and write its topics
  rackaware.kafka.kafka_acls:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    acls:
      - principal: User:orders
        resource_type: topic
        name: orders-
        pattern_type: prefixed
        operations: [read, write, describe]
      - principal: User:orders
        resource_type: group
        name: orders-billing
        operations: [read]
    owned_prefixes: [orders-]
    purge: true
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
changes:
  description: What was created and removed, or would be in check mode, one line for each rule.
  returned: success
  type: list
  elements: str
  sample: ["create: allow User:orders from * to read topic orders- (prefixed)"]
removals:
  description: What is still to be removed, with O(removals=later).
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import acls
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import acls as declared_acls
from ..module_utils._objects.declared import NOW, OWNED_SPEC, outcome, owned, protected
from ..module_utils._wait import wait_until

SPEC = dict(
    CONNECTION_SPEC,
    **OWNED_SPEC,
    acls={"type": "list", "elements": "dict", "required": True, "options": declared_acls.ACL_OPTIONS},
    protected_principals={"type": "list", "elements": "str", "default": []},
)


def write(admin: Admin, change: declared_acls.Change, removals: str, seconds: int) -> None:
    """Create, delete, and read back; a broker under KRaft has what it accepted only some milliseconds later."""
    gone = set(change.delete) if removals == NOW else set()
    acls.create(admin, change.create)
    acls.delete(admin, gone)
    wait_until(
        lambda: acls.describe(admin),
        lambda there: there.issuperset(change.create) and not there & gone,
        what="the ACLs to be as declared",
        timeout=seconds,
        interval=0.1,
        describe=lambda there: (
            "%d are missing, %d are still there" % (len(set(change.create) - there), len(there & gone))
        ),
    )


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        present, absent = declared_acls.wanted(params["acls"])
        prefixes = owned(params["owned_prefixes"], purge=params["purge"])
        with Admin(connection(params)) as admin:
            change = declared_acls.plan(
                acls.describe(admin), present, absent, owned=prefixes, protected=protected(params)
            )
            result = outcome(change.edits(), params["removals"])
            if result["changed"] and not module.check_mode:
                write(admin, change, params["removals"], params["request_timeout_seconds"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
