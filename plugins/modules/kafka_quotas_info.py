#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the quotas of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_quotas_info
short_description: Read the client quotas of a Kafka cluster
version_added: "0.1.0"
description:
  - Returns all quotas as M(rackaware.kafka.kafka_quotas) takes them.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
"""

EXAMPLES = r"""
- name: Read the quotas
  rackaware.kafka.kafka_quotas_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: found
"""

RETURN = r"""
quotas:
  description: The quotas, sorted.
  returned: success
  type: list
  elements: dict
  sample: [{user: orders, limits: {producer_byte_rate: 10485760}}]
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import quotas
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection
from ..module_utils._objects import quotas as declared_quotas


def main() -> None:
    """Ask, and return."""
    module = AnsibleModule(argument_spec=CONNECTION_SPEC, supports_check_mode=True)
    try:
        with Admin(connection(module.params)) as admin:
            found = quotas.describe(admin)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, quotas=declared_quotas.entries(found))


if __name__ == "__main__":
    main()
