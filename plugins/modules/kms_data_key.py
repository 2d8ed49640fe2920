#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Create, rotate, rewrap and destroy a wrapped key in S3."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_data_key
short_description: Create, rotate, rewrap and destroy a wrapped key in S3
version_added: "0.1.0"
description:
  - Asks KMS for a data key without its plaintext (C(GenerateDataKeyWithoutPlaintext)), and stores the ciphertext in S3.
    The plaintext key never leaves KMS here.
  - Never overwrites an existing object unless O(state) says so. Two runs at once never overwrite each other's object.
  - Fails when the KMS key is disabled or pending deletion. Never enables a key.
  - Needs C(kms:DescribeKey), C(kms:GenerateDataKeyWithoutPlaintext), for O(state=rewrapped) also C(kms:ReEncryptFrom)
    and C(kms:ReEncryptTo); C(s3:GetBucketVersioning), C(s3:GetObject), C(s3:GetObjectVersion), C(s3:ListBucket),
    C(s3:ListBucketVersions), C(s3:PutObject); for O(state=absent) C(s3:DeleteObjectVersion), too. The role of the
    instances needs none of the write permissions.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.aws
options:
  bucket:
    description: The bucket. It must have versioning enabled.
    type: str
    required: true
  object_key:
    description: The object. The last part of its name must begin with V(LuksInternalStorageKey).
    type: str
    required: true
  key_id:
    description: The KMS key, as id, ARN or alias. An alias is resolved once, and the object is bound to that key.
    type: str
    required: true
  encryption_context:
    description:
      - The encryption context that the key is bound to, such as cluster, node and volume. Every caller that unwraps the
        key must give the same context.
      - CloudTrail logs it, and the object's metadata has it, so never put a secret into it.
    type: dict
    required: true
  expected_bucket_owner:
    description: The account that must own the bucket.
    type: str
    required: true
  sse_kms_key_id:
    description: A KMS key with which S3 encrypts the object in addition.
    type: str
  state:
    description:
      - V(present) creates the object if there is none. When older versions or a delete marker exist, it fails and says
        how to restore the key, because a new key opens no volume of the old key. After O(state=absent) nothing is left,
        and V(present) creates a new key.
      - V(rotated) adds a version with a new key. V(rewrapped) adds a version with the same key, wrapped under the
        current O(key_id). Both keep older versions.
      - V(absent) deletes all versions, or the version O(version_id).
    type: str
    choices: [present, rotated, rewrapped, absent]
    default: present
  previous_version_id:
    description:
      - The version to replace, for O(state=rotated) and O(state=rewrapped).
      - Nothing changes when it has been replaced this way already. The module fails when the current version is any
        other one.
    type: str
  version_id:
    description: The version to delete, for O(state=absent). It must not be the current one.
    type: str
  confirm_crypto_shred:
    description: The value of O(object_key) again, to confirm O(state=absent).
    type: str
  region:
    description: The Region of the KMS key and of the bucket; by default that of the environment or of the profile.
    type: str
requirements:
  - boto3 >= 1.36.0
seealso:
  - module: rackaware.kafka.kms_decrypt
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Create the key of a volume, once
  rackaware.kafka.kms_data_key:
    bucket: demo-keys
    object_key: demo/1/LuksInternalStorageKey-d0
    key_id: alias/EncFSForEC2InternalStorageKey
    expected_bucket_owner: "123456789012"
    encryption_context: {app: kafka, cluster_id: demo, node_id: "1", volume: d0, purpose: luks}
  register: wrapped_key

- name: Rotate the key
  rackaware.kafka.kms_data_key:
    bucket: demo-keys
    object_key: demo/1/LuksInternalStorageKey-d0
    key_id: alias/EncFSForEC2InternalStorageKey
    expected_bucket_owner: "123456789012"
    encryption_context: {app: kafka, cluster_id: demo, node_id: "1", volume: d0, purpose: luks}
    state: rotated
    previous_version_id: "{{ wrapped_key.version_id }}"
"""

RETURN = r"""
wrapped:
  description: All that a host needs to unwrap the key, as other modules take it in C(key.wrapped); V(null) when there
    is no object.
  returned: success
  type: dict
  contains:
    bucket:
      description: The bucket.
      type: str
    key:
      description: The object.
      type: str
    version_id:
      description: The version.
      type: str
    sha256:
      description: The SHA-256 of the ciphertext.
      type: str
    key_arn:
      description: The ARN of the KMS key.
      type: str
    encryption_context:
      description: The encryption context.
      type: dict
    expected_bucket_owner:
      description: The account that owns the bucket.

      type: str
wrapped_versions:
  description:
    - The same for each version that exists, the newest last.
    - During a rotation there are two, and either may open the volume.
  returned: success
  type: list
  elements: dict
key_arn:
  description: The ARN of the KMS key.
  returned: when there is an object
  type: str
version_id:
  description: The version.
  returned: when there is an object
  type: str
etag:
  description: The ETag of the object.
  returned: when there is an object
  type: str
ciphertext_sha256:
  description: The SHA-256 of the ciphertext.
  returned: when there is an object
  type: str
encryption_context:
  description: The encryption context.
  returned: when there is an object
  type: dict
created:
  description: Whether this run created a version.
  returned: success
  type: bool
previous_version_id:
  description: The version that the current one replaced; empty for the first.
  returned: when there is an object
  type: str
actions:
  description: The steps that were done, or would be in check mode.
  returned: success
  type: list
  elements: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._aws import client, data_key
from ..module_utils._aws.data_key import ABSENT, PRESENT, REWRAPPED, ROTATED
from ..module_utils._errors import RackawareError

SPEC = {
    "bucket": {"type": "str", "required": True},
    "object_key": {"type": "str", "required": True, "no_log": False},
    "key_id": {"type": "str", "required": True, "no_log": False},
    "encryption_context": {"type": "dict", "required": True},
    "expected_bucket_owner": {"type": "str", "required": True},
    "sse_kms_key_id": {"type": "str", "no_log": False},
    "state": {"type": "str", "choices": [PRESENT, ROTATED, REWRAPPED, ABSENT], "default": PRESENT},
    "previous_version_id": {"type": "str"},
    "version_id": {"type": "str"},
    "confirm_crypto_shred": {"type": "str"},
    **client.CONNECTION_SPEC,
}


def change(store: data_key.Store, params: dict, *, check_mode: bool) -> dict:
    """For all states but absent: look, decide, do."""
    state, replaces = params["state"], params["previous_version_id"]
    arn = store.key_arn()
    store.require_versioning()
    before = after = store.current()
    if before is None:
        data_key.refuse_hidden(store.versions(), store.wanted)
    actions = data_key.plan(before, store.wanted, state=state, arn=arn, replaces=replaces)
    if actions and not check_mode:
        content = store.re_encrypt(before, arn) if "re-encrypt" in actions else store.generate(arn)
        after = store.store(content, arn, current=before, how=state)
        if after is None:
            # Another run was faster. Its object will do, if it is in the state that was asked for.
            after, actions = store.current(), ()
            if data_key.plan(after, store.wanted, state=state, arn=arn, replaces=replaces):
                raise data_key.DataKeyError(
                    "The object %s was changed and removed by another run meanwhile; run this again."
                    % store.wanted.object_key
                )
    return report(store, before, after, actions)


def report(
    store: data_key.Store, before: data_key.Object | None, after: data_key.Object | None, actions: tuple
) -> dict:
    """The result."""
    result = {
        "changed": bool(actions),
        "actions": list(actions),
        "created": bool(actions) and after != before,
        "wrapped": None,
    }
    result["wrapped_versions"] = [version.wrapped(store.wanted).as_dict() for version in store.chain(after)]
    if after is not None:
        result["wrapped"] = after.wrapped(store.wanted).as_dict()
        result.update(
            key_arn=after.key_arn, version_id=after.version_id, etag=after.etag, ciphertext_sha256=after.sha256
        )
        result.update(encryption_context=dict(after.encryption_context), previous_version_id=after.replaces)
    versions = [stored.version_id if stored else "" for stored in (before, after)]
    result["diff"] = {
        "before": {"version_id": versions[0]},
        "after": {"version_id": versions[1], **({"actions": list(actions)} if actions else {})},
    }
    return result


def remove(store: data_key.Store, params: dict, *, check_mode: bool) -> dict:
    """For absent. The oldest goes last: an interrupted run leaves no current version that has no name to delete it."""
    versions = store.versions()
    doomed = data_key.plan_absent(
        versions, store.wanted, version_id=params["version_id"], confirm=params["confirm_crypto_shred"]
    )
    if not check_mode:
        for version in doomed:
            store.delete(version)
    ids = [version["version_id"] for version in versions]
    return {
        "changed": bool(doomed),
        "actions": ["delete %s" % version for version in doomed],
        "created": False,
        "wrapped": None,
        "wrapped_versions": [],
        "diff": {"before": {"versions": ids}, "after": {"versions": [id_ for id_ in ids if id_ not in doomed]}},
    }


def main() -> None:
    """Read, decide, write, report."""
    needs = [(ABSENT, "confirm_crypto_shred"), (ROTATED, "previous_version_id"), (REWRAPPED, "previous_version_id")]
    module = AnsibleModule(
        argument_spec=SPEC,
        supports_check_mode=True,
        required_if=[("state", state, [option]) for state, option in needs],
    )
    if client.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=client.BOTO3_ERROR)
    params = module.params
    try:
        context = {str(name): str(value) for name, value in params["encryption_context"].items()}
        named = {
            name: params[name] for name in ("bucket", "object_key", "key_id", "expected_bucket_owner", "sse_kms_key_id")
        }
        wanted = data_key.Wanted(encryption_context=context, **named)
        data_key.check(wanted)
        connection = {name: params[name] for name in client.CONNECTION_SPEC}
        store = data_key.Store(client.client("s3", **connection), client.client("kms", **connection), wanted)
        result = (remove if params["state"] == ABSENT else change)(store, params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
