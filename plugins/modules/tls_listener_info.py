#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ask listeners which certificate they show, and whose certificates they take."""

from __future__ import annotations

DOCUMENTATION = r"""
module: tls_listener_info
short_description: Ask listeners which certificate they show, and whose certificates they take
version_added: "0.1.0"
description:
  - Makes a TLS handshake with each listener, without a certificate of its own. A listener that asks clients for one names the
    CAs that it takes certificates of, before it refuses. So it is seen what a running service trusts, without any key.
  - Needs the program C(openssl), 1.1.1 or later.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  address:
    description: The address of the listeners.
    type: str
    required: true
  ports:
    description: Their ports.
    type: list
    elements: int
    required: true
seealso:
  - module: rackaware.kafka.tls_rotation
"""

EXAMPLES = r"""
- name: Ask the listeners of a broker
  rackaware.kafka.tls_listener_info:
    address: 198.51.100.1
    ports: [9091, 9092]
"""

RETURN = r"""
listeners:
  description: What each listener said, by its port.
  returned: success
  type: dict
  contains:
    certificate:
      description: Its certificate, as PEM.
      type: str
    authorities:
      description: The distinguished names of the CAs that it takes clients' certificates of (RFC 2253); empty where it asks for
        none.
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import tls_files

SPEC = {
    "address": {"type": "str", "required": True},
    "ports": {"type": "list", "elements": "int", "required": True},
}


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    try:
        found = {str(port): tls_files.listener(module.params["address"], port) for port in module.params["ports"]}
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, listeners=found)


if __name__ == "__main__":
    main()
