#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: instance_type_info
short_description: Read the properties of EC2 instance types
version_added: "0.1.0"
description:
  - Asks the EC2 API for processors, memory, bandwidths, limits and instance store of instance types, so that new types
    work without a new release.
  - Refuses a type that the Region does not know, by name.
  - Needs the permission C(ec2:DescribeInstanceTypes), and with O(zones=true) also C(ec2:DescribeInstanceTypeOfferings).
author: rackaware.kafka contributors (@rackaware)
options:
  instance_types:
    description: The types to describe.
    type: list
    elements: str
    required: true
  zones:
    description: Whether to read in which Availability Zones of the Region each type is offered, too.
    type: bool
    default: false
requirements:
  - boto3 >= 1.35.0
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.aws
seealso:
  - module: amazon.aws.ec2_instance_info
"""

EXAMPLES = r"""
- name: Read what the brokers' type offers
  rackaware.kafka.instance_type_info:
    instance_types: [r6i.xlarge]
    region: eu-west-1
  register: type_facts

- name: Show the memory in MiB
  ansible.builtin.debug:
    msg: "{{ type_facts.instance_types['r6i.xlarge'].memory_mb }}"
"""

RETURN = r"""
instance_types:
  description: The properties of each of O(instance_types), by name.
  returned: success
  type: dict
  sample:
    i3.large:
      architectures: [x86_64]
      ebs_attachments: 40
      ebs_mbps: 425
      hypervisor: xen
      instance_store: {count: 1, size_gb: 475, total_gb: 475, nvme: true, encrypted: true}
      memory_mb: 15616
      network_gbps: 0.75
      network_performance: Up to 10 Gigabit
      vcpus: 2
      zones: [eu-west-1a, eu-west-1b, eu-west-1c]
  contains:
    vcpus:
      description: Virtual processors.
      type: int
    memory_mb:
      description: Memory in MiB.
      type: int
    network_gbps:
      description: Baseline bandwidth of all network cards in Gbit/s, or V(null) where EC2 states none.
      type: float
    network_performance:
      description: EC2's description of the network, which may name the burst bandwidth.
      type: str
    ebs_mbps:
      description: Baseline bandwidth to EBS in Mbit/s, or V(null).
      type: int
    ebs_attachments:
      description: How many EBS volumes can be attached, with the root volume, or V(null) where EC2 states no limit.
      type: int
    hypervisor:
      description: V(nitro) or V(xen), or V(null) for bare metal. On V(xen) an EBS volume has no serial number with its
        id.
      type: str
    architectures:
      description: The processor architectures that an image may have.
      type: list
      elements: str
    instance_store:
      description: The local disks, or V(null) where there are none.
      type: dict
      contains:
        count:
          description: How many disks.
          type: int
        size_gb:
          description: The size of one disk in GB, of the largest where they differ.
          type: int
        total_gb:
          description: The size of all disks in GB.
          type: int
        nvme:
          description: Whether they are NVMe disks.
          type: bool
        encrypted:
          description: Whether the hardware encrypts them.
          type: bool
    zones:
      description: The Availability Zones that offer the type.
      returned: with O(zones=true)
      type: list
      elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client
from ..module_utils._errors import RackawareError


def main() -> None:
    """Ask, report."""
    spec = {
        "instance_types": {"type": "list", "elements": "str", "required": True},
        "zones": {"type": "bool", "default": False},
    }
    module = AnsibleModule(argument_spec={**spec, **client.CONNECTION_SPEC}, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    params = module.params
    try:
        ec2 = client.client("ec2", region=params["region"], profile=params["profile"])
        types = client.instance_types(ec2, params["instance_types"], zones=params["zones"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, instance_types=types)


if __name__ == "__main__":
    main()
