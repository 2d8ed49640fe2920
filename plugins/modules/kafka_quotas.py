#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Declare the quotas of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_quotas
short_description: Declare the client quotas of a Kafka cluster
version_added: "0.1.0"
description:
  - Sets and removes limits of users, client ids and addresses, many in one request. Only the declared keys are
    compared.
  - In check mode Kafka validates the change.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.connection
  - rackaware.kafka.objects
options:
  quotas:
    description: The quotas, each of a user, of a client id, of both, or of an address.
    type: list
    elements: dict
    required: true
    suboptions:
      user:
        description: The user, or V(<default>) for all without a quota of their own.
        type: str
      client_id:
        description: The client id, or V(<default>).
        type: str
      ip:
        description: The address that clients connect from, or V(<default>).
        type: str
      limits:
        description:
          - Limits by key. Users and client ids have C(producer_byte_rate), C(consumer_byte_rate),
            C(request_percentage) and C(controller_mutation_rate); addresses have C(connection_creation_rate).
          - The value V(null) removes a limit.
        type: dict
        default: {}
      state:
        description: V(absent) removes all limits.
        type: str
        choices: [present, absent]
        default: present
"""

EXAMPLES = r"""
- name: Limit what one application and all unknown ones may write
  rackaware.kafka.kafka_quotas:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
    quotas:
      - user: orders
        limits: {producer_byte_rate: 10485760}
      - user: <default>
        client_id: <default>
        limits: {producer_byte_rate: 1048576, consumer_byte_rate: 2097152}
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
"""

RETURN = r"""
changes:
  description: What was set and removed, or would be in check mode, one line for each quota.
  returned: success
  type: list
  elements: str
  sample: ["create: quota of user orders: producer_byte_rate=10485760"]
removals:
  description: What is still to be removed, with O(removals=later).
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import quotas
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import quotas as declared_quotas
from ..module_utils._objects.declared import LATER, OWNED_SPEC, outcome, owned
from ..module_utils._wait import wait_until

SPEC = dict(
    CONNECTION_SPEC,
    **OWNED_SPEC,
    quotas={"type": "list", "elements": "dict", "required": True, "options": declared_quotas.QUOTA_OPTIONS},
)


def write(admin: Admin, change: declared_quotas.Change, removals: str, seconds: int, *, check: bool) -> None:
    """Change the quotas and read them back, or have Kafka validate the change."""
    later = set(change.removed()) if removals == LATER else set()
    sent = {entity: limits for entity, limits in change.set.items() if entity not in later}
    quotas.alter(admin, sent, validate_only=check)
    if check:
        return
    wait_until(
        lambda: quotas.describe(admin),
        lambda there: all(there.get(entity, {}) == change.after(entity) for entity in sent),
        what="the quotas to be as declared",
        timeout=seconds,
        interval=0.1,
        describe=lambda there: "%d differ" % sum(there.get(entity, {}) != change.after(entity) for entity in sent),
    )


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        present, absent = declared_quotas.wanted(params["quotas"])
        prefixes = owned(params["owned_prefixes"], purge=params["purge"])
        with Admin(connection(params)) as admin:
            change = declared_quotas.plan(quotas.describe(admin), present, absent, owned=prefixes)
            result = outcome(change.edits(), params["removals"])
            if result["changed"]:
                write(admin, change, params["removals"], params["request_timeout_seconds"], check=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
