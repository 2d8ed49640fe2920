#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read who unwrapped which key of an encrypted store, and when."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_unlock_info
short_description: Read who unwrapped which key of an encrypted store, and when
version_added: "0.1.0"
description:
  - Reads the C(Decrypt) events of CloudTrail, and tells which instance or person asked for the key of which cluster, node and volume, and whether it got it.
  - Events appear some minutes after they happened. CloudTrail itself remembers 90 days; a trail keeps them for longer in its bucket.
  - Needs C(cloudtrail:LookupEvents).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.aws
options:
  cluster:
    description: The cluster or other application whose keys are meant; every one by default.
    type: str
    default: ""
  hours:
    description: How far to look back, 1 to 2160.
    type: int
    default: 24
  region:
    description: The Region of the KMS key; by default that of the environment or of the profile.
    type: str
requirements:
  - boto3 >= 1.36.0
seealso:
  - module: rackaware.kafka.kms_data_key
"""

EXAMPLES = r"""
- name: See who unwrapped keys in the last week
  rackaware.kafka.kms_unlock_info:
    cluster: demo
    hours: 168
"""

RETURN = r"""
unlocks:
  description: The events, the oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    time:
      description: When, in UTC.
      type: str
    instance:
      description: The instance whose role asked; empty for anybody else, who should have had no reason to.
      type: str
    who:
      description: The ARN of who asked.
      type: str
    source_ip:
      description: From where.
      type: str
    cluster:
      description: The cluster in the encryption context.
      type: str
    node:
      description: The node in the encryption context.
      type: str
    volume:
      description: The volume in the encryption context.
      type: str
    key_arn:
      description: The KMS key.
      type: str
    error:
      description: Why the key was not given, empty where it was.
      type: str
    request_id:
      description: The request, which the unlocker's journal names, too.
      type: str
lines:
  description: The same for people.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils import _aws, _unlocks
from ..module_utils._errors import RackawareError

SPEC = {"cluster": {"type": "str", "default": ""}, "hours": {"type": "int", "default": 24}, **_aws.CONNECTION_SPEC}


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if _aws.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=_aws.BOTO3_ERROR)
    params = module.params
    try:
        cloudtrail = _aws.client("cloudtrail", region=params["region"], profile=params["profile"])
        found = _unlocks.unlocks(cloudtrail, cluster=params["cluster"], hours=params["hours"])
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(changed=False, unlocks=[each.as_dict() for each in found], lines=[each.line() for each in found])


if __name__ == "__main__":
    main()
