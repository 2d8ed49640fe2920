#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Format the log directories of a KRaft node, once."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_storage
short_description: Format the log directories of a KRaft node, once
version_added: "0.1.0"
description:
  - Writes the identity of cluster and node into log directories that are empty, with Kafka's own C(StorageTool).
  - Refuses a directory with another identity, or with files and no identity, and never changes it.
  - Formats only the new directory when one was added to a formatted node, or replaced.
  - Controllers form a dynamic quorum (KIP-853). Their directory ids are derived from the cluster id and the node id, so
    that all of them write the same list of voters.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
options:
  cluster_id:
    description: The cluster's id, from P(rackaware.kafka.kafka_cluster_identity#filter).
    type: str
    required: true
  node_id:
    description: The node's id.
    type: int
    required: true
  log_dirs:
    description: The node's log directories, with that of the metadata; the same as in O(properties).
    type: list
    elements: path
    required: true
  metadata_log_dir:
    description: The directory with the metadata; the first of O(log_dirs) when not given, as in Kafka.
    type: path
  roles:
    description: The roles of the node.
    type: list
    elements: str
    choices: [broker, controller]
    required: true
  initial_controllers:
    description: The first controllers of the cluster, the same list on every node.
    type: list
    elements: dict
    default: []
    suboptions:
      id:
        description: The controller's node id.
        type: int
        required: true
      host:
        description: Its address.
        type: str
        required: true
      port:
        description: The port of its controller listener.
        type: int
        default: 9093
  quorum_exists:
    description:
      - Whether the cluster's controllers have run before, from P(rackaware.kafka.kafka_cluster_identity#filter).
      - If so, an empty controller starts as an observer, and must be added to the voters.
    type: bool
    default: false
  properties:
    description: The node's configuration file.
    type: path
    required: true
  libs:
    description: The directory with Kafka's jars.
    type: path
    required: true
  java:
    description: The Java command.
    type: str
    default: java
  user:
    description: The owner of the files that are written; needs root.
    type: str
"""

EXAMPLES = r"""
- name: Format the log directories
  rackaware.kafka.kafka_storage:
    cluster_id: "{{ cluster_id }}"
    node_id: 1
    roles: [broker, controller]
    log_dirs: [/var/lib/kafka/data0/logs]
    initial_controllers:
      - {id: 1, host: 198.18.1.11}
      - {id: 2, host: 198.18.2.12}
      - {id: 3, host: 198.18.3.13}
    properties: /etc/kafka/broker.properties
    libs: /opt/kafka-4.3.1/libs
    user: kafka
"""

RETURN = r"""
formatted:
  description: The directories that were formatted, or would be in check mode.
  returned: success
  type: list
  elements: str
directories:
  description: All directories after the run, as RV(rackaware.kafka.kafka_storage_info#module:directories); in check
    mode as they are now.
  returned: success
  type: list
  elements: dict
joins_as_observer:
  description: Whether this controller was (or would be) formatted without the voters, and must be added to them after
    its start.
  returned: success
  type: bool
"""

from ansible.module_utils.basic import AnsibleModule

from ..module_utils._errors import RackawareError
from ..module_utils._host import storage

SPEC = {
    "cluster_id": {"type": "str", "required": True},
    "node_id": {"type": "int", "required": True},
    "log_dirs": {"type": "list", "elements": "path", "required": True},
    "metadata_log_dir": {"type": "path"},
    "roles": {"type": "list", "elements": "str", "choices": ["broker", "controller"], "required": True},
    "initial_controllers": {
        "type": "list",
        "elements": "dict",
        "default": [],
        "options": {
            "id": {"type": "int", "required": True},
            "host": {"type": "str", "required": True},
            "port": {"type": "int", "default": 9093},
        },
    },
    "quorum_exists": {"type": "bool", "default": False},
    "properties": {"type": "path", "required": True},
    "libs": {"type": "path", "required": True},
    "java": {"type": "str", "default": "java"},
    "user": {"type": "str"},
}


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    params = module.params
    paths = params["log_dirs"]
    try:
        if not paths:
            raise storage.StorageError(
                "There is nothing to give an identity to, because log_dirs is empty; name the node's log directories."
            )
        metadata = params["metadata_log_dir"] or paths[0]
        everything = list(dict.fromkeys([*paths, metadata]))
        before = [storage.read(path) for path in everything]
        todo = storage.plan(
            before,
            cluster_id=params["cluster_id"],
            node_id=params["node_id"],
            initial_controllers=params["initial_controllers"],
            metadata_log_dir=metadata,
            is_controller="controller" in params["roles"],
            quorum_exists=params["quorum_exists"],
        )
        after = before
        if todo.paths and not module.check_mode:
            argv = storage.command(
                todo,
                java=params["java"],
                libs=params["libs"],
                cluster_id=params["cluster_id"],
                properties=params["properties"],
                user=params["user"],
            )
            code, out, err = module.run_command(argv, environ_update={"LC_ALL": "C"})
            after = [storage.read(path) for path in everything]
            storage.verify(
                after, todo, cluster_id=params["cluster_id"], node_id=params["node_id"], code=code, output=out + err
            )
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(
        changed=bool(todo.paths),
        formatted=list(todo.paths),
        directories=[directory.as_dict() for directory in after],
        joins_as_observer="--no-initial-controllers" in todo.quorum and metadata in todo.paths,
        diff={
            "before": {directory.path: directory.state for directory in before},
            "after": {
                directory.path: storage.FORMATTED if directory.path in todo.paths else directory.state
                for directory in before
            },
        },
    )


if __name__ == "__main__":
    main()
