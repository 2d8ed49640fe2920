#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read the identity of Kafka's log directories."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_storage_info
short_description: Read the identity of Kafka's log directories
version_added: "0.1.0"
description:
  - Reads C(meta.properties) of each log directory of the task's host.
  - P(rackaware.kafka.kafka_cluster_identity#filter) takes the results of all nodes.
  - On a ZooKeeper node it reads C(myid).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
options:
  log_dirs:
    description: The log directories, with that of the metadata.
    type: list
    elements: path
    required: true
  service:
    description: The service that the directories belong to.
    type: str
    choices: [broker, controller, zookeeper]
    default: broker
"""

EXAMPLES = r"""
- name: Read the identity of the disks
  rackaware.kafka.kafka_storage_info:
    log_dirs: [/var/lib/kafka/data0/logs]
  register: storage
"""

RETURN = r"""
host:
  description: The host's own name, for messages.
  returned: success
  type: str
directories:
  description:
    - For each directory C(path), C(state) (V(absent), V(empty), V(formatted), V(foreign)), C(cluster_id), C(node_id),
      C(directory_id), C(version) (0 from ZooKeeper mode, 1 from KRaft) and C(started) (whether a KRaft node has run on
      it).
  returned: success
  type: list
  elements: dict
cluster_id:
  description: The cluster id of the directories, V(null) when none has one.
  returned: success
  type: str
node_id:
  description: The node id of the directories, V(null) when none has one.
  returned: success
  type: int
started:
  description: Whether a KRaft node has run on them.
  returned: success
  type: bool
"""

import platform

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import identity, storage

SPEC = {
    "log_dirs": {"type": "list", "elements": "path", "required": True},
    "service": {"type": "str", "choices": ["broker", "controller", "zookeeper"], "default": "broker"},
}


def main() -> None:
    """Read, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    host = platform.node()
    try:
        read = identity.zookeeper_directory if module.params["service"] == "zookeeper" else storage.read
        directories = [read(path).as_dict() for path in module.params["log_dirs"]]
        found = {"host": host, "directories": directories}
        cluster_id = None if module.params["service"] == "zookeeper" else storage.identity([found])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    node_ids = [directory["node_id"] for directory in directories if directory["node_id"] is not None]
    module.exit_json(
        changed=False,
        cluster_id=cluster_id,
        node_id=node_ids[0] if node_ids else None,
        started=storage.quorum_exists([found]),
        **found,
    )


if __name__ == "__main__":
    main()
