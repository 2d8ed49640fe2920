#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read who used the keys of encrypted stores, and who changed what guards them."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_unlock_info
short_description: Read who used the keys of encrypted stores, and who changed what guards them
version_added: "0.1.0"
description:
  - Reads from CloudTrail which instance or person asked for the key of which cluster, node and volume, and whether it got it (C(Decrypt)); who wrapped a key
    anew (C(ReEncrypt)); and who changed the KMS key (C(CreateGrant), C(PutKeyPolicy), C(DisableKey), C(ScheduleKeyDeletion), …) or the bucket (its policy,
    versions, lifecycle, …).
  - Asks for the events of O(key_id) and O(bucket) only, not for those of the Region.
  - Reading an object of the bucket (C(GetObject)) is a data event, which only a trail with a selector for it records; with O(trail_bucket) it is read there.
  - What is refused before KMS knows which key is meant has no key in its event, and is not found by it; RV(hints) says how to look for it.
  - Events appear some minutes after they happened. CloudTrail itself remembers 90 days; a trail keeps them for longer in its bucket.
  - Needs C(kms:DescribeKey) and C(cloudtrail:LookupEvents); with O(trail_bucket) also C(s3:ListBucket) and C(s3:GetObject) there.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes.info
  - rackaware.kafka.aws
options:
  key_id:
    description: The KMS key, as id, ARN or alias.
    type: str
    default: alias/EncFSForEC2InternalStorageKey
  bucket:
    description: The bucket of the wrapped keys; none leaves out what happens to it.
    type: str
    default: ""
  trail_bucket:
    description: The bucket of a trail that records the data events of O(bucket), as P(rackaware.kafka.key_custody#role) makes it.
    type: str
    default: ""
  most_files:
    description: How many of the trail's files are read, the newest ones.
    type: int
    default: 2000
  cluster:
    description: The cluster or other application whose keys are meant; every one by default. What changes the KMS key or the bucket is shown always.
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
  - module: rackaware.kafka.trail_data_events
"""

EXAMPLES = r"""
- name: See who unwrapped keys in the last week, and who changed what guards them
  rackaware.kafka.kms_unlock_info:
    cluster: demo
    hours: 168
    bucket: demo-keys
    trail_bucket: demo-keys-trail
"""

RETURN = r"""
events:
  description: All events, the oldest first.
  returned: success
  type: list
  elements: dict
  contains:
    time:
      description: When, in UTC.
      type: str
    event:
      description: What was asked for, as C(Decrypt), C(ReEncrypt), C(PutKeyPolicy), C(PutBucketPolicy) or C(GetObject).
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
      description: The cluster in the encryption context, or in the object's name.
      type: str
    node:
      description: The node, from the same.
      type: str
    volume:
      description: The volume, from the same.
      type: str
    what:
      description: The KMS key to which a key was wrapped anew, what was granted to whom, or the object or bucket; empty for a C(Decrypt).
      type: str
    key_arn:
      description: The KMS key.
      type: str
    error:
      description: Why it was refused, empty where it was not.
      type: str
    request_id:
      description: The request, which the unlocker's journal names, too.
      type: str
    event_id:
      description: CloudTrail's own id of the event.
      type: str
unlocks:
  description: Those of RV(events) that are a C(Decrypt).
  returned: success
  type: list
  elements: dict
lines:
  description: RV(events) for people.
  returned: success
  type: list
  elements: str
hints:
  description: What cannot be seen here, and how to see it.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client, decrypt_events
from ..module_utils._errors import RackawareError

SPEC = {
    "key_id": {"type": "str", "default": "alias/EncFSForEC2InternalStorageKey", "no_log": False},
    "bucket": {"type": "str", "default": ""},
    "trail_bucket": {"type": "str", "default": ""},
    "most_files": {"type": "int", "default": 2000},
    "cluster": {"type": "str", "default": ""},
    "hours": {"type": "int", "default": 24},
    **client.CONNECTION_SPEC,
}


def look(params: dict) -> tuple[list, list[str]]:
    """The events, and the hints."""
    decrypt_events.check(params["hours"])
    connection = {name: params[name] for name in client.CONNECTION_SPEC}
    with client.asking("describe the KMS key %s" % params["key_id"]):
        arn = client.client("kms", **connection).describe_key(KeyId=params["key_id"])["KeyMetadata"]["Arn"]
    _arn, _aws_, _kms, region, account, _key = arn.split(":", 5)
    start, end = decrypt_events.span(params["hours"])
    cloudtrail = client.client("cloudtrail", **connection)
    found = []
    for name in [arn, *([params["bucket"]] if params["bucket"] else [])]:
        found += decrypt_events.look_up(cloudtrail, name, start=start, end=end)
    more = 0
    if params["trail_bucket"] and params["bucket"]:
        trail = decrypt_events.Trail(params["trail_bucket"], account, region, params["most_files"])
        read, more = trail.read(client.client("s3", **connection), params["bucket"], start=start, end=end)
        found += read
    hints = decrypt_events.hints(
        region, traced=bool(params["trail_bucket"] and params["bucket"]), more=more, most=params["most_files"]
    )
    return decrypt_events.chosen(found, params["cluster"]), hints


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    try:
        found, hints = look(module.params)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    events = [each.as_dict() for each in found]
    unlocks = [each for each in events if each["event"] == decrypt_events.DECRYPT]
    module.exit_json(changed=False, events=events, unlocks=unlocks, lines=[each.line() for each in found], hints=hints)


if __name__ == "__main__":
    main()
