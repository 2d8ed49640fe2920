#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the access rules of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_acls_info
short_description: Read the access control lists of a Kafka cluster
version_added: "0.1.0"
description:
  - Returns all rules as M(rackaware.kafka.kafka_acls) takes them, from the broker that is asked.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
"""

EXAMPLES = r"""
- name: Read the access rules
  rackaware.kafka.kafka_acls_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: rules
"""

RETURN = r"""
acls:
  description: The rules, sorted. Rules that differ only in the operation are one entry, and defaults are left out.
  returned: success
  type: list
  elements: dict
  sample: [{principal: "User:orders", resource_type: topic, name: orders, operations: [read, write]}]
authorizer:
  description: Whether the cluster has an authorizer. Without one there are no rules.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import acls
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, KafkaError, connection
from ..module_utils._objects import acls as declared_acls


def main() -> None:
    """Ask, and return."""
    module = AnsibleModule(argument_spec=CONNECTION_SPEC, supports_check_mode=True)
    try:
        with Admin(connection(module.params)) as admin:
            found = acls.describe(admin)
    except KafkaError as error:
        if error.code == acls.SECURITY_DISABLED:
            module.exit_json(changed=False, acls=[], authorizer=False)
        module.fail_json(msg=str(error))
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, acls=declared_acls.entries(found), authorizer=True)


if __name__ == "__main__":
    main()
