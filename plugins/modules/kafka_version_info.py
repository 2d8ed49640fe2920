#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the brokers of a cluster say about their versions."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_version_info
short_description: Read what the brokers of a cluster say about their versions
version_added: "0.1.0"
description:
  - Asks each broker that the cluster lists, one by one, which requests, features and protocol it speaks.
  - Kafka's protocol does not tell a broker's full version, nor that of a client. The series (as 3.9) follows from the requests that a broker answers.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.connection
options:
  members:
    description: Whether to read the members of consumer groups, too.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Read the brokers' versions
  rackaware.kafka.kafka_version_info:
    bootstrap_servers: ["{{ ansible_host }}:9092"]
  vars:
    ansible_python_interpreter: /opt/kafka-admin/bin/python
  register: seen
"""

RETURN = r"""
brokers:
  description:
    - For each broker its id, its series, whether that is the newest that the client library can tell (newest_known), the features that it supports, with
      their lowest and highest level, and in ZooKeeper mode its C(inter.broker.protocol.version) (protocol).
    - A broker that does not answer is an error; one that the cluster does not list, or that is fenced, is left out.
  returned: success
  type: list
  elements: dict
features:
  description: Features by name, with what the broker that was asked supports, and the level that is finalized; empty in ZooKeeper mode.
  returned: success
  type: dict
members:
  description:
    - Members of consumer groups with group, client_id, host and subscription, the version that they wrote their subscription in.
    - Empty unless O(members) is set.
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka.client import CONNECTION_SPEC, Admin, connection

SPEC = dict(CONNECTION_SPEC, members={"type": "bool", "default": False})


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    members: list[dict[str, Any]] = []
    try:
        with Admin(connection(params)) as admin:
            listed = [broker["id"] for broker in admin.cluster()["brokers"] if not broker["fenced"]]
            brokers = [dict(admin.versions_of(broker_id), id=broker_id) for broker_id in listed]
            features = admin.features()
            if params["members"]:
                members = [member for broker_id in listed for member in admin.group_members(broker_id)]
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, brokers=brokers, features=features, members=members)


if __name__ == "__main__":
    main()
