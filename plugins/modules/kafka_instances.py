#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: kafka_instances
short_description: Build the instances and data volumes of many nodes at once
version_added: "0.1.0"
description:
  - Launches missing nodes, each with its own address, tags and new data volumes. Makes, attaches, changes and tags
    volumes of existing nodes. Runs several requests at a time, and waits once for all nodes.
  - M(amazon.aws.ec2_instance) and M(amazon.aws.ec2_vol) make one node and one volume at a time, each with its own wait.
    They enforce the limits that gp3 had before 2025.
  - Never stops, replaces, terminates, detaches or deletes anything. A launch has a client token, so that a launch whose
    answer was lost is not made twice. To continue a run that was broken off, make a new plan and run it again.
  - A new volume carries the tag C(KafkaFormat=new), which allows its format, until it is formatted. A volume that
    existed before never gets the tag again.
  - Needs the permissions C(ec2:RunInstances), C(ec2:CreateVolume), C(ec2:AttachVolume), C(ec2:ModifyVolume),
    C(ec2:ModifyInstanceAttribute), C(ec2:CreateTags), C(ec2:DeleteTags), C(ec2:DescribeInstances),
    C(ec2:DescribeVolumes) and C(iam:PassRole).
author: rackaware.kafka contributors (@rackaware)
options:
  nodes:
    description: The nodes to build, as P(rackaware.kafka.kafka_instances_plan#filter) returns them in C(nodes).
    type: list
    elements: dict
    required: true
  subnet_ids:
    description: The id of each zone's subnet; needed to launch nodes.
    type: dict
    default: {}
  group_ids:
    description: The id of each security group, by name; needed to launch nodes.
    type: dict
    default: {}
  key_name:
    description: The EC2 key pair for the first login.
    type: str
  wait_seconds:
    description: Seconds that all nodes together may take to run, with all volumes attached.
    type: int
    default: 600
requirements:
  - boto3 >= 1.35.0
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
seealso:
  - module: amazon.aws.ec2_instance
  - module: amazon.aws.ec2_vol
"""

EXAMPLES = r"""
- name: Build the planned nodes
  rackaware.kafka.kafka_instances:
    region: eu-west-1
    nodes: "{{ plan.nodes }}"
    subnet_ids: {eu-west-1a: subnet-0123456789abcdef0}
    group_ids: {demo-broker: sg-0123456789abcdef0}
"""

RETURN = r"""
instances:
  description: The instance id of each node, by name.
  returned: success, except in check mode
  type: dict
actions:
  description: One line for each action that was done, or would be in check mode.
  returned: success
  type: list
  elements: str
calls:
  description: How often each action of the EC2 API was called, by name.
  returned: success, except in check mode
  type: dict
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client, launch
from ..module_utils._errors import RackawareError

SPEC = {
    "nodes": {"type": "list", "elements": "dict", "required": True},
    "subnet_ids": {"type": "dict", "default": {}},
    "group_ids": {"type": "dict", "default": {}},
    "key_name": {"type": "str", "no_log": False},
    "wait_seconds": {"type": "int", "default": 600},
}


def main() -> None:
    """Say what is done, do it, report."""
    module = AnsibleModule(argument_spec={**SPEC, **client.CONNECTION_SPEC}, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    params = module.params
    actions = launch.actions(params["nodes"])
    result = {
        "changed": bool(actions),
        "actions": actions,
        "diff": {"before": "", "after": "".join(action + "\n" for action in actions)},
    }
    if actions and not module.check_mode:
        try:
            ec2 = client.client(
                "ec2",
                region=params["region"],
                profile=params["profile"],
                retries="adaptive",
                connections=launch.AT_ONCE,
            )
            builder = launch.Builder(ec2, wait_seconds=params["wait_seconds"])
            result["instances"] = builder.build(
                params["nodes"],
                subnet_ids=params["subnet_ids"],
                group_ids=params["group_ids"],
                key_name=params["key_name"],
            )
            result["calls"] = builder.calls
        except RackawareError as error:
            module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
