#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Destroy all wrapped keys of nodes whose hosts are lost."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_node_keys
short_description: Destroy all wrapped keys of nodes whose hosts are lost
version_added: "0.1.0"
description:
  - Finds the wrapped keys of nodes by their names in the bucket, C(<cluster>/<node>/LuksInternalStorageKey-…), and
    destroys all their versions and delete markers. After that, the data on the stores of these nodes, also on a disk
    that was kept or in a snapshot, can never be read again (crypto-erase).
  - Refuses a node that is in the inventory, because its host can still be reached and its headers erased; use the
    playbook C(erase_stores).
  - Succeeds only when the bucket lists none of these keys any more. Names other objects below a node's prefix, and
    keeps them.
  - Does not touch copies of the bucket (replication, backups), which hold wrapped keys as well.
  - Needs C(s3:ListBucketVersions) and C(s3:DeleteObjectVersion). One call deletes up to 1000 versions.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
options:
  bucket:
    description: The bucket of the wrapped keys.
    type: str
    required: true
  expected_bucket_owner:
    description: The account that must own the bucket.
    type: str
    required: true
  cluster:
    description: The cluster, which is the first part of the objects' names.
    type: str
    required: true
  nodes:
    description: The ids of the nodes whose keys are destroyed.
    type: list
    elements: int
    required: true
  present_nodes:
    description: The ids of nodes in the inventory, which are refused.
    type: list
    elements: int
    default: []
  confirm:
    description:
      - The confirmation C(erase-<cluster>-<nodes>), with the nodes in order and separated by commas, as
        C(erase-demo-7,8).
      - Check mode needs none, and lists what would be destroyed.
    type: str
  state:
    description: V(absent) destroys them.
    type: str
    choices: [absent]
    default: absent
  region:
    description: The Region of the bucket; by default that of the environment or of the profile.
    type: str
requirements:
  - boto3 >= 1.36.0
seealso:
  - module: rackaware.kafka.kms_data_key
"""

EXAMPLES = r"""
- name: Crypto-erase the stores of a lost host
  rackaware.kafka.kms_node_keys:
    bucket: demo-keys
    expected_bucket_owner: "123456789012"
    cluster: demo
    nodes: [7]
    present_nodes: [1, 2, 3]
    confirm: erase-demo-7
"""

RETURN = r"""
keys:
  description: The wrapped keys that were destroyed, or would be in check mode.
  returned: success
  type: list
  elements: dict
  contains:
    node:
      description: The id of the node.

      type: int
    object_key:
      description: The object.
      type: str
    versions:
      description: How many versions it had.
      type: int
    markers:
      description: How many delete markers it had.
      type: int
left_alone:
  description: Other objects below the nodes' prefixes, which are kept.
  returned: success
  type: list
  elements: str
lines:
  description: The result as text.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client, node_keys
from ..module_utils._errors import RackawareError

SPEC = {
    "bucket": {"type": "str", "required": True},
    "expected_bucket_owner": {"type": "str", "required": True},
    "cluster": {"type": "str", "required": True},
    "nodes": {"type": "list", "elements": "int", "required": True},
    "present_nodes": {"type": "list", "elements": "int", "default": []},
    "confirm": {"type": "str"},
    "state": {"type": "str", "choices": ["absent"], "default": "absent"},
    **client.CONNECTION_SPEC,
}


def work(params: dict, *, check_mode: bool) -> dict:
    """Look, decide, destroy, look again."""
    cluster = params["cluster"]
    nodes = node_keys.check(cluster, params["nodes"], params["present_nodes"])
    bucket = node_keys.Bucket(
        client.client("s3", region=params["region"], profile=params["profile"]),
        params["bucket"],
        params["expected_bucket_owner"],
    )
    stored = [bucket.find(cluster, node) for node in nodes]
    versions = [version for node in stored for version in node.versions]
    if versions and not check_mode:
        node_keys.check_confirmation(cluster, nodes, stored, params["confirm"])
        bucket.destroy(versions)
        node_keys.left([bucket.find(cluster, node) for node in nodes])
    keys = [key for node in stored for key in node.wrapped()]
    return {
        "changed": bool(versions),
        "keys": keys,
        "left_alone": [name for node in stored for name in node.others],
        "lines": node_keys.lines(stored, gone=not check_mode),
        "diff": {"before": {"keys": [key["object_key"] for key in keys]}, "after": {"keys": []}},
    }


def main() -> None:
    """Read, do, report."""
    module = AnsibleModule(argument_spec=SPEC, supports_check_mode=True)
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    try:
        result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
