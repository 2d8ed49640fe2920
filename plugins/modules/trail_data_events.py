#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Record in a trail who reads and writes the objects of a bucket."""

from __future__ import annotations

DOCUMENTATION = r"""
module: trail_data_events
short_description: Record in a CloudTrail trail who reads and writes the objects of a bucket
version_added: "0.1.0"
description:
  - Adds an event selector for the data events of all objects of one bucket to a CloudTrail trail. Keeps the trail's
    other selectors.
  - AWS charges for data events.
  - Needs C(cloudtrail:GetEventSelectors) and C(cloudtrail:PutEventSelectors).
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
options:
  trail:
    description: The trail's name. In check mode the trail need not exist yet.
    type: str
    required: true
  bucket:
    description: The bucket.
    type: str
    required: true
  partition:
    description: The partition of the bucket's ARN, as V(aws-cn).
    type: str
    default: aws
  region:
    description: The home Region of the trail; by default that of the environment or of the profile.
    type: str
requirements:
  - boto3 >= 1.36.0
seealso:
  - module: rackaware.kafka.kms_unlock_info
"""

EXAMPLES = r"""
- name: Record who reads the wrapped keys
  rackaware.kafka.trail_data_events:
    trail: demo-trail
    bucket: demo-keys
"""

RETURN = r"""
selectors:
  description: The event selectors, or advanced event selectors, after the run.
  returned: success
  type: list
  elements: dict
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client, trail
from ..module_utils._errors import RackawareError

SPEC = {
    "trail": {"type": "str", "required": True},
    "bucket": {"type": "str", "required": True},
    "partition": {"type": "str", "default": "aws"},
    **client.CONNECTION_SPEC,
}


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, decide, do."""
    cloudtrail = client.client("cloudtrail", region=params["region"], profile=params["profile"])
    answer: dict = {}
    try:
        with client.asking("read the event selectors of the trail %s" % params["trail"]):
            answer = cloudtrail.get_event_selectors(TrailName=params["trail"])
    except client.AwsError as error:
        if not check_mode or error.code != "TrailNotFoundException":
            raise
    before = [answer.get(name) or [] for name in ("EventSelectors", "AdvancedEventSelectors")]
    change = trail.plan(*before, "arn:%s:s3:::%s/" % (params["partition"], params["bucket"]))
    if change and not check_mode:
        with client.asking("add an event selector to the trail %s" % params["trail"]):
            cloudtrail.put_event_selectors(TrailName=params["trail"], **change)
    selectors = [before[0] or before[1], *change.values()]
    return {
        "changed": bool(change),
        "selectors": selectors[-1],
        "diff": {"before": {"selectors": selectors[0]}, "after": {"selectors": selectors[-1]}},
    }


def main() -> None:
    """Read, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    try:
        result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)


if __name__ == "__main__":
    main()
