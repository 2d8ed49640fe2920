#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Protect the znodes that a Kafka cluster made before it was secured."""

from __future__ import annotations

DOCUMENTATION = r"""
module: zookeeper_acls
short_description: Protect the znodes that a Kafka cluster made before it was secured
version_added: "0.1.0"
description:
  - Reads the ACLs of all of Kafka's znodes, and gives those that differ the ACL with which a broker creates them when
    C(zookeeper.set.acl) is set. O(owner) may do anything, and all others may read, except users' credentials and the like.
  - Leaves C(/consumers), and what is not Kafka's, as it is.
  - A znode that vanishes meanwhile is no failure. A run that was broken off is completed by the next.
author:
  - rackaware.kafka contributors (@rackaware)
attributes:
  check_mode:
    description: Can run in C(check_mode) and say which znodes would change.
    support: full
  diff_mode:
    description: Does not show a diff.
    support: none
options:
  servers:
    description: Servers of the ensemble, as V(host:port). The first that answers is asked.
    type: list
    elements: str
    required: true
  owner:
    description: The distinguished name that the znodes belong to, as in the certificate.
    type: str
    required: true
  ssl_cafile:
    description: The certificates that are trusted.
    type: path
    required: true
  ssl_certfile:
    description: The certificate of O(owner), with its key.
    type: path
    required: true
  timeout_seconds:
    description: Seconds that the server may take for one answer.
    type: int
    default: 30
"""

EXAMPLES = r"""
- name: Protect the znodes
  rackaware.kafka.zookeeper_acls:
    servers: [198.18.1.201, 198.18.2.201, 198.18.3.201]
    owner: CN=kafka,OU=demo,O=rackaware
    ssl_cafile: /etc/kafka/tls/truststore.pem
    ssl_certfile: /etc/kafka/tls/keystore.pem
"""

RETURN = r"""
znodes:
  description: How many znodes Kafka has.
  returned: success
  type: int
protected:
  description: How many of them were not protected before.
  returned: success
  type: int
first:
  description: Up to ten of these.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import znodes, zookeeper

SPEC = {
    "servers": {"type": "list", "elements": "str", "required": True},
    "owner": {"type": "str", "required": True},
    "ssl_cafile": {"type": "path", "required": True},
    "ssl_certfile": {"type": "path", "required": True},
    "timeout_seconds": {"type": "int", "default": 30},
}


def main() -> None:
    """Compare, protect, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    try:
        secure = zookeeper.client({**params, "ssl_keyfile": params["ssl_certfile"], "ssl_check_hostname": True})
        found = znodes.protect(
            params["servers"], secure, params["owner"], params["timeout_seconds"], check=module.check_mode
        )
    except RackawareError as error:
        module.fail_json(msg=str(error))
    changed = found["changed"]
    module.exit_json(changed=bool(changed), znodes=found["znodes"], protected=len(changed), first=changed[:10])


if __name__ == "__main__":
    main()
