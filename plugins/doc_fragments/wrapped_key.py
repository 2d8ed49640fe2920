# Copyright (c) 2026, rackaware.kafka contributors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A wrapped key, and the credentials that unwrap it; the specs are WRAPPED_SPEC and CONNECTION_SPEC in _luks/kms.py."""

from __future__ import annotations


class ModuleDocFragment:
    """Options of a module that unwraps a key on its host, and suboptions in luks_key_source."""

    DOCUMENTATION = r"""
options:
  wrapped:
    description:
      - A wrapped key in S3, as RV(rackaware.kafka.kms_data_key#module:wrapped). The module decrypts it on this host.
    type: dict
    suboptions:
      bucket:
        description: The bucket.
        type: str
        required: true
      key:
        description: The object.
        type: str
        required: true
      version_id:
        description: The version of the object.
        type: str
        required: true
      sha256:
        description: The SHA-256 that the object must have, in hexadecimal digits.
        type: str
        required: true
      key_arn:
        description: The ARN of the KMS key. An alias is refused, because it can be pointed at another key.
        type: str
        required: true
      encryption_context:
        description: The encryption context that the key was bound to when it was created.
        type: dict
        required: true
      expected_bucket_owner:
        description: The account that must own the bucket.
        type: str
        required: true
  credentials:
    description:
      - The credentials for S3 and KMS.
      - V(instance) uses the instance's role from its metadata service, version 2 only. V(environment) uses the default
        credentials of the AWS SDK.
    type: str
    choices: [instance, environment]
    default: instance
"""
