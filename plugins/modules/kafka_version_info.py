#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The versions of the brokers of a cluster."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_version_info
short_description: Read the versions and features of the brokers of a cluster
version_added: "0.1.0"
description:
  - Asks each broker that the cluster lists which requests, features and protocol it supports.
  - Kafka's protocol shows neither a broker's full version nor that of a client. The module derives the series, such as
    3.9, from the requests that a broker answers.
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
    - For each broker C(id), C(series), C(newest_known), C(features) and C(protocol). C(newest_known) is whether the
      series is the newest that the client library knows. C(features) has the lowest and highest level of each feature
      that it supports. C(protocol) is its C(inter.broker.protocol.version), in ZooKeeper mode.
    - A broker that does not answer is an error. A broker that is fenced, or that the cluster does not list, is left
      out.
  returned: success
  type: list
  elements: dict
features:
  description: For each feature, by name, the levels that the broker that was asked supports, and the level that is
    finalized. Empty in ZooKeeper mode.
  returned: success
  type: dict
members:
  description:
    - Members of consumer groups, each with C(group), C(client_id), C(host) and C(subscription), the version of its
      subscription.
    - Empty unless O(members) is set.
  returned: success
  type: list
  elements: dict
"""

from typing import Any

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._kafka import features, groups, metadata
from ..module_utils._kafka.client import Admin
from ..module_utils._kafka.connection import CONNECTION_SPEC, connection

SPEC = dict(CONNECTION_SPEC, members={"type": "bool", "default": False})


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    members: list[dict[str, Any]] = []
    try:
        with Admin(connection(params)) as admin:
            ids = [broker["id"] for broker in metadata.cluster(admin)["brokers"] if not broker["fenced"]]
            brokers = [dict(features.versions_of(admin, broker_id), id=broker_id) for broker_id in ids]
            levels = features.levels(admin)
            if params["members"]:
                members = [member for broker_id in ids for member in groups.members(admin, broker_id)]
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, brokers=brokers, features=levels, members=members)


if __name__ == "__main__":
    main()
