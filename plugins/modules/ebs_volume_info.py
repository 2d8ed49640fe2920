#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

DOCUMENTATION = r"""
module: ebs_volume_info
short_description: Read EBS volumes, their attachments and tags
version_added: "0.1.0"
description:
  - Asks the EC2 API for volumes with their attachments and tags.
  - Unlike M(amazon.aws.ec2_vol_info), it also describes volumes for which the API names no snapshot.
  - Needs the permission C(ec2:DescribeVolumes).
author: rackaware.kafka contributors (@rackaware)
options:
  filters:
    description:
      - The filters of DescribeVolumes, each with a list of values; see
        U(https://docs.aws.amazon.com/AWSEC2/latest/APIReference/API_DescribeVolumes.html).
    type: dict
    required: true
requirements:
  - boto3 >= 1.35.0
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.aws
seealso:
  - module: amazon.aws.ec2_vol_info
"""

EXAMPLES = r"""
- name: Find the data volumes of a cluster
  rackaware.kafka.ebs_volume_info:
    region: eu-west-1
    filters:
      tag:KafkaCluster: [demo]
      tag-key: [KafkaVolume]
  register: data
"""

RETURN = r"""
volumes:
  description: The volumes, in order of their ids.
  returned: success
  type: list
  elements: dict
  contains:
    id:
      description: The volume's id.
      type: str
    zone:
      description: The Availability Zone.
      type: str
    state:
      description: The state, as V(available) or V(in-use).
      type: str
    type:
      description: The volume type.
      type: str
    size_gb:
      description: The size in GiB.
      type: int
    iops:
      description: Operations a second, or V(null).
      type: int
    throughput:
      description: Throughput in MiB/s, or V(null).
      type: int
    encrypted:
      description: Whether EBS encrypts it.
      type: bool
    snapshot_id:
      description: The snapshot that it was made from, or V(null).
      type: str
    create_time:
      description: When it was made, in ISO 8601.
      type: str
    tags:
      description: The tags.
      type: dict
    attachments:
      description: The instances that it is attached to, each with C(instance_id), C(device) and
        C(delete_on_termination).
      type: list
      elements: dict
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client
from ..module_utils._errors import RackawareError


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(
        argument_spec={"filters": {"type": "dict", "required": True}, **client.CONNECTION_SPEC},
        supports_check_mode=True,
    )
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    params = module.params
    filters = {
        name: [str(value) for value in (values if isinstance(values, list) else [values])]
        for name, values in params["filters"].items()
    }
    try:
        described = client.volumes(client.client("ec2", region=params["region"], profile=params["profile"]), filters)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, volumes=described)


if __name__ == "__main__":
    main()
