#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read who is connected to ports of a host."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_connections_info
short_description: Read who is connected to ports of a host
version_added: "0.1.0"
description:
  - Reads the addresses that are connected to ports of the task's host, from the kernel.
  - A client that connects for a moment only is seen while O(watch_seconds) last.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  ports:
    description: The ports.
    type: list
    elements: int
    required: true
  watch_seconds:
    description: How long to look.
    type: float
    default: 0
"""

EXAMPLES = r"""
- name: Read who is connected
  rackaware.kafka.kafka_connections_info:
    ports: [9092]
    watch_seconds: 30
  register: connected
"""

RETURN = r"""
connections:
  description: Each C(port) with each C(address) that was connected to it.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import connections

SPEC = {
    "ports": {"type": "list", "elements": "int", "required": True},
    "watch_seconds": {"type": "float", "default": 0},
}


def main() -> None:
    """Read, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        found = connections.watch(module.params["ports"], module.params["watch_seconds"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, connections=found)


if __name__ == "__main__":
    main()
