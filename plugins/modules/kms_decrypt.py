#!/usr/bin/python
# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Check on a host that a wrapped key can be unwrapped, or unwrap it into memory."""

from __future__ import annotations

DOCUMENTATION = r"""
module: kms_decrypt
short_description: Check on a host that a wrapped key can be unwrapped, or unwrap it into memory
version_added: "0.1.0"
description:
  - Reads the pinned version of a wrapped key from S3, compares its SHA-256, and asks KMS to decrypt it with one KMS key
    and one encryption context.
  - By default only checks that this works. Never returns the key.
  - Needs C(s3:GetObjectVersion) and C(kms:Decrypt) on the host.
author:
  - rackaware.kafka contributors (@rackaware)
extends_documentation_fragment:
  - rackaware.kafka.attributes
  - rackaware.kafka.wrapped_key
options:
  wrapped:
    description: The wrapped key, as RV(rackaware.kafka.kms_data_key#module:wrapped) gives it.
    required: true
  validate_only:
    description: Whether to unwrap the key and forget it. V(false) writes it to O(dest).
    type: bool
    default: true
  dest:
    description: A new file on a file system in memory (ramfs or tmpfs), readable by root only. An existing file is
      never overwritten.
    type: path
notes:
  - The modules for volumes unwrap a key themselves. Write a file only for programs that cannot.
requirements:
  - boto3 >= 1.26.0 (the package python3-boto3 of the distribution)
seealso:
  - module: rackaware.kafka.kms_data_key
  - module: rackaware.kafka.luks_volume
"""

EXAMPLES = r"""
- name: Check that this host can unwrap its key
  rackaware.kafka.kms_decrypt:
    wrapped: "{{ wrapped_key.wrapped }}"
"""

RETURN = r"""
valid:
  description: Always V(true), because a key that cannot be unwrapped fails the task.
  returned: success
  type: bool
key_arn:
  description: The ARN of the KMS key that decrypted it.
  returned: success
  type: str
plaintext_length:
  description: The length of the key in bytes.
  returned: success
  type: int
request_id:
  description: The id of the KMS request, as in CloudTrail.
  returned: success
  type: str
"""

from ansible.module_utils.basic import AnsibleModule, missing_required_lib

from ..module_utils._errors import RackawareError, unforeseen
from ..module_utils._luks import key_source, kms
from ..module_utils._luks.cryptsetup import forget

SPEC = {
    "wrapped": {**kms.WRAPPED_SPEC, "required": True},
    "validate_only": {"type": "bool", "default": True},
    "dest": {"type": "path"},
    **kms.CONNECTION_SPEC,
}


def work(params: dict, *, check_mode: bool) -> dict:
    """Unwrap, and forget or write."""
    which = kms.wrapped(params["wrapped"])
    writes = not params["validate_only"]
    if writes:
        key_source.check_dest(params["dest"])
    vault = kms.connect(which.region, params["credentials"])
    plaintext, request = vault.decrypt(which, vault.ciphertext(which))
    try:
        if writes and not check_mode:
            key_source.write(params["dest"], plaintext)
        length = len(plaintext)
    finally:
        forget(plaintext)
    diff = {"before": {"dest": False}, "after": {"dest": writes}}
    return {
        "changed": writes,
        "valid": True,
        "key_arn": which.key_arn,
        "plaintext_length": length,
        "request_id": request,
        "diff": diff,
    }


def main() -> None:
    """Read, decide, write, report."""
    module = AnsibleModule(
        argument_spec=SPEC, supports_check_mode=True, required_if=[("validate_only", False, ["dest"])]
    )
    if kms.BOTO3_ERROR:
        module.fail_json(msg=missing_required_lib("boto3"), exception=kms.BOTO3_ERROR)
    try:
        with unforeseen("The key could not be unwrapped"):
            result = work(module.params, check_mode=module.check_mode)
    except RackawareError as error:
        module.fail_json(msg=str(error), exception=None)
    module.exit_json(**result)


if __name__ == "__main__":
    main()
