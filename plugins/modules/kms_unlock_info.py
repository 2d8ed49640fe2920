#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read who used the keys of encrypted stores, and who changed their protection."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_unlock_info
short_description: Read who used the keys of encrypted stores, and who changed their protection
version_added: "0.1.0"
description:
  - Reads from CloudTrail which caller asked KMS to decrypt the key of which cluster, node and volume, and whether that
    was denied (C(Decrypt)).
  - Also reads who rewrapped a key (C(ReEncrypt)), and who changed the KMS key (C(CreateGrant), C(PutKeyPolicy),
    C(DisableKey), C(ScheduleKeyDeletion), …) or the bucket (policy, versions, lifecycle, …).
  - Asks for the events of O(key_id) and O(bucket) only, not for all events of the Region.
  - A read of an object (C(GetObject)) is a data event. Only a trail with a selector for data events records it. With
    O(trail_bucket) the module reads these events, too.
  - A request that is refused before KMS knows its key has no key in its event, and is not found here. RV(hints) says
    how to search for it.
  - CloudTrail shows events after some minutes, and keeps them for 90 days. A trail keeps them for longer in its bucket.
  - Needs C(kms:DescribeKey) and C(cloudtrail:LookupEvents); with O(trail_bucket) also C(s3:ListBucket) and
    C(s3:GetObject) there.
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
    description: The bucket of the wrapped keys; its events are left out when it is empty.
    type: str
    default: ""
  trail_bucket:
    description: The bucket of a trail that records the data events of O(bucket). P(rackaware.kafka.key_custody#role)
      creates such a trail.
    type: str
    default: ""
  most_files:
    description: How many of the trail's files to read at most, the newest first.
    type: int
    default: 2000
  cluster:
    description: The cluster or other application whose keys to show; all by default. Changes of the KMS key or the
      bucket are always shown.
    type: str
    default: ""
  hours:
    description: How many hours to look back, 1 to 2160.
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
- name: Read who unwrapped keys in the last week, and who changed their protection
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
      description: The time, in UTC.
      type: str
    event:
      description: The API action, as C(Decrypt), C(ReEncrypt), C(PutKeyPolicy), C(PutBucketPolicy) or C(GetObject).
      type: str
    instance:
      description: The instance whose role asked. Empty for every other caller, which deserves a closer look.
      type: str
    who:
      description: The ARN of the caller.
      type: str
    source_ip:
      description: The caller's address.
      type: str
    cluster:
      description: The cluster in the encryption context, or in the object's name.
      type: str
    node:
      description: The node, from the same source.
      type: str
    volume:
      description: The volume, from the same source.
      type: str
    what:
      description: For C(ReEncrypt) the new KMS key, for C(CreateGrant) the grant and its grantee, else the object or
        bucket; empty for C(Decrypt).
      type: str
    key_arn:
      description: The KMS key.
      type: str
    error:
      description: Why AWS refused the request; empty when it did not.
      type: str
    request_id:
      description: The id of the request, as in the unlocker's journal.
      type: str
    event_id:
      description: CloudTrail's own id of the event.
      type: str
unlocks:
  description: The C(Decrypt) events of RV(events).
  returned: success
  type: list
  elements: dict
lines:
  description: RV(events) as text.
  returned: success
  type: list
  elements: str
hints:
  description: Which events are not found here, and how to find them.
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
    events = []
    for name in [arn, *([params["bucket"]] if params["bucket"] else [])]:
        events += decrypt_events.look_up(cloudtrail, name, start=start, end=end)
    more = 0
    if params["trail_bucket"] and params["bucket"]:
        trail = decrypt_events.Trail(params["trail_bucket"], account, region, params["most_files"])
        read, more = trail.read(client.client("s3", **connection), params["bucket"], start=start, end=end)
        events += read
    hints = decrypt_events.hints(
        region, traced=bool(params["trail_bucket"] and params["bucket"]), more=more, most=params["most_files"]
    )
    return decrypt_events.chosen(events, params["cluster"]), hints


def main() -> None:
    """Ask, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    try:
        seen, hints = look(module.params)
    except RackawareError as error:
        module.fail_json(msg=str(error))
    events = [event.as_dict() for event in seen]
    unlocks = [event for event in events if event["event"] == decrypt_events.DECRYPT]
    module.exit_json(changed=False, events=events, unlocks=unlocks, lines=[event.line() for event in seen], hints=hints)


if __name__ == "__main__":
    main()
